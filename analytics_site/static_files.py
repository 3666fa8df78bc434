"""Static files with compressed copies: WhiteNoise sends `name.br` or `name.gz` beside a file where a browser takes it.

The copies are made at the start, in the data folder, and again when a file has changed.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from collection.collector.encoding import BROTLI, FOR_MANY, GZIP, MIN_BYTES, compressed

FOLDER: Final = "static"
SUFFIXES: Final = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".xml"}
COPIES: Final = {".gz": GZIP, ".br": BROTLI}


class CompressedFinder(BaseFinder):
    """Lists the files of the other finders that compress well, each with its copies. It is the first finder."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        folder = Path(settings.DATA) / FOLDER
        storage = FileSystemStorage(folder)
        for name, source in sorted(_sources().items()):
            content = source.read_bytes()
            if len(content) >= MIN_BYTES:
                keep(folder / name, content)
                yield from ((f"{name}{suffix}", storage) for suffix in ("", *COPIES))

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        return []  # the other finders know the originals


def _sources() -> dict[str, Path]:
    """Returns the first file of each name, as WhiteNoise would take it."""
    found: dict[str, Path] = {}
    for finder in finders.get_finders():
        if not isinstance(finder, CompressedFinder):
            for path, storage in _texts(finder):
                prefix = getattr(storage, "prefix", None)
                found.setdefault(f"{prefix}/{path}" if prefix else path, Path(storage.path(path)))
    return found


def _texts(finder: BaseFinder) -> Iterator[tuple[str, Any]]:
    return ((path, storage) for path, storage in finder.list(None) if Path(path).suffix in SUFFIXES)


def keep(path: Path, content: bytes) -> None:
    """Writes a file and its copies, unless they are there. Several processes may do so at once."""
    copies = {path.with_name(path.name + suffix): coding for suffix, coding in COPIES.items()}
    if path.is_file() and path.read_bytes() == content and all(copy.is_file() for copy in copies):
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for copy, coding in copies.items():
        _write(copy, compressed(content, coding, FOR_MANY))
    _write(path, content)  # last: it says that the copies are of this content


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)  # atomic: no process serves half a file
