"""Where a broken-off import goes on: a small file that remembers how many lines are in the log already."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

SUFFIX: Final = ".import"


class ImportPosition(msgspec.Struct, frozen=True):
    """The first `lines` lines are in the log; `checksum` tells whether the files still begin with the same lines."""

    lines: int
    checksum: int


class Bookmark:
    """The mark of one import: these files in this order, into this property of this log.

    A mark may say less than is true, never more: then some lines are sent again, and are found to be duplicates.
    """

    def __init__(self, folder: Path, log: str, property: int, files: Sequence[str]) -> None:
        paths = [str(Path(name).resolve()) for name in files]
        self._path = folder / (
            hashlib.blake2b(repr((log, property, paths)).encode(), digest_size=16).hexdigest() + SUFFIX
        )

    def read(self) -> ImportPosition | None:
        """None too if the file is damaged: the import then begins again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=ImportPosition)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def write(self, mark: ImportPosition) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(mark))
        draft.replace(self._path)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
