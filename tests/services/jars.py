"""The jars of a Java server, fetched by Maven once for each version of its pom."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = ROOT / "var" / "services"
COPY: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def private_folder(folder: Path) -> Path:
    """Made where it is missing; `var` may be the data folder of an installation, so nobody else may look in."""
    if not folder.exists():
        private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def jars(pom: Path, cache: Path = SERVICES / "jars") -> Path:
    """The folder that holds what the pom asks for. Raises CalledProcessError where Maven cannot get it."""
    name = f"{pom.stem}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:16]}"
    folder, draft = private_folder(cache) / name, cache / f".{name}"
    if not folder.exists():
        shutil.rmtree(draft, ignore_errors=True)
        maven = ["mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", "--file", str(pom), COPY]
        subprocess.run([*maven, "-DincludeScope=runtime", f"-DoutputDirectory={draft}"], check=True)
        draft.rename(folder)
    return folder
