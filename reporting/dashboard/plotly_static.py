"""Serves plotly.js to the pages: from its Python package, under a name with its version.

Browsers may cache a name with a version forever.
"""

import os
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

PLOTLY: Final = f"plotly-{version('plotly')}.min.js"
# The id of a style element that plotly adds for its maps unless the page has one: ours has, since its policy forbids
# inline style.
MAP_STYLE: Final = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"
FOLDER: Final = "static"


class PackedFinder(BaseFinder):
    """Finds the file in a folder of the data folder, which is filled once for each version of plotly."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        return [(PLOTLY, FileSystemStorage(pack()))]

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        if path != PLOTLY:
            return []
        found = str(pack() / path)
        return [found] if find_all else found


def pack() -> Path:
    """Returns the folder with the file, after writing it if needed. Several processes may do so at once."""
    folder = Path(settings.DATA) / FOLDER
    if not (folder / PLOTLY).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / PLOTLY, _source().read_bytes())
    return folder


def _source() -> Path:
    package = find_spec("plotly")
    if package is None or package.origin is None:
        raise FileNotFoundError("The package plotly is not installed; requirements.txt lists it.")
    return Path(package.origin).parent / "package_data" / "plotly.min.js"


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)  # atomic: no process serves half a file
