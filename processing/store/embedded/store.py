"""The embedded store: a folder with `store.db` (raw blocks, contexts, manifests in SQLite) and `segments/` (files)."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Final

import polars as pl

from configuration.private_files import check_private_folder
from processing.store.embedded import block_table as blocktable
from processing.store.embedded.block_table import BlockTable
from processing.store.embedded.segment_files import SegmentFolder, sync_folder
from processing.store.embedded.sqlite import Database, row_checksum
from processing.store.port import (
    BlockInfo,
    BlockKey,
    Conflict,
    CorruptBlob,
    Directory,
    LiveChange,
    ManifestChange,
    Missing,
    SegmentInfo,
    StoreUnavailable,
    VersionedBlob,
)
from processing.store.rows import ColumnRows

FORMAT: Final = 1
ID: Final = "id"
OWNER: Final = "owner"

_SCHEMA: Final = f"""
{blocktable.SCHEMA}
CREATE TABLE contexts (id TEXT PRIMARY KEY, data BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE manifests (
    property INTEGER NOT NULL, generation INTEGER NOT NULL, version INTEGER NOT NULL, data BLOB NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (property, generation));
CREATE TABLE live (property INTEGER PRIMARY KEY, generation INTEGER NOT NULL, crc INTEGER NOT NULL)
"""


# Not part of the schema: stores of earlier versions have no labels.
_LABELS: Final = "CREATE TABLE IF NOT EXISTS labels (name TEXT PRIMARY KEY, value TEXT NOT NULL)"


class EmbeddedStore:
    """See `port.Store`. `wait_s` is how long a write waits for another process."""

    def __init__(self, folder: Path, wait_s: float = 30.0) -> None:
        with _translate_disk_errors():
            check_private_folder(folder)
            self._segments = SegmentFolder(folder / "segments")
            self._database = Database(folder / "store.db", _SCHEMA, FORMAT, wait_s)
            sync_folder(folder)
        self._blocks = BlockTable(self._database)

    @property
    def id(self) -> str:
        return self._label(ID) or self._make_id()

    @property
    def owner(self) -> str:
        return self._label(OWNER)

    def set_owner(self, id: str) -> None:
        with self._database.write() as connection:
            connection.execute(_LABELS)
            connection.execute("INSERT OR REPLACE INTO labels VALUES (?, ?)", (OWNER, id))

    def put_block(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        self._blocks.put(key, context_id, blob)

    def replace_blocks(self, keys: Sequence[BlockKey], merged: BlockKey, context_id: str, blob: bytes) -> None:
        self._blocks.replace(keys, merged, context_id, blob)

    def blocks(self) -> list[BlockInfo]:
        with self._database.read() as connection:
            return self._blocks.infos(connection)

    def directory(self, key: BlockKey) -> Directory:
        return self._blocks.directory(key)

    def rows(self, keys: Sequence[BlockKey], property: int) -> pl.DataFrame:
        return self._blocks.rows(keys, property)

    def blob(self, key: BlockKey) -> bytes:
        return self._blocks.blob(key)

    def delete_blocks(self, keys: Sequence[BlockKey]) -> None:
        self._blocks.delete(keys)

    def highest(self, log: str, partition: int) -> int | None:
        return self._blocks.highest(log, partition)

    def put_context(self, id: str, data: bytes) -> None:
        with self._database.write() as connection:
            found = connection.execute("SELECT data FROM contexts WHERE id = ?", (id,)).fetchone()
            if found and found[0] != data:
                raise Conflict(f"context {id} has other content")
            if not found:
                connection.execute("INSERT INTO contexts VALUES (?, ?, ?)", (id, data, row_checksum(id, data=data)))

    def context(self, id: str) -> bytes:
        with self._database.read() as connection:
            found = connection.execute("SELECT data, crc FROM contexts WHERE id = ?", (id,)).fetchone()
        if not found:
            raise Missing(f"context {id}")
        if row_checksum(id, data=found[0]) != found[1]:
            raise CorruptBlob(f"context {id}")
        return bytes(found[0])

    def contexts(self) -> list[str]:
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM contexts ORDER BY id")]

    def put_segment(self, name: str, sections: Mapping[str, pl.DataFrame | ColumnRows]) -> SegmentInfo:
        with _translate_disk_errors():
            return self._segments.put(name, sections)

    def read(
        self, name: str, section: str, columns: Sequence[str] | None = None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        with _translate_disk_errors():
            return self._segments.read(name, section, columns, rows)

    def column_bytes(self, name: str, section: str) -> Mapping[str, int]:
        with _translate_disk_errors():
            return self._segments.column_bytes(name, section)

    def sections(self, name: str) -> list[str]:
        with _translate_disk_errors():
            return self._segments.sections(name)

    def delete_segment(self, name: str) -> None:
        with _translate_disk_errors():
            self._segments.delete(name)

    def segments(self) -> list[str]:
        return self._segments.names()

    def manifest(self, property: int, generation: int | None = None) -> VersionedBlob | None:
        with self._database.read() as connection:
            return _manifest(connection, property, generation)

    def commit(self, property: int, changes: Mapping[int, ManifestChange], live: LiveChange | None = None) -> None:
        with self._database.write() as connection:
            for generation, change in changes.items():
                _change(connection, property, generation, change)
            if live:
                _set_live(connection, property, live)
            _check_live(connection, property)

    def live(self, property: int) -> int | None:
        with self._database.read() as connection:
            return _live(connection, property)

    def pin(self, property: int) -> tuple[VersionedBlob | None, list[BlockInfo]]:
        with self._database.read() as connection:
            return _manifest(connection, property, None), self._blocks.infos(connection)

    def generations(self, property: int) -> list[int]:
        query = "SELECT generation FROM manifests WHERE property = ? ORDER BY generation"
        with self._database.read() as connection:
            return [row[0] for row in connection.execute(query, (property,))]

    def properties(self) -> list[int]:
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT DISTINCT property FROM manifests ORDER BY property")]

    def verify(self) -> Iterator[str]:
        try:
            yield from self._verify_database()
        except CorruptBlob as error:
            yield str(error)
        yield from self._segments.verify()

    def scrub(self) -> None:
        self._database.scrub()

    def size(self) -> dict[str, int]:
        with self._database.read() as connection:
            queries = {
                "blocks": "SELECT coalesce(sum(bytes), 0) FROM blocks",
                "contexts": "SELECT coalesce(sum(length(data)), 0) FROM contexts",
                "manifests": "SELECT coalesce(sum(length(data)), 0) FROM manifests",
            }
            sizes = {kind: int(connection.execute(query).fetchone()[0]) for kind, query in queries.items()}
        return {**sizes, "segments": self._segments.size()}

    def close(self) -> None:
        self._database.close()

    def _label(self, name: str) -> str:
        with self._database.read() as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'labels'").fetchone():
                return ""
            found = connection.execute("SELECT value FROM labels WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def _make_id(self) -> str:
        with self._database.write() as connection:
            connection.execute(_LABELS)
            connection.execute("INSERT OR IGNORE INTO labels VALUES (?, ?)", (ID, uuid.uuid4().hex))
        return self._label(ID)

    def _verify_database(self) -> Iterator[str]:
        with self._database.read() as connection:
            structure = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            contexts = connection.execute("SELECT id, data, crc FROM contexts").fetchall()
            manifests = connection.execute("SELECT property, generation FROM manifests").fetchall()
            pointers = connection.execute("SELECT property, generation, crc FROM live").fetchall()
        yield from (f"database: {problem}" for problem in structure if problem != "ok")
        yield from (f"context {id}" for id, data, crc in contexts if row_checksum(id, data=data) != crc)
        yield from (
            _pointer(property) for property, generation, crc in pointers if row_checksum(property, generation) != crc
        )
        for property, generation in manifests:
            try:
                self.manifest(property, generation)
            except CorruptBlob as error:
                yield str(error)
        yield from self._blocks.verify()


def _manifest(connection: Connection, property: int, generation: int | None) -> VersionedBlob | None:
    number = _live(connection, property) if generation is None else generation
    query = "SELECT version, data, crc FROM manifests WHERE property = ? AND generation = ?"
    found = connection.execute(query, (property, number)).fetchone()
    if not found:
        return None
    version, data, crc = found
    if row_checksum(property, number, version, data=data) != crc:
        raise CorruptBlob(f"manifest of property {property}, generation {number}")
    return VersionedBlob(int(number or 0), version, bytes(data))


def _live(connection: Connection, property: int) -> int | None:
    found = connection.execute("SELECT generation, crc FROM live WHERE property = ?", (property,)).fetchone()
    if found and row_checksum(property, found[0]) != found[1]:
        raise CorruptBlob(_pointer(property))
    return int(found[0]) if found else None


def _pointer(property: int) -> str:
    return f"live generation of property {property}"


def _version(connection: Connection, property: int, generation: int) -> int:
    query = "SELECT version FROM manifests WHERE property = ? AND generation = ?"
    found = connection.execute(query, (property, generation)).fetchone()
    return int(found[0]) if found else 0


def _change(connection: Connection, property: int, generation: int, change: ManifestChange) -> None:
    if _version(connection, property, generation) != change.expected:
        raise Conflict(f"manifest of property {property}, generation {generation} moved")
    if change.data is None:
        connection.execute("DELETE FROM manifests WHERE property = ? AND generation = ?", (property, generation))
        return
    version = change.expected + 1
    row = (property, generation, version, change.data, row_checksum(property, generation, version, data=change.data))
    connection.execute("INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?, ?)", row)


def _set_live(connection: Connection, property: int, live: LiveChange) -> None:
    if _live(connection, property) != live.expected:
        raise Conflict(f"generation {live.expected} of property {property} is not live")
    if live.generation is None:
        connection.execute("DELETE FROM live WHERE property = ?", (property,))
    else:
        row = (property, live.generation, row_checksum(property, live.generation))
        connection.execute("INSERT OR REPLACE INTO live VALUES (?, ?, ?)", row)


def _check_live(connection: Connection, property: int) -> None:
    generation = _live(connection, property)
    if generation is not None and not _version(connection, property, generation):
        raise Conflict(f"generation {generation} of property {property} would be live without a manifest")


@contextmanager
def _translate_disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"segments: {error}") from error
