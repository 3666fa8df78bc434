"""Raw blocks in SQLite: an index row and a payload each, so that listing reads no payload, and a chunk no other."""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Final, NamedTuple

import polars as pl

from processing.store import raw_block as block
from processing.store.block_directory import PREFIX_BYTES, head_bytes, read_head
from processing.store.block_index import (
    BlockEntry,
    Directories,
    block_info,
    check_replacement,
    digest,
    find_holder,
    is_repetition,
    rows_by_key,
)
from processing.store.embedded.sqlite import Database, row_checksum
from processing.store.port import BlockInfo, BlockKey, Conflict, CorruptBlob, Directory, Missing

SCHEMA: Final = """
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, part INTEGER NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, context TEXT NOT NULL, rows INTEGER NOT NULL, hits INTEGER NOT NULL, bytes INTEGER NOT NULL,
    merged INTEGER NOT NULL, digest BLOB NOT NULL, crc INTEGER NOT NULL, UNIQUE (log, part, first));
CREATE TABLE payloads (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE highest (log TEXT NOT NULL, part INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (log, part));
CREATE TABLE removals (count INTEGER NOT NULL);
INSERT INTO removals VALUES (0);
"""

_COLUMNS: Final = "id, log, part, first, last, context, rows, hits, bytes, merged, digest, crc"
_State = tuple[int, int]


class _Index(NamedTuple):
    """All entries, sorted, as of a state: the greatest id ever given, and how many removals there were."""

    state: _State
    entries: list[BlockEntry[int]]


class BlockTable:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._index = _Index((0, 0), [])
        self._directories = Directories[int]()

    def put(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        info = block_info(key, context_id, blob)
        with self._database.write() as connection:
            found = _before(connection, key)
            if not found or found.info.key.last < key.first:
                _insert(connection, info, blob, merged=False)
            elif not is_repetition(found, info, blob):
                raise Conflict(f"{found.info.key} is stored already, not {key}")

    def replace(self, keys: Sequence[BlockKey], merged: BlockKey, context_id: str, blob: bytes) -> None:
        info = block_info(merged, context_id, blob)
        with self._database.write() as connection:
            found = list(_between(connection, merged))
            if len(found) == 1 and is_repetition(found[0], info, blob, exact=True):
                return
            check_replacement(found, keys, info)
            _delete(connection, [entry.id for entry in found])
            _insert(connection, info, blob, merged=True)

    def infos(self, connection: Connection) -> list[BlockInfo]:
        return [entry.info for entry in self._current(connection).entries]

    def directory(self, key: BlockKey) -> Directory:
        with self._database.read() as connection:
            return self._directory(connection, self._find(connection, key))

    def rows(self, keys: Sequence[BlockKey], property: int) -> pl.DataFrame:
        with self._database.read() as connection:
            found = [(key, self._find(connection, key)) for key in keys]
            pieces = {entry.id: self._piece(connection, entry, property) for _, entry in found}
        return rows_by_key(found, pieces.__getitem__)

    def blob(self, key: BlockKey) -> bytes:
        with self._database.read() as connection:
            entry = self._find(connection, key)
            if entry.info.key != key:
                raise Missing(f"{key} was merged")
            data = _payload(connection, entry.id)
        if digest(data) != entry.digest:
            raise CorruptBlob(f"raw block {key}")
        return data

    def delete(self, keys: Sequence[BlockKey]) -> None:
        with self._database.write() as connection:
            found = (_before(connection, key) for key in keys)
            wanted = set(keys)
            _delete(connection, [entry.id for entry in found if entry and entry.info.key in wanted])

    def highest(self, log: str, partition: int) -> int | None:
        with self._database.read() as connection:
            query = "SELECT last FROM highest WHERE log = ? AND part = ?"
            found = connection.execute(query, (log, partition)).fetchone()
        return int(found[0]) if found else None

    def verify(self) -> Iterator[str]:
        with self._database.read() as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM blocks ORDER BY id")]
        for id in ids:
            try:
                yield from self._problems(id)
            except CorruptBlob as error:
                yield str(error)

    def _problems(self, id: int) -> Iterator[str]:
        with self._database.read() as connection:
            found = list(_entries(connection, "WHERE id = ?", (id,)))
            data = _payload(connection, id) if found else b""
        for entry in found:
            name = f"raw block {entry.info.key}"
            yield from (f"{name}: {problem}" for problem in block.find_problems(data))
            if digest(data) != entry.digest:
                yield f"{name} is not the one that was put"

    def _find(self, connection: Connection, key: BlockKey) -> BlockEntry[int]:
        """Returns the block of a key, or the merged one that holds its rows now."""
        return find_holder(self._current(connection).entries, key)

    def _current(self, connection: Connection) -> _Index:
        """Reads what is new since it was last called; all of it, where blocks were removed."""
        query = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'blocks'), 0), count FROM removals"
        state: _State = connection.execute(query).fetchone()
        index = self._index
        if index.state != state:
            grown = index.state[1] == state[1] and index.state[0] <= state[0]
            known, since = (index.entries, index.state[0]) if grown else ([], 0)
            index = _Index(state, sorted([*known, *_entries(connection, "WHERE id > ?", (since,))]))
            self._index = index
        return index

    def _piece(self, connection: Connection, entry: BlockEntry[int], property: int) -> block.BlockPiece | None:
        head = self._directory(connection, entry)
        chunk = head.chunk(property)
        if not chunk:
            return None
        with connection.blobopen("payloads", "data", entry.id, readonly=True) as payload:
            payload.seek(min(chunk.offset, len(payload)))
            return block.BlockPiece(head, chunk, payload.read(chunk.length), f"raw block {entry.info.key}")

    def _directory(self, connection: Connection, entry: BlockEntry[int]) -> Directory:
        known = self._directories.get(entry.id)
        if known is None:
            known = _read_directory(connection, entry)
            self._directories.keep(entry.id, known)
        return known


def _insert(connection: Connection, info: BlockInfo, blob: bytes, *, merged: bool) -> None:
    row = (*info.key, *info[1:], int(merged), digest(blob))
    columns = _COLUMNS.removeprefix("id, ")
    statement = f"INSERT INTO blocks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    id = connection.execute(statement, (*row, row_checksum(*row))).lastrowid
    connection.execute("INSERT INTO payloads VALUES (?, ?)", (id, blob))
    greatest = "ON CONFLICT (log, part) DO UPDATE SET last = max(last, excluded.last)"
    key = info.key
    connection.execute(f"INSERT INTO highest VALUES (?, ?, ?) {greatest}", (key.log, key.partition, key.last))  # noqa: S608


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    connection.executemany("DELETE FROM payloads WHERE id = ?", [(id,) for id in ids])
    connection.executemany("DELETE FROM blocks WHERE id = ?", [(id,) for id in ids])
    connection.execute("UPDATE removals SET count = count + 1")


def _before(connection: Connection, key: BlockKey) -> BlockEntry[int] | None:
    """Returns the last block that starts before a range ends: blocks do not overlap, so if this one does not, none
    does.
    """
    where = "WHERE log = ? AND part = ? AND first <= ? ORDER BY first DESC LIMIT 1"
    return next(_entries(connection, where, (key.log, key.partition, key.last)), None)


def _between(connection: Connection, key: BlockKey) -> Iterator[BlockEntry[int]]:
    where = "WHERE log = ? AND part = ? AND first <= ? AND last >= ? ORDER BY first"
    return _entries(connection, where, (key.log, key.partition, key.last, key.first))


def _entries(connection: Connection, where: str, values: tuple[str | int, ...]) -> Iterator[BlockEntry[int]]:
    for row in connection.execute(f"SELECT {_COLUMNS} FROM blocks {where}", values).fetchall():  # noqa: S608
        id, log, part, first, last, context, rows, hits, size, merged, stored, crc = row
        if row_checksum(*row[1:-1]) != crc:
            raise CorruptBlob(f"index entry {id} of the raw blocks")
        key = BlockKey(log, part, first, last)
        yield BlockEntry(BlockInfo(key, context, rows, hits, size), id, bool(merged), stored)


def _payload(connection: Connection, id: int) -> bytes:
    found = connection.execute("SELECT data FROM payloads WHERE id = ?", (id,)).fetchone()
    if not found:
        raise CorruptBlob(f"payload {id} of the raw blocks is missing")
    return bytes(found[0])


def _read_directory(connection: Connection, entry: BlockEntry[int]) -> Directory:
    try:
        with connection.blobopen("payloads", "data", entry.id, readonly=True) as payload:
            prefix = payload.read(PREFIX_BYTES)
            return read_head(prefix + payload.read(head_bytes(prefix) - len(prefix)))
    except CorruptBlob as error:
        raise CorruptBlob(f"{error}: raw block {entry.info.key}") from error
