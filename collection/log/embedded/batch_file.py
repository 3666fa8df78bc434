"""One file of the embedded log: an SQLite database with one row per appended batch."""

import os
import sqlite3
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from collection.file_in_use import FileInUse
from collection.log.port import CorruptLog, LogUnavailable

FORMAT: Final = 1
PARTITION: Final = 0
PAGE_BYTES: Final = 16_384
BUSY_TIMEOUT_S: Final = 10.0

SCHEMA: Final = """
CREATE TABLE facts (
    format INTEGER NOT NULL, base INTEGER NOT NULL, made INTEGER NOT NULL, sealed INTEGER NOT NULL
) STRICT;
CREATE TABLE batch (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL, appended INTEGER NOT NULL, crc INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;
"""

# One statement is one transaction: it takes the write lock before it reads the end, so appends of several processes do
# not mix, and it needs the interpreter lock only once. `max` keeps the times ascending for `seek`, even if the clock is
# set back.
APPEND: Final = """
INSERT INTO batch
SELECT coalesce(last.first + last.count, facts.base), ?, max(?, coalesce(last.appended, 0)), ?, ?
FROM facts LEFT JOIN (SELECT first, count, appended FROM batch ORDER BY first DESC LIMIT 1) AS last
WHERE NOT facts.sealed
"""
STATE: Final = """
SELECT coalesce((SELECT first + count FROM batch ORDER BY first DESC LIMIT 1), base), sealed FROM facts
"""
COVERING: Final = """
SELECT first, count, appended, crc, payload FROM batch
WHERE first >= coalesce((SELECT max(first) FROM batch WHERE first <= :first), 0) AND first <= :last ORDER BY first
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


class FileState(NamedTuple):
    end: int
    sealed: bool


class StoredBatch(NamedTuple):
    first: int
    appended_us: int
    values: list[bytes]

    @property
    def end(self) -> int:
        return self.first + len(self.values)


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """Opens an autocommit connection whose commits return after fsync. Raises sqlite3.Error if the file is missing."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        address, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=16, uri=True
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def wal_bytes(path: Path) -> int:
    wal = path.with_name(path.name + "-wal")
    return wal.stat().st_size if wal.exists() else 0


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_file(path: Path, base: int, at_us: int) -> None:
    """Creates an empty file whose first offset is `base`, unless it exists: whole and durable, or not at all."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    connection = connect(draft, "rwc")
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO facts VALUES (?, ?, ?, 0)", (FORMAT, base, at_us))
    finally:
        connection.close()
    publish(draft, path)


def publish(draft: Path, path: Path) -> None:
    """Gives a finished file its name. If the name is taken, the existing file stays and the draft is deleted."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_folder(path.parent)


class BatchFile:
    """One file of the log, through one connection. Use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error, or LogUnavailable if a newer version wrote the file."""
        self.path = path
        self._connection = connect(path)
        self._in_use = FileInUse(path)
        self.base, self.made_us, version = self._connection.execute("SELECT base, made, format FROM facts").fetchone()
        if version != FORMAT:
            raise LogUnavailable(f"{path.name} has format {version}, this version reads format {FORMAT}")

    def append(self, values: Sequence[bytes], at_us: int) -> bool:
        """Writes one batch, durable on return. Returns False if the file is sealed. Raises FileReplaced."""
        payload = _encode(values)
        row = (len(values), at_us, checksum(len(values), payload), payload)
        written = self._connection.execute(APPEND, row).rowcount == 1
        if written:  # a sealed file may have been trimmed
            self.check()
        return written

    def check(self) -> None:
        """Raises FileReplaced if the file was deleted or replaced meanwhile."""
        self._in_use.check()

    def state(self) -> FileState:
        end, sealed = self._connection.execute(STATE).fetchone()
        return FileState(end, bool(sealed))

    def seal(self) -> None:
        """Makes every later append fail, in any process."""
        self._connection.execute("UPDATE facts SET sealed = 1")

    def batches(self, first: int, last: int) -> Iterator[StoredBatch]:
        """Yields the batches that hold the offsets first to last, each checked. Raises CorruptLog."""
        due = self.base
        try:
            for row in self._connection.execute(COVERING, {"first": first, "last": last}):
                yield (batch := checked(*row))
                due = batch.end
        except sqlite3.DatabaseError as error:
            raise CorruptLog(PARTITION, max(first, due), last, str(error)) from error

    def corrupt_batches(self) -> Iterator[CorruptLog]:
        """Yields an error for every batch whose content differs from what was appended."""
        for row in self._connection.execute("SELECT first, count, appended, crc, payload FROM batch ORDER BY first"):
            try:
                checked(*row)
            except CorruptLog as error:
                yield error

    def size(self) -> int:
        """Returns the size of the database or of its write-ahead file in bytes, whichever is larger."""
        return max(self.path.stat().st_size, wal_bytes(self.path))

    def seek(self, at_us: int) -> int | None:
        """Returns the first offset appended at that time or later, None if this file has none."""
        newest = self._connection.execute("SELECT appended FROM batch ORDER BY first DESC LIMIT 1").fetchone()
        if newest is None or newest[0] < at_us:
            return None
        query = "SELECT min(first) FROM batch WHERE appended >= ?"
        first: int | None = self._connection.execute(query, (at_us,)).fetchone()[0]
        return first

    def damage(self) -> list[str]:
        """Returns the faults that SQLite finds in the structure of the file."""
        try:
            report = [str(row[0]) for row in self._connection.execute("PRAGMA quick_check(10)")]
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return [] if report == ["ok"] else report

    def checkpoint(self, mode: str) -> None:
        """Copies the write-ahead file into the database; other connections keep working meanwhile."""
        self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def close(self) -> None:
        self._connection.close()


def checksum(count: int, payload: bytes) -> int:
    return zlib.crc32(payload, count)


def checked(first: int, count: int, appended_us: int, crc: int, payload: object) -> StoredBatch:
    """Returns the batch in a row after comparing its checksum. Raises CorruptLog."""
    if not isinstance(payload, bytes) or checksum(count, payload) != crc:
        raise CorruptLog(PARTITION, first, first + max(count, 1) - 1, "the checksum does not match")
    return StoredBatch(first, appended_us, _decode(payload))
