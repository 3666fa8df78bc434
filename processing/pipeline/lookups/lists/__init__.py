"""Facts about the outside world that the steps look things up in: plain tab-separated files beside this one.

A line that begins with `#` is a note (where the facts come from, their licence); the other lines are rows.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

FOLDER: Final = files(__name__)  # a cluster's machines get our code as one zip file

# The packages that carry lists of their own.
PACKAGES: Final = ("crawler-user-agents", "tldextract", "ua-parser-builtins")


def rows(name: str) -> list[list[str]]:
    """The rows of the list `name`, each split at its tabs."""
    text = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def lists_version() -> str:
    """Names the content of all lists, ours and those of packages: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(FOLDER.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".tsv"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in PACKAGES:
        digest.update(f"{package}=={version(package)}\0".encode())
    return digest.hexdigest()
