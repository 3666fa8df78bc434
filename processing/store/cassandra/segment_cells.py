"""A segment as cells: first its head, which says where each column is, then the columns.

A column of a section is a chunk of its own, Parquet with this one column; a small section is one chunk, an Arrow
stream. A large chunk starts a cell, so that reading it touches nothing else; small ones share cells of PACK_BYTES.
Every chunk has a checksum.
"""

import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
import polars as pl

from processing.store.cassandra.cells import split_cells
from processing.store.cassandra.layout import CELL_BYTES, FORMAT, PACK_BYTES
from processing.store.parquet_file import column_bytes, write_parquet
from processing.store.port import CorruptBlob
from processing.store.rows import ColumnRows, FrameRows, OneColumn, as_frame

SMALL_ROWS: Final = 512
USUAL_RATIO: Final = 8  # by which columns are compressed
WHOLE: Final = ""  # the name of the only chunk of a small section


class CellChunk(msgspec.Struct, frozen=True, array_like=True):
    """`cell` counts from the first one behind the head; `length` may go on over the next ones."""

    column: str
    cell: int
    offset: int
    length: int
    crc: int
    plain: int = 0  # its length before it was compressed; 0: unknown

    @property
    def cells(self) -> range:
        return range(self.cell, self.cell + max(1, -(-(self.offset + self.length) // CELL_BYTES)))


class CellSection(msgspec.Struct, frozen=True, array_like=True):
    name: str
    rows: int
    chunks: tuple[CellChunk, ...]


class Encoded(NamedTuple):
    """`checksum` is of the whole content, whatever the segment's name."""

    head: list[bytes]
    cells: list[bytes]
    checksum: str

    @property
    def bytes(self) -> int:
        return sum(map(len, self.head)) + sum(map(len, self.cells))


_decoder: Final = msgspec.msgpack.Decoder(tuple[int, list[CellSection]])


def encode(sections: Mapping[str, pl.DataFrame | ColumnRows]) -> Encoded:
    """The same sections give the same bytes. What is held in memory is compressed."""
    pack, listed = _Pack(), list[CellSection]()
    for name, content in sections.items():
        rows = FrameRows(content) if isinstance(content, pl.DataFrame) else content
        listed.append(CellSection(name, sum(rows.groups), tuple(_chunks(rows, pack))))
    packed = zlib.compress(msgspec.msgpack.encode((FORMAT, listed)))
    head = zlib.crc32(packed).to_bytes(4) + packed
    return Encoded(split_cells(head, CELL_BYTES), pack.cells(), blake2b(packed, digest_size=16).hexdigest())


def read_head(data: bytes) -> dict[str, CellSection]:
    """Raises CorruptBlob."""
    if zlib.crc32(data[4:]) != int.from_bytes(data[:4]):
        raise CorruptBlob("list of sections")
    format, sections = _decoder.decode(zlib.decompress(data[4:]))
    if format != FORMAT:
        raise CorruptBlob(f"segment of format {format}, not {FORMAT}")
    return {section.name: section for section in sections}


def wanted(section: CellSection, columns: Sequence[str] | None) -> list[CellChunk]:
    """Returns the chunks to read for some columns (None: all). Raises KeyError."""
    by_name = {chunk.column: chunk for chunk in section.chunks}
    if columns is None or WHOLE in by_name:
        return list(section.chunks)
    return [by_name[name] for name in columns]


def decode(
    section: CellSection, chunks: Sequence[CellChunk], data: Sequence[bytes], rows: tuple[int, int] | None = None
) -> pl.DataFrame:
    """Returns the frame of the chunks that were read; of a small section that is all of it."""
    if [chunk.column for chunk in chunks] == [WHOLE]:
        whole = pl.read_ipc_stream(io.BytesIO(zlib.decompress(data[0])))
        return whole.slice(*rows) if rows else whole
    files = [io.BytesIO(each) for each in data]
    frames = [pl.scan_parquet(file).slice(*rows).collect() if rows else pl.read_parquet(file) for file in files]
    return pl.DataFrame([frame.to_series() for frame in frames])


def plain_bytes(chunk: CellChunk) -> int:
    """Returns about how much memory a column needs."""
    return chunk.plain or chunk.length * USUAL_RATIO


def is_sound(chunk: CellChunk, data: bytes) -> bool:
    return len(data) == chunk.length and zlib.crc32(data) == chunk.crc


class _Pack:
    """Cells as they are filled; the last one may be open for small chunks."""

    def __init__(self) -> None:
        self._cells: list[bytearray] = []
        self._open = False

    def add(self, column: str, data: bytes, plain: int = 0) -> CellChunk:
        if len(data) > PACK_BYTES // 2:
            place = (len(self._cells), 0)
            self._cells += map(bytearray, split_cells(data, CELL_BYTES))
            self._open = False
        else:
            place = self._share(data)
        return CellChunk(column, *place, len(data), zlib.crc32(data), plain)

    def cells(self) -> list[bytes]:
        return [bytes(cell) for cell in self._cells]

    def _share(self, data: bytes) -> tuple[int, int]:
        if not self._open or len(self._cells[-1]) + len(data) > PACK_BYTES:
            self._cells.append(bytearray())
            self._open = True
        cell = self._cells[-1]
        cell += data
        return len(self._cells) - 1, len(cell) - len(data)


def _chunks(rows: ColumnRows, pack: _Pack) -> Iterable[CellChunk]:
    if sum(rows.groups) < SMALL_ROWS or not rows.schema:
        target = io.BytesIO()
        as_frame(rows).rechunk().write_ipc_stream(target, compat_level=pl.CompatLevel.oldest())
        yield pack.add(WHOLE, zlib.compress(target.getvalue()))
        return
    for name, parts in zip(rows.schema, rows.columns(list(rows.schema)), strict=True):
        target = io.BytesIO()
        write_parquet(target, OneColumn(name, rows, parts))
        data = target.getvalue()
        yield pack.add(name, data, sum((column_bytes(data) or {}).values()))
