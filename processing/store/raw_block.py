"""Raw block: the raw rows of one range, by property, as one immutable blob.

Prefix (magic, version, length and crc of the head), head (column names, dictionary, directory), one chunk per property.
A chunk decodes without touching the others. Small chunks are lists packed with msgpack and deflated with the block's
dictionary, a sample of its own rows: 600 properties of one hit each take a third of the space that they would take
apart. Large chunks are Parquet. Columns that are all null are left out.
"""

import io
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from processing.positions import OFFSETS_PER_PARTITION
from processing.schema import ITEM_BYTES, RAW, conform
from processing.store.block_directory import (
    MAX_PLAIN,
    NAMES,
    WINDOW,
    Chunk,
    CorruptBlob,
    Directory,
    pack_head,
    read_head,
)
from processing.store.rows import text_bytes

SMALL_ROWS: Final = 512

_LISTS: Final = 0
_PARQUET: Final = 1
_DICTIONARY_BYTES: Final = 4096
_LEVEL: Final = 1  # a third of the time of level 6, 2 to 8 % more bytes

_POSITION: Final = NAMES.index("position")
_TIME: Final = NAMES.index("time")
_REST: Final = NAMES.index("rest")
_ITEM: Final = "(?:^|&)pr[0-9]"

_Columns = list[tuple[int, Sequence[Any]]]
_columns_decoder: Final = msgspec.msgpack.Decoder(list[tuple[int, list[Any]]])


class BlockPiece(NamedTuple):
    """One property's chunk as read from a block."""

    directory: Directory
    chunk: Chunk
    data: bytes
    name: str = "a raw block"


class _Packed(NamedTuple):
    """A chunk before it is deflated; `extent` is rows, hits, least and greatest time. `plain`: see Chunk."""

    data: bytes
    kind: int
    extent: tuple[int, int, Any, Any]
    plain: int


def encode_block(frames: Mapping[int, pl.DataFrame]) -> bytes:
    """`frames` has RAW frames by property; empty ones are left out. The same rows give the same bytes."""
    packed = {number: _pack(frames[number]) for number in sorted(frames) if frames[number].height}
    dictionary = _dictionary([each.data for each in packed.values() if each.kind == _LISTS])
    chunks = list(_deflated(packed.values(), dictionary))
    entries, offset = list[Chunk](), 0
    for (number, plain), chunk in zip(packed.items(), chunks, strict=True):
        where = (offset, len(chunk), min(plain.plain, MAX_PLAIN))
        entries.append(Chunk(number, *where, *plain.extent, zlib.crc32(chunk), plain.kind))
        offset += len(chunk)
    return pack_head(dictionary, entries) + b"".join(chunks)


def property_rows(blob: bytes, property: int) -> pl.DataFrame:
    """Returns the RAW rows of a property, none if it is not in the block. Raises CorruptBlob."""
    return decode_pieces(pieces_of([blob], property))


def pieces_of(blobs: Iterable[bytes], property: int) -> Iterator[BlockPiece]:
    """Returns the chunks of a property; blocks without it are passed over."""
    return _pieces(((blob, read_head(blob)) for blob in blobs), property)


def decode_pieces(pieces: Iterable[BlockPiece]) -> pl.DataFrame:
    """Returns the RAW rows of chunks out of any number of blocks, in their order. Raises CorruptBlob."""
    runs = groupby(pieces, lambda piece: piece.chunk.kind)
    frames = [frame for kind, run in runs for frame in (_from_lists(run) if kind == _LISTS else _from_parquet(run))]
    return pl.concat(frames) if frames else pl.DataFrame(schema=RAW)


def rows_of_range(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    """Returns the RAW rows of the entries first to last of their partition."""
    return frame.filter((pl.col("position") % OFFSETS_PER_PARTITION).is_between(first, last))


def merge(blobs: Sequence[bytes], without: Collection[int] = ()) -> bytes:
    """Returns one blob with the rows of all, in their order, less those of the properties `without`.

    Raises CorruptBlob.
    """
    opened = [(blob, read_head(blob)) for blob in blobs]
    kept = {number for _, head in opened for number in head.properties()}.difference(without)
    return encode_block({number: decode_pieces(_pieces(opened, number)) for number in sorted(kept)})


def without_rows(blob: bytes, property: int, gone: pl.Expr) -> bytes:
    """Returns the blob less those rows of the property for which `gone` holds. Raises CorruptBlob."""
    opened = [(blob, read_head(blob))]
    frames = {number: decode_pieces(_pieces(opened, number)) for number in opened[0][1].properties()}
    return encode_block({**frames, property: frames[property].filter(~gone)})


def find_problems(blob: bytes) -> Iterator[str]:
    """Returns what is wrong with a blob; every byte of it is checked."""
    try:
        head = read_head(blob)
    except CorruptBlob as error:
        yield str(error)
        return
    pieces = [_piece(blob, head, chunk) for chunk in head]
    if len(blob) != head.size + sum(piece.chunk.length for piece in pieces):
        yield "length of a raw block"
    for piece in pieces:
        try:
            _verified(piece)
        except CorruptBlob as error:
            yield str(error)


def _pieces(opened: Iterable[tuple[bytes, Directory]], property: int) -> Iterator[BlockPiece]:
    found = ((blob, head, head.chunk(property)) for blob, head in opened)
    return (_piece(blob, head, chunk) for blob, head, chunk in found if chunk)


def _piece(blob: bytes, head: Directory, chunk: Chunk) -> BlockPiece:
    return BlockPiece(head, chunk, blob[chunk.offset : chunk.offset + chunk.length])


def _pack(frame: pl.DataFrame) -> _Packed:
    if tuple(frame.columns) != NAMES:
        raise ValueError("not the columns of RAW")
    if frame.height < SMALL_ROWS:
        return _pack_lists(frame.rows())
    times, positions = frame["time"], frame["position"]
    extent = (frame.height, positions.n_unique(), times.min(), times.max())
    texts = sum(text_bytes(column) for column in frame.get_columns())
    return _Packed(_to_parquet(frame), _PARQUET, extent, texts + bytes_of_items(frame["rest"]))


def _pack_lists(rows: Sequence[tuple[Any, ...]]) -> _Packed:
    columns: _Columns = [(n, column) for n, column in enumerate(zip(*rows, strict=True)) if not _null(column)]
    times = [row[_TIME] for row in rows]
    extent = (len(rows), len({row[_POSITION] for row in rows}), min(times), max(times))
    data = msgspec.msgpack.encode(columns)
    rest = pl.Series([row[_REST] for row in rows], dtype=pl.String)
    return _Packed(data, _LISTS, extent, len(data) + bytes_of_items(rest))


def bytes_of_items(rest: pl.Series) -> int:
    """Returns about how much memory the items in these parameters will take, which is far more than their text."""
    some = rest.filter(rest.str.contains("pr", literal=True))
    return ITEM_BYTES * int(some.str.count_matches(_ITEM).sum()) if len(some) else 0


def _null(column: tuple[Any, ...]) -> bool:
    return column[0] is None and column.count(None) == len(column)


def _to_parquet(frame: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    filled = [column for column in frame.get_columns() if column.null_count() < frame.height]
    pl.DataFrame(filled).write_parquet(target, compression="zstd", statistics=False)
    return target.getvalue()


def _dictionary(samples: Sequence[bytes]) -> bytes:
    """A single chunk needs none: it would only be stored twice."""
    if len(samples) < 2:
        return b""
    step = -(-sum(map(len, samples)) // _DICTIONARY_BYTES)
    return b"".join(samples[::step])[:_DICTIONARY_BYTES]


def _deflated(packed: Iterable[_Packed], dictionary: bytes) -> Iterator[bytes]:
    primed = zlib.compressobj(_LEVEL, wbits=WINDOW, zdict=dictionary)
    for each in packed:
        if each.kind == _LISTS:
            fresh = primed.copy()
            yield fresh.compress(each.data) + fresh.flush()
        else:
            yield each.data


def _verified(piece: BlockPiece) -> bytes:
    if len(piece.data) != piece.chunk.length or zlib.crc32(piece.data) != piece.chunk.crc:
        raise CorruptBlob(f"rows of property {piece.chunk.property} in {piece.name}")
    return piece.data


def _from_lists(pieces: Iterable[BlockPiece]) -> Iterator[pl.DataFrame]:
    """One frame for all of them: making one costs more than decoding a small chunk."""
    gathered: dict[str, list[Any]] = {}
    height = 0
    for piece in pieces:
        for number, values in _columns(piece):
            column = gathered.setdefault(piece.directory.names[number], [])
            column.extend([None] * (height - len(column)))
            column.extend(values)
        height += piece.chunk.rows
    for column in gathered.values():
        column.extend([None] * (height - len(column)))
    nulls = [None] * height
    yield pl.DataFrame([pl.Series(name, gathered.get(name, nulls), dtype=kind) for name, kind in RAW.items()])


def _columns(piece: BlockPiece) -> list[tuple[int, list[Any]]]:
    inflate = zlib.decompressobj(WINDOW, zdict=piece.directory.dictionary)
    return _columns_decoder.decode(inflate.decompress(_verified(piece), piece.chunk.plain))


def _from_parquet(pieces: Iterable[BlockPiece]) -> Iterator[pl.DataFrame]:
    for piece in pieces:
        yield conform(pl.read_parquet(io.BytesIO(_verified(piece))), RAW)
