"""Reads the lists of facts about the outside world: tab-separated files beside this module.

A line that begins with `#` is a note, such as the source and the licence; every other line is a row.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

FOLDER: Final = files(__name__)  # no path: the machines of a cluster get the code as one zip file

# Packages that bring lists of their own.
PACKAGES: Final = ("crawler-user-agents", "tldextract", "ua-parser-builtins")


def rows(name: str) -> list[list[str]]:
    """Returns the rows of a list, each split at its tabs."""
    text = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def lists_version() -> str:
    """Returns a digest of all lists, including those of packages: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(FOLDER.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".tsv"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for package in PACKAGES:
        digest.update(f"{package}=={version(package)}\0".encode())
    return digest.hexdigest()
