"""Writes Parquet files column by column: the bytes that polars writes for a frame, without the frame in memory.

Polars can only write whole frames, and a Parquet file has all columns of its first rows, then all columns of the next
ones. So each column is written as a Parquet file of its own, in memory, and the columns' bytes are put together under
one footer: a column's bytes do not depend on the columns beside it, only their places in the file do.
"""

import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, NamedTuple, cast

import polars as pl

from processing.store.rows import ColumnRows
from processing.store.thrift import I32, I64, LIST, STRUCT, Reader, Struct, write_struct

_MAGIC: Final = b"PAR1"
_COPIED: Final = 2**20  # bytes at a time
# Numbers of fields: of the footer, ...
_ROWS, _GROUPS = 3, 4
# ... of a group of rows, ...
_COLUMNS, _GROUP_BYTES, _GROUP_OFFSET, _GROUP_COMPRESSED, _GROUP_NUMBER = 1, 2, 5, 6, 7
# ... of a column in a group, ...
_PLACE, _DESCRIPTION, _INDEX_AT, _INDEX_LENGTH = 2, 3, 4, 5
# ... of its description (the last ones say where its pages are: data, index, dictionary), ...
_PATH, _UNCOMPRESSED, _COMPRESSED = 3, 6, 7
_PAGES: Final = (9, 10, 11)
# ... and of its index, a list of pages.
_INDEX, _PAGE = 1, 1


class _Piece(NamedTuple):
    """A column of one group of rows: where its bytes are in the spool, and what the file of this column says of it."""

    at: int
    length: int
    starts: int  # where the bytes began in the file of this column alone
    column: Struct
    group: Struct
    pages: Struct


class WrittenFile(NamedTuple):
    length: int
    crc: int


def encode_parquet(frame: pl.DataFrame, group_rows: int | None = None) -> bytes:
    target = io.BytesIO()
    frame.write_parquet(target, compression="zstd", compression_level=6, statistics=False, row_group_size=group_rows)
    return target.getvalue()


def write_parquet(file: BinaryIO, rows: ColumnRows, folder: Path | None = None) -> WrittenFile:
    """Writes rows into an empty file; `folder` is where columns may be kept meanwhile."""
    template = _footer(encode_parquet(pl.DataFrame(schema=dict(rows.schema))))
    with TemporaryFile(dir=folder) as spool:
        parts = zip(rows.schema, rows.columns(list(rows.schema)), strict=True)
        columns = [_column_pieces(name, column, spool) for name, column in parts]
        out = _Output(file)
        out.write(_MAGIC)
        written = [_write_group(out, spool, number, pieces) for number, pieces in enumerate(zip(*columns, strict=True))]
    groups = [_with_indexes(out, group, indexes) for group, indexes in written]
    footer = write_struct({**template, _ROWS: (I64, sum(rows.groups)), _GROUPS: (LIST, (STRUCT, groups))})
    out.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)
    return WrittenFile(out.at, out.crc)


class _Output:
    def __init__(self, file: BinaryIO) -> None:
        self._file, self.at, self.crc = file, 0, 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.crc = zlib.crc32(data, self.crc)
        self.at += len(data)


def _column_pieces(name: str, parts: Iterator[pl.Series], spool: BinaryIO) -> list[_Piece]:
    """Writes a column into the spool, one group of rows after the other."""
    pieces = []
    for part in parts:
        data = encode_parquet(part.alias(name).to_frame(), max(len(part), 1))
        (group,) = _items(_footer(data)[_GROUPS])
        (column,) = _items(group[_COLUMNS])
        description = column[_DESCRIPTION][1]
        starts = min(description[number][1] for number in _PAGES if number in description)
        length = description[_COMPRESSED][1]
        index = Reader(data, column[_INDEX_AT][1]).struct()
        pieces.append(_Piece(spool.tell(), length, starts, column, group, index))
        spool.write(memoryview(data)[starts : starts + length])
    return pieces


def _write_group(out: _Output, spool: BinaryIO, number: int, pieces: Sequence[_Piece]) -> tuple[Struct, list[Struct]]:
    """Writes a group of rows. Returns what the footer says of it, and the indexes of its columns."""
    begins, columns, indexes = out.at, list[Struct](), list[Struct]()
    for piece in pieces:
        moved = out.at - piece.starts
        spool.seek(piece.at)
        for low in range(0, piece.length, _COPIED):
            out.write(spool.read(min(_COPIED, piece.length - low)))
        described = _moved(piece.column[_DESCRIPTION][1], _PAGES, moved)
        out.write(write_struct(described))
        columns.append({**_moved(piece.column, (_PLACE,), moved), _DESCRIPTION: (STRUCT, described)})
        pages = [_moved(page, (_PAGE,), moved) for page in _items(piece.pages[_INDEX])]
        indexes.append({**piece.pages, _INDEX: (LIST, (STRUCT, pages))})
    totals = {field: sum(piece.group[field][1] for piece in pieces) for field in (_GROUP_BYTES, _GROUP_COMPRESSED)}
    values = {**totals, _GROUP_OFFSET: begins, _GROUP_NUMBER: number, _COLUMNS: (STRUCT, columns)}
    return {field: (kind, values.get(field, value)) for field, (kind, value) in pieces[0].group.items()}, indexes


def _with_indexes(out: _Output, group: Struct, indexes: Sequence[Struct]) -> Struct:
    """Writes the indexes of a group's columns, and returns the group with their places."""
    columns = []
    for column, index in zip(_items(group[_COLUMNS]), indexes, strict=True):
        data = write_struct(index)
        columns.append({**column, _INDEX_AT: (I64, out.at), _INDEX_LENGTH: (I32, len(data))})
        out.write(data)
    return {**group, _COLUMNS: (LIST, (STRUCT, columns))}


def _moved(fields: Struct, numbers: Sequence[int], by: int) -> Struct:
    return {number: (kind, value + by if number in numbers else value) for number, (kind, value) in fields.items()}


def _items(field: tuple[int, Any]) -> list[Struct]:
    return cast(list[Struct], field[1][1])


def _footer(data: bytes) -> Struct:
    length = int.from_bytes(data[-8:-4], "little")
    return Reader(data, len(data) - 8 - length).struct()


def column_bytes(tail: bytes) -> dict[str, int] | None:
    """Returns how long the columns are before they are compressed, from the end of a file; None: it is longer."""
    length = int.from_bytes(tail[-8:-4], "little")
    if len(tail) < length + 8:
        return None
    sizes = Counter[str]()
    for group in _items(_footer(tail)[_GROUPS]):
        for column in _items(group[_COLUMNS]):
            description = column[_DESCRIPTION][1]
            sizes[b"".join(description[_PATH][1][1]).decode()] += description[_UNCOMPRESSED][1]
    return dict(sizes)
