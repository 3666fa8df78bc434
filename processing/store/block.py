"""Raw block: the raw rows of one range, by property, as one immutable blob.

Prefix (magic, version, length and crc of the head), head (column names, dictionary, directory), one chunk per property.
A chunk decodes without touching the others. Small chunks are lists packed with msgpack and deflated with the block's
dictionary, a sample of its own rows: 600 properties of one hit each take a third of the space that they would take
apart. Large chunks are Parquet. Columns that are all null are left out.
"""

import io
import struct
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from processing.schema import RAW, conform

FORMAT: Final = 1
PREFIX_BYTES: Final = 16
SMALL_ROWS: Final = 512

_MAGIC: Final = b"HSB"
_PREFIX: Final = struct.Struct("<3sBII")
_CRC: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<QQIIIIqqIB")
_LISTS: Final = 0
_PARQUET: Final = 1
_DICTIONARY_BYTES: Final = 4096
_WINDOW: Final = -15  # raw deflate: the chunk has a crc of its own

_NAMES: Final = tuple(RAW)
_OFFSETS: Final = 1 << 48  # of a log, in a position
_POSITION: Final = _NAMES.index("position")
_TIME: Final = _NAMES.index("time")

_Columns = list[tuple[int, Sequence[Any]]]
_head_decoder: Final = msgspec.msgpack.Decoder(tuple[tuple[str, ...], bytes, bytes])
_columns_decoder: Final = msgspec.msgpack.Decoder(list[tuple[int, list[Any]]])


class CorruptBlob(Exception):
    """Stored bytes are not what was written; the message names which."""


class Chunk(NamedTuple):
    """Where a property's rows are in the blob, and what they are: `hits` distinct positions, times in ms."""

    property: int
    offset: int
    length: int
    plain: int
    rows: int
    hits: int
    min_time: int
    max_time: int
    crc: int
    kind: int


class Directory:
    """What is in a block. Entries stay packed, so that thousands of directories can be kept."""

    def __init__(self, names: tuple[str, ...], dictionary: bytes, entries: bytes, size: int) -> None:
        self.names = names
        self.dictionary = dictionary
        self.size = size  # of head and prefix: chunks start here
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries) // _ENTRY.size

    def __iter__(self) -> Iterator[Chunk]:
        return map(self._at, range(len(self)))

    def __contains__(self, property: int) -> bool:
        return self.chunk(property) is not None

    def chunk(self, property: int) -> Chunk | None:
        number = bisect_left(range(len(self)), property, key=self._property)
        if number == len(self) or self._property(number) != property:
            return None
        return self._at(number)

    @property
    def weight(self) -> int:
        """Roughly the memory that it takes, in bytes."""
        return len(self._entries) + len(self.dictionary) + 500

    def properties(self) -> list[int]:
        return [self._property(number) for number in range(len(self))]

    @property
    def rows(self) -> int:
        return sum(chunk.rows for chunk in self)

    @property
    def hits(self) -> int:
        return sum(chunk.hits for chunk in self)

    def _property(self, number: int) -> int:
        return int(struct.unpack_from("<Q", self._entries, number * _ENTRY.size)[0])

    def _at(self, number: int) -> Chunk:
        entry = Chunk(*_ENTRY.unpack_from(self._entries, number * _ENTRY.size))
        return entry._replace(offset=entry.offset + self.size)


class Piece(NamedTuple):
    """One property's chunk as read from a block."""

    directory: Directory
    chunk: Chunk
    data: bytes
    name: str = "a raw block"


class _Packed(NamedTuple):
    """A chunk before it is deflated; `extent` is rows, hits, least and greatest time."""

    data: bytes
    kind: int
    extent: tuple[int, int, Any, Any]


def encode_block(frames: Mapping[int, pl.DataFrame]) -> bytes:
    """`frames` has RAW frames by property; empty ones are left out. The same rows give the same bytes."""
    packed = {number: _pack(frames[number]) for number in sorted(frames) if frames[number].height}
    dictionary = _dictionary([each.data for each in packed.values() if each.kind == _LISTS])
    chunks = list(_deflated(packed.values(), dictionary))
    entries, offset = [], 0
    for (number, plain), chunk in zip(packed.items(), chunks, strict=True):
        where = (number, offset, len(chunk), len(plain.data))
        entries.append(_ENTRY.pack(*where, *plain.extent, zlib.crc32(chunk), plain.kind))
        offset += len(chunk)
    return _head(dictionary, b"".join(entries)) + b"".join(chunks)


def head_bytes(prefix: bytes) -> int:
    """How many bytes at the start of a blob `directory` needs; `prefix` has its first PREFIX_BYTES."""
    if len(prefix) < PREFIX_BYTES or prefix[:3] != _MAGIC:
        raise CorruptBlob("not a raw block")
    _, version, length, _ = _PREFIX.unpack_from(prefix)
    if version != FORMAT:
        raise CorruptBlob(f"raw block of format {version}, not {FORMAT}")
    return PREFIX_BYTES + int(length)


def directory(blob: bytes) -> Directory:
    """Reads the head only: `blob` may be cut off behind it. Raises CorruptBlob."""
    end = head_bytes(blob)
    covered = blob[: _PREFIX.size] + blob[PREFIX_BYTES:end]
    if len(blob) < end or zlib.crc32(covered) != _CRC.unpack_from(blob, _PREFIX.size)[0]:
        raise CorruptBlob("directory of a raw block")
    plain = _PREFIX.unpack_from(blob)[3]
    names, dictionary, entries = _head_decoder.decode(zlib.decompress(blob[PREFIX_BYTES:end], _WINDOW, plain))
    return Directory(_NAMES if names == _NAMES else names, dictionary, entries, end)  # one tuple for thousands


def rows(blob: bytes, property: int) -> pl.DataFrame:
    """The RAW rows of a property, none if it is not in the block. Raises CorruptBlob."""
    return rows_of(pieces_of([blob], property))


def pieces_of(blobs: Iterable[bytes], property: int) -> Iterator[Piece]:
    """The chunks of a property; blocks without it are passed over."""
    return _pieces(((blob, directory(blob)) for blob in blobs), property)


def rows_of(pieces: Iterable[Piece]) -> pl.DataFrame:
    """The RAW rows of chunks out of any number of blocks, in their order. Raises CorruptBlob."""
    runs = groupby(pieces, lambda piece: piece.chunk.kind)
    frames = [frame for kind, run in runs for frame in (_from_lists(run) if kind == _LISTS else _from_parquet(run))]
    return pl.concat(frames) if frames else pl.DataFrame(schema=RAW)


def of_range(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    """The RAW rows of the entries first to last of their partition."""
    return frame.filter((pl.col("position") % _OFFSETS).is_between(first, last))


def merge(blobs: Sequence[bytes], without: Collection[int] = ()) -> bytes:
    """One blob with the rows of all, in their order, less those of the properties `without`. Raises CorruptBlob."""
    opened = [(blob, directory(blob)) for blob in blobs]
    kept = {number for _, head in opened for number in head.properties()}.difference(without)
    return encode_block({number: rows_of(_pieces(opened, number)) for number in sorted(kept)})


def problems(blob: bytes) -> Iterator[str]:
    """What is wrong with a blob; every byte of it is checked."""
    try:
        head = directory(blob)
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


def _pieces(opened: Iterable[tuple[bytes, Directory]], property: int) -> Iterator[Piece]:
    found = ((blob, head, head.chunk(property)) for blob, head in opened)
    return (_piece(blob, head, chunk) for blob, head, chunk in found if chunk)


def _piece(blob: bytes, head: Directory, chunk: Chunk) -> Piece:
    return Piece(head, chunk, blob[chunk.offset : chunk.offset + chunk.length])


def _pack(frame: pl.DataFrame) -> _Packed:
    if tuple(frame.columns) != _NAMES:
        raise ValueError("not the columns of RAW")
    if frame.height < SMALL_ROWS:
        return _pack_lists(frame.rows())
    times, positions = frame["time"], frame["position"]
    return _Packed(_to_parquet(frame), _PARQUET, (frame.height, positions.n_unique(), times.min(), times.max()))


def _pack_lists(rows: Sequence[tuple[Any, ...]]) -> _Packed:
    columns: _Columns = [(n, column) for n, column in enumerate(zip(*rows, strict=True)) if not _null(column)]
    times = [row[_TIME] for row in rows]
    extent = (len(rows), len({row[_POSITION] for row in rows}), min(times), max(times))
    return _Packed(msgspec.msgpack.encode(columns), _LISTS, extent)


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
    primed = zlib.compressobj(wbits=_WINDOW, zdict=dictionary)
    for each in packed:
        if each.kind == _LISTS:
            fresh = primed.copy()
            yield fresh.compress(each.data) + fresh.flush()
        else:
            yield each.data


def _head(dictionary: bytes, entries: bytes) -> bytes:
    plain = msgspec.msgpack.encode((_NAMES, dictionary, entries))
    fresh = zlib.compressobj(wbits=_WINDOW)
    packed = fresh.compress(plain) + fresh.flush()
    prefix = _PREFIX.pack(_MAGIC, FORMAT, len(packed), len(plain))
    return prefix + _CRC.pack(zlib.crc32(prefix + packed)) + packed


def _verified(piece: Piece) -> bytes:
    if len(piece.data) != piece.chunk.length or zlib.crc32(piece.data) != piece.chunk.crc:
        raise CorruptBlob(f"rows of property {piece.chunk.property} in {piece.name}")
    return piece.data


def _from_lists(pieces: Iterable[Piece]) -> Iterator[pl.DataFrame]:
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


def _columns(piece: Piece) -> list[tuple[int, list[Any]]]:
    inflate = zlib.decompressobj(_WINDOW, zdict=piece.directory.dictionary)
    return _columns_decoder.decode(inflate.decompress(_verified(piece), piece.chunk.plain))


def _from_parquet(pieces: Iterable[Piece]) -> Iterator[pl.DataFrame]:
    for piece in pieces:
        yield conform(pl.read_parquet(io.BytesIO(_verified(piece))), RAW)
