"""The head of a raw block: what is in it, and where. `block.py` says how a block is laid out."""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from processing.schema import RAW

FORMAT: Final = 1
PREFIX_BYTES: Final = 16
WINDOW: Final = -15  # raw deflate: everything has a crc of its own
NAMES: Final = tuple(RAW)
MAX_PLAIN: Final = 2**32 - 1
USUAL_RATIO: Final = 8  # by which rows are compressed

_MAGIC: Final = b"HSB"
_PREFIX: Final = struct.Struct("<3sBII")
_CRC: Final = struct.Struct("<I")
_ENTRY: Final = struct.Struct("<QQIIIIqqIB")
_decoder: Final = msgspec.msgpack.Decoder(tuple[tuple[str, ...], bytes, bytes])


class CorruptBlob(Exception):
    """Stored bytes are not what was written; the message names which."""


class Chunk(NamedTuple):
    """Where a property's rows are in the blob, and what they are: `hits` distinct positions, times in ms.

    `plain` is the length before it was compressed; of Parquet, that of all its texts.
    """

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

    def memory(self) -> int:
        """Returns about how many bytes its texts take in memory. Old versions did not note those of Parquet."""
        return self.length * USUAL_RATIO if self.plain == self.length else self.plain


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


def head_bytes(prefix: bytes) -> int:
    """Returns how many bytes at the start of a blob `read_head` needs; `prefix` has its first PREFIX_BYTES."""
    if len(prefix) < PREFIX_BYTES or prefix[:3] != _MAGIC:
        raise CorruptBlob("not a raw block")
    _, version, length, _ = _PREFIX.unpack_from(prefix)
    if version != FORMAT:
        raise CorruptBlob(f"raw block of format {version}, not {FORMAT}")
    return PREFIX_BYTES + int(length)


def read_head(blob: bytes) -> Directory:
    """Reads the head only: `blob` may be cut off behind it. Raises CorruptBlob."""
    end = head_bytes(blob)
    covered = blob[: _PREFIX.size] + blob[PREFIX_BYTES:end]
    if len(blob) < end or zlib.crc32(covered) != _CRC.unpack_from(blob, _PREFIX.size)[0]:
        raise CorruptBlob("directory of a raw block")
    plain = _PREFIX.unpack_from(blob)[3]
    names, dictionary, entries = _decoder.decode(zlib.decompress(blob[PREFIX_BYTES:end], WINDOW, plain))
    return Directory(NAMES if names == NAMES else names, dictionary, entries, end)  # one tuple for thousands


def pack_head(dictionary: bytes, chunks: Iterable[Chunk], names: tuple[str, ...] = NAMES) -> bytes:
    """`names` are the columns that the lists of small chunks mean by number; offsets count from the first chunk."""
    plain = msgspec.msgpack.encode((names, dictionary, b"".join(_ENTRY.pack(*chunk) for chunk in chunks)))
    fresh = zlib.compressobj(wbits=WINDOW)
    packed = fresh.compress(plain) + fresh.flush()
    prefix = _PREFIX.pack(_MAGIC, FORMAT, len(packed), len(plain))
    return prefix + _CRC.pack(zlib.crc32(prefix + packed)) + packed
