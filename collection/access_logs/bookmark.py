"""The position at which an interrupted import continues: a small file with the number of lines already in the log."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

SUFFIX: Final = ".import"


class ImportPosition(msgspec.Struct, frozen=True):
    """The first `lines` lines are in the log. `checksum` shows if the files still begin with the same lines."""

    lines: int
    checksum: int


class Bookmark:
    """The stored position of one import: these files in this order, into this property of this log.

    It may be behind the truth, never ahead: then some lines are sent again and are dropped as duplicates.
    """

    def __init__(self, folder: Path, log: str, property: int, files: Sequence[str], format: str | None = None) -> None:
        """An import with another format begins with the first line: before, its lines may have been malformed."""
        paths = [str(Path(name).resolve()) for name in files]
        name = (log, property, paths) if format is None else (log, property, paths, format)
        self._path = folder / (hashlib.blake2b(repr(name).encode(), digest_size=16).hexdigest() + SUFFIX)

    def read(self) -> ImportPosition | None:
        """Returns None without a bookmark, and if it is damaged: the import then starts again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ImportPosition)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write(self, position: ImportPosition) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(position))
        draft.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
