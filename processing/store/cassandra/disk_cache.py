"""Cells of segments on the local disk, up to a number of bytes: a segment never changes, so neither do its cells.

Several processes share the folder. Nothing here is precious: readers verify what they get, and a file that is lost is
read from the cluster again. What other machines deleted goes after MOST_AGE_S at the latest.
"""

import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple
from uuid import uuid4

logger = logging.getLogger(__name__)

MOST_AGE_S: Final = 86_400
_TOUCH_S: Final = 60  # a file's time of use is no finer than that
_SHARE: Final = 16  # the part of the limit that a process writes before it looks at all files again
_TEMPORARY: Final = ".new-"
_ABANDONED_S: Final = 600


class _File(NamedTuple):
    used: float
    path: Path
    bytes: int
    made: float


class DiskCache:
    """`limit` is in bytes. Safe to share between threads and processes; over the limit by a sixteenth for each."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._lock = Lock()
        self._written = limit  # of unknown processes before us: the first write looks at all files

    def get(self, id: bytes, number: int) -> bytes | None:
        path = self._path(id, number)
        try:
            found = path.stat()
            if time.time() - _made(found) > MOST_AGE_S:  # noqa: TID251 - the file system's clock
                return None
            if time.time() - found.st_atime > _TOUCH_S:  # noqa: TID251 - the file system's clock
                os.utime(path, (time.time(), found.st_mtime))  # noqa: TID251 - the file system's clock
            return path.read_bytes()
        except OSError:
            return None  # not there, or evicted meanwhile: both mean that the cluster is asked

    def put(self, id: bytes, number: int, data: bytes) -> None:
        """A disk that is full costs speed, nothing else."""
        if len(data) * _SHARE > self._limit:
            return
        try:
            self._write(self._path(id, number), data)
            self._make_room(len(data))
        except OSError as error:
            logger.warning("the cache of segments in %s cannot be written: %s", self._folder, error)

    def delete(self, id: bytes) -> None:
        """The cells of a segment."""
        for path in self._path(id, 0).parent.glob(f"{id.hex()}.*"):
            path.unlink(missing_ok=True)

    def _path(self, id: bytes, number: int) -> Path:
        return self._folder / id[-1:].hex() / f"{id.hex()}.{number}"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f"{_TEMPORARY}{uuid4().hex}")
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _make_room(self, written: int) -> None:
        with self._lock:
            self._written += written
            if self._written * _SHARE < self._limit:
                return
            self._written = 0
        self._evict()

    def _evict(self) -> None:
        """What is too old, then what was not used for longest, until a tenth of the room is free."""
        files, now = sorted(_files(self._folder)), time.time()  # noqa: TID251 - the file system's clock
        total = sum(file.bytes for file in files)
        for file in files:
            left_behind = file.path.name.startswith(_TEMPORARY) and file.made < now - _ABANDONED_S
            if total > self._limit * 0.9 or file.made < now - MOST_AGE_S or left_behind:
                file.path.unlink(missing_ok=True)
                total -= file.bytes


def _made(found: os.stat_result) -> float:
    return found.st_mtime


def _files(folder: Path) -> Iterable[_File]:
    for path in folder.glob("??/*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue  # another process evicted it
        yield _File(found.st_atime, path, found.st_size, _made(found))
