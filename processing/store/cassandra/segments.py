"""Segments on Cassandra: cells under an id, and last a row that gives the id the segment's name."""

import logging
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import polars as pl

from processing.store.cassandra.cells import Cells, Gone, Id
from processing.store.cassandra.disk_cache import DiskCache
from processing.store.cassandra.layout import SEGMENT_SHARDS
from processing.store.cassandra.segment_cells import (
    CellChunk,
    CellSection,
    decode,
    encode,
    is_sound,
    plain_bytes,
    read_head,
    wanted,
)
from processing.store.cassandra.session import CassandraSession
from processing.store.names import check_names
from processing.store.port import Conflict, CorruptBlob, Missing, SegmentInfo, StoreUnavailable
from processing.store.rows import ColumnRows

logger = logging.getLogger(__name__)

KNOWN: Final = 4096  # segments whose list of sections is kept

_COLUMNS: Final = "id, head, cells, bytes, checksum"
_READ: Final = f"SELECT {_COLUMNS} FROM segments WHERE shard = ? AND name = ?"  # noqa: S608
_INSERT: Final = f"INSERT INTO segments (shard, name, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS"  # noqa: S608
_DELETE: Final = "DELETE FROM segments WHERE shard = ? AND name = ? IF id = ?"
_NAMES: Final = "SELECT name, bytes, id FROM segments WHERE shard = ?"

T = TypeVar("T")


class _Row(NamedTuple):
    """`head` cells of `cells` are the list of sections."""

    id: Id
    head: int
    cells: int
    bytes: int
    checksum: str


class CassandraSegments:
    def __init__(self, session: CassandraSession, cache: DiskCache | None) -> None:
        self._session = session
        self._cells = Cells(session, "columns")
        self._cache = cache
        self._heads: OrderedDict[Id, dict[str, CellSection]] = OrderedDict()
        self._lock = Lock()

    @property
    def cells(self) -> Cells:
        return self._cells

    def put(self, name: str, sections: Mapping[str, pl.DataFrame | ColumnRows]) -> SegmentInfo:
        check_names(name, sections)
        encoded = encode(sections)
        info = SegmentInfo(name, encoded.bytes, encoded.checksum)
        if self._is_there(info):
            return info
        cells = [*encoded.head, *encoded.cells]
        row = _Row(self._cells.write(cells), len(encoded.head), len(cells), info.bytes, info.checksum)
        found = self._session.insert_if_absent((_INSERT, (*_key(name), *row)), (_READ, _key(name)))
        if found and bytes(found[0]) != row.id:
            self._delete_content(row)
            self._is_there(info)
        return info

    def read(
        self, name: str, section: str, columns: Sequence[str] | None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        return self._reading(name, lambda row: self._read(name, row, section, columns, rows))

    def column_bytes(self, name: str, section: str) -> dict[str, int]:
        return self._reading(name, lambda row: self._column_bytes(name, row, section))

    def sections(self, name: str) -> list[str]:
        return self._reading(name, lambda row: sorted(self._head(name, row)))

    def delete(self, name: str) -> None:
        check_names(name)
        row = self._find(name, serial=True)
        if row and self._session.delete_if_id((_DELETE, (*_key(name), row.id)), (_READ, _key(name)), row.id):
            self._delete_content(row)

    def names(self) -> list[str]:
        return sorted(name for name, _, _ in self._listed())

    def size(self) -> int:
        return sum(size for _, size, _ in self._listed())

    def used(self) -> set[Id]:
        """Returns the ids of the content that rows name."""
        return {id for _, _, id in self._listed()}

    def verify(self) -> Iterator[str]:
        for name in self.names():
            try:
                yield from self._problems(name)
            except CorruptBlob as error:
                yield str(error)
            except Missing:
                continue  # deleted meanwhile

    def _reading(self, name: str, read: Callable[[_Row], T]) -> T:
        check_names(name)
        row = self._row(name)
        try:
            return read(row)
        except Gone:
            if self._row(name).id != row.id:
                return self._reading(name, read)
            raise CorruptBlob(f"cells of segment {name} are missing") from None

    def _problems(self, name: str) -> Iterator[str]:
        row = self._row(name)
        try:
            for section in self._head(name, row).values():
                for chunk in section.chunks:
                    if not is_sound(chunk, self._fetched(row, [chunk], cached=False)[0]):
                        yield f"section {section.name} of segment {name}"
        except Gone:
            if self._row(name).id == row.id:
                yield f"cells of segment {name} are missing"

    def _read(
        self, name: str, row: _Row, section: str, columns: Sequence[str] | None, rows: tuple[int, int] | None
    ) -> pl.DataFrame:
        found = self._head(name, row).get(section)
        if not found:
            raise Missing(f"section {section} of segment {name}")
        try:
            chunks = wanted(found, columns)
            frame = decode(found, chunks, self._sound(name, row, section, chunks), rows)
            return frame if columns is None else frame.select(columns)
        except (KeyError, pl.exceptions.ColumnNotFoundError) as error:
            raise Missing(f"column of section {section} of segment {name}: {error}") from error

    def _column_bytes(self, name: str, row: _Row, section: str) -> dict[str, int]:
        found = self._head(name, row).get(section)
        if not found:
            raise Missing(f"section {section} of segment {name}")
        return {chunk.column: plain_bytes(chunk) for chunk in found.chunks}

    def _sound(self, name: str, row: _Row, section: str, chunks: Sequence[CellChunk]) -> list[bytes]:
        """Returns the chunks, verified. What the disk cache has wrong is read again from the cluster."""
        for cached in (True, False):
            data = self._fetched(row, chunks, cached=cached)
            if all(map(is_sound, chunks, data)):
                return data
            if self._cache and cached:
                self._cache.delete(row.id)
        raise CorruptBlob(f"section {section} of segment {name}")

    def _fetched(self, row: _Row, chunks: Sequence[CellChunk], *, cached: bool = True) -> list[bytes]:
        numbers = list(dict.fromkeys(row.head + cell for chunk in chunks for cell in chunk.cells))
        cells = self._cells_of(row.id, numbers, cached=cached)
        return [_slice(chunk, [cells[row.head + cell] for cell in chunk.cells]) for chunk in chunks]

    def _cells_of(self, id: Id, numbers: Sequence[int], *, cached: bool) -> dict[int, bytes]:
        cache = self._cache if cached else None
        known = {n: data for n in numbers if cache and (data := cache.get(id, n)) is not None}
        fresh = [n for n in numbers if n not in known]
        read = dict(zip(fresh, self._cells.read([(id, n) for n in fresh]), strict=True))
        for number, data in read.items():
            if cache:
                cache.put(id, number, data)
        return known | read

    def _head(self, name: str, row: _Row) -> dict[str, CellSection]:
        with self._lock:
            known = self._heads.get(row.id)
        if known is None:
            try:
                known = read_head(self._cells.whole(row.id, row.head))
            except CorruptBlob as error:
                raise CorruptBlob(f"{error} of segment {name}") from error
            self._keep(row.id, known)
        return known

    def _keep(self, id: Id, head: dict[str, CellSection]) -> None:
        with self._lock:
            self._heads[id] = head
            while len(self._heads) > KNOWN:
                self._heads.popitem(last=False)

    def _is_there(self, info: SegmentInfo) -> bool:
        found = self._find(info.name)
        if found and found.checksum != info.checksum:
            raise Conflict(f"segment {info.name} has other content")
        return found is not None

    def _row(self, name: str) -> _Row:
        found = self._find(name)
        if not found:
            raise Missing(f"segment {name}")
        return found

    def _find(self, name: str, *, serial: bool = False) -> _Row | None:
        rows = self._session.run(_READ, _key(name), serial=serial)
        return _Row(bytes(rows[0][0]), *rows[0][1:]) if rows else None

    def _listed(self) -> list[tuple[str, int, Id]]:
        answers = self._session.run_all(_NAMES, ((shard,) for shard in range(SEGMENT_SHARDS)))
        return [(name, size, bytes(id)) for rows in answers for name, size, id in rows]

    def _delete_content(self, row: _Row) -> None:
        """Deletes content that no row names. If that fails, garbage collection deletes it later."""
        if self._cache:
            self._cache.delete(row.id)
        try:
            self._cells.delete([(row.id, row.cells)])
        except StoreUnavailable:
            logger.warning("cells of a segment were not deleted; they are left to garbage collection", exc_info=True)


def _key(name: str) -> tuple[int, str]:
    return zlib.crc32(name.encode()) % SEGMENT_SHARDS, name


def _slice(chunk: CellChunk, cells: Sequence[bytes]) -> bytes:
    return b"".join(cells)[chunk.offset : chunk.offset + chunk.length]
