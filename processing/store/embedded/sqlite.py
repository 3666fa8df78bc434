"""SQLite as the embedded store uses it: a pool of connections, short transactions, errors in the words of the port."""

import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from collection.file_in_use import FileInUse, FileReplaced
from processing.store.port import CorruptBlob, StoreUnavailable

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY: Final = 0xFF  # the low byte of an extended result code


def row_checksum(*values: object, data: bytes = b"") -> int:
    """Returns a checksum over a row: SQLite itself keeps none."""
    return zlib.crc32(data, zlib.crc32(repr(values).encode()))


class Database:
    """One database file. Threads and processes may share it; a forked child opens connections of its own."""

    def __init__(self, path: Path, script: str, format: int, wait_s: float = 30.0) -> None:
        self._path = path
        self._wait_s = wait_s
        self._idle: list[sqlite3.Connection] = []
        self._inherited: list[sqlite3.Connection] = []
        self._owner = os.getpid()
        self._lock = Lock()
        self._generation = 0  # of connections: those to a file that was replaced are not used again
        self._in_use: FileInUse | None = None
        self._mode = "rwc"
        self._prepare(script, format)
        self._mode = "rw"  # a file that is missing later was deleted: an empty one must not take its place

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: everything that is read shows the same moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Durable at the end; nothing is written if the body raises."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def scrub(self) -> None:
        """Empties the journal: deleted content is overwritten in the file itself as it is deleted."""
        with _translate_error(), self._connection() as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreUnavailable("database: somebody reads it, so that its journal cannot be emptied now")

    def close(self) -> None:
        self._forget_connections()

    def _forget_connections(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
            self._generation += 1
            self._in_use = None
        for connection in idle:
            connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _translate_error(), self._connection() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            self._check()

    def _check(self) -> None:
        """Raises StoreUnavailable if the file was deleted or replaced: what was written then is nowhere."""
        if self._in_use is None:
            self._in_use = FileInUse(self._path)
        try:
            self._in_use.check()
        except FileReplaced as error:
            self._forget_connections()
            raise StoreUnavailable(f"database: {error}") from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        generation = self._generation
        connection = self._take() or self._connect()
        try:
            yield connection
        finally:
            with self._lock:
                is_current = generation == self._generation
                if is_current:
                    self._idle.append(connection)
            if not is_current:
                connection.close()

    def _take(self) -> sqlite3.Connection | None:
        with self._lock:
            if self._owner != os.getpid():
                self._inherited += self._idle  # closing them here would drop the parent's locks
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _connect(self) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode={self._mode}"
        connection = sqlite3.connect(
            address, timeout=self._wait_s, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    def _prepare(self, script: str, format: int) -> None:
        with _translate_error(), self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        with self.write() as connection:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, format):
                raise ValueError(f"{self._path.name} has format {found}, not {format}")
            if not found:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {format}")


@contextmanager
def _translate_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none: a value that cannot be text
        damaged = (code & _PRIMARY) in _DAMAGED
        raise (CorruptBlob if damaged else StoreUnavailable)(f"database: {error}") from error


def _roll_back(connection: sqlite3.Connection) -> None:
    """SQLite may have ended the transaction itself, where the disk is full."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
