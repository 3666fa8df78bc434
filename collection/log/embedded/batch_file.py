"""One file of the embedded log: an SQLite database that holds one row per appended batch."""

import os
import sqlite3
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

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

# One statement is one transaction: it takes the write lock before it looks for the end, so appends of several processes
# line up, and it needs the interpreter lock only once. A clock that steps back must not break the order `seek` needs.
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
    """A connection in autocommit whose commits return after fsync. Raises sqlite3.Error if there is no such file."""
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
    """Create an empty file whose first offset is `base`, unless it is there: whole and durable, or not at all."""
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
    """Give a finished file its name; where the name is taken, the file that has it stays."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    sync_folder(path.parent)


class BatchFile:
    """A file of the log through one connection; use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error, or LogUnavailable if the file was written by a version that this one does not know."""
        self.path = path
        self._connection = connect(path)
        self.base, self.made_us, version = self._connection.execute("SELECT base, made, format FROM facts").fetchone()
        if version != FORMAT:
            raise LogUnavailable(f"{path.name} has format {version}, this version knows {FORMAT}")

    def append(self, values: Sequence[bytes], at_us: int) -> bool:
        """Write one batch, durable on return. False if the file is sealed."""
        payload = _encode(values)
        row = (len(values), at_us, checksum(len(values), payload), payload)
        return self._connection.execute(APPEND, row).rowcount == 1

    def state(self) -> FileState:
        end, sealed = self._connection.execute(STATE).fetchone()
        return FileState(end, bool(sealed))

    def seal(self) -> None:
        """No append succeeds from now on, in any process."""
        self._connection.execute("UPDATE facts SET sealed = 1")

    def batches(self, first: int, last: int) -> Iterator[StoredBatch]:
        """The batches that hold the offsets first to last, checked one by one. Raises CorruptLog."""
        due = self.base
        try:
            for row in self._connection.execute(COVERING, {"first": first, "last": last}):
                yield (batch := checked(*row))
                due = batch.end
        except sqlite3.DatabaseError as error:
            raise CorruptLog(PARTITION, max(first, due), last, str(error)) from error

    def corrupt_batches(self) -> Iterator[CorruptLog]:
        """Every batch whose content is not what was appended."""
        for row in self._connection.execute("SELECT first, count, appended, crc, payload FROM batch ORDER BY first"):
            try:
                checked(*row)
            except CorruptLog as error:
                yield error

    def size(self) -> int:
        """Bytes on disk of the database or its write-ahead file, whichever is more."""
        return max(self.path.stat().st_size, wal_bytes(self.path))

    def seek(self, at_us: int) -> int | None:
        """The first offset that was appended at that time or later, if this file has one."""
        newest = self._connection.execute("SELECT appended FROM batch ORDER BY first DESC LIMIT 1").fetchone()
        if newest is None or newest[0] < at_us:
            return None
        found: int | None = self._connection.execute(
            "SELECT min(first) FROM batch WHERE appended >= ?", (at_us,)
        ).fetchone()[0]
        return found

    def damage(self) -> list[str]:
        """What SQLite itself finds wrong with the structure of the file."""
        try:
            found = [str(row[0]) for row in self._connection.execute("PRAGMA quick_check(10)")]
        except sqlite3.DatabaseError as error:
            return [str(error)]
        return [] if found == ["ok"] else found

    def checkpoint(self, mode: str) -> None:
        """Carry the write-ahead file over into the database; other users of the file go on meanwhile."""
        self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def close(self) -> None:
        self._connection.close()


def checksum(count: int, payload: bytes) -> int:
    return zlib.crc32(payload, count)


def checked(first: int, count: int, appended_us: int, crc: int, payload: object) -> StoredBatch:
    """The batch of a row. Raises CorruptLog."""
    if not isinstance(payload, bytes) or checksum(count, payload) != crc:
        raise CorruptLog(PARTITION, first, first + max(count, 1) - 1, "the checksum does not match")
    return StoredBatch(first, appended_us, _decode(payload))
