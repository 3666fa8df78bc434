"""Notices that a database file was deleted or replaced while it is in use.

SQLite goes on to write into a file that has lost its name, and says that the content is durable: it is gone when the
last process closes the file.
"""

from pathlib import Path
from typing import NamedTuple


class FileReplaced(OSError):
    """A file that is in use has lost its name, or another one has it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} was deleted or replaced while it was in use; put it back")


class FileNumber(NamedTuple):
    device: int
    inode: int


def number_of(path: Path) -> FileNumber | None:
    """Returns what tells a file from others, None if there is none of this name."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return FileNumber(status.st_dev, status.st_ino)


class FileInUse:
    """A database file and its write-ahead file, which SQLite keeps as long as a connection is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal_path = path.with_name(path.name + "-wal")
        self._file = number_of(path)
        self._journal: FileNumber | None = None

    def check(self) -> None:
        """Raises FileReplaced. Call it after writing, before saying that something is durable."""
        if self._file is None or number_of(self._path) != self._file:
            raise FileReplaced(self._path)
        journal = number_of(self._journal_path)
        if self._journal is None:
            self._journal = journal
        elif journal != self._journal:
            raise FileReplaced(self._journal_path)
