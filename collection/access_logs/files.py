"""Reading files of lines: plain, gzip, or standard input; as bytes, whatever is in them."""

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

STANDARD_INPUT: Final = "-"
CHUNK_BYTES: Final = 512 * 1024
MAX_LINE_BYTES: Final = (
    128 * 1024
)  # as much as the collector takes in a body; the rest of the line goes on as further lines
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
GZIP: Final = b"\x1f\x8b"
OTHER_KINDS: Final = {
    b"BZh": "is compressed with bzip2; unpack it and give it as standard input: bzip2 -dc FILE | … -",
    b"\xfd7zXZ": "is compressed with xz; unpack it and give it as standard input: xz -dc FILE | … -",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it and give it as standard input: zstd -dc FILE | … -",
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\xff\xfe": "is written in UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE | … -",
    b"\xfe\xff": "is written in UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE | … -",
}


class UnreadableFile(Exception):
    """Says in one sentence which file cannot be read, and why."""


class LineFile:
    """One file. `size` is in bytes as stored, None where nobody knows (standard input, a pipe).

    Raises UnreadableFile on opening; on reading too, where a compressed file is damaged or cut off.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        self._stored = _opened(name)
        self.size = Path(name).stat().st_size if self._stored.seekable() and name != STANDARD_INPUT else None
        try:
            self._content = _unpacked(self._stored, self.name)
        except UnreadableFile:
            self.close()
            raise

    def batches(self) -> Iterator[list[bytes]]:
        """The lines in order, some at a time, without their ends (LF or CRLF); empty lines too."""
        return split_lines(self._chunks())

    def read_bytes(self) -> int:
        """How much of `size` is read."""
        return self._stored.tell() if self.size is not None else 0

    def close(self) -> None:
        if self._stored is not sys.stdin.buffer:
            self._stored.close()

    def _chunks(self) -> Iterator[bytes]:
        """What comes before a damage is given out before it is reported."""
        chunk = b""
        try:
            while part := self._content.read1(CHUNK_BYTES):
                chunk += part
                if len(chunk) >= CHUNK_BYTES:
                    yield chunk
                    chunk = b""
        except (EOFError, zlib.error, OSError) as error:
            yield chunk
            raise UnreadableFile(f"{self.name} is damaged or cut off: {error}") from error
        yield chunk


def split_lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The same lines wherever the chunks end. A list may be empty."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        pieces, rest = _cut(rest, MAX_LINE_BYTES + 1)
        yield [*_finished(lines), *pieces]
    if rest:
        yield _finished([rest])


def _finished(lines: list[bytes]) -> list[bytes]:
    lines = [line.removesuffix(b"\r") for line in lines]
    if max(map(len, lines), default=0) <= MAX_LINE_BYTES:
        return lines
    cut = [_cut(line, MAX_LINE_BYTES) for line in lines]
    return [piece for pieces, last in cut for piece in (*pieces, last)]


def _cut(line: bytes, longest: int) -> tuple[list[bytes], bytes]:
    """Pieces of LONGEST_LINE, and what is left, at most `longest`: one byte more where it may be the CR of the end."""
    pieces = []
    while len(line) > longest:
        pieces.append(line[:MAX_LINE_BYTES])
        line = line[MAX_LINE_BYTES:]
    return pieces, line


def _opened(name: str) -> BufferedReader:
    if name == STANDARD_INPUT:
        return cast("BufferedReader", sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except FileNotFoundError:
        raise UnreadableFile(f"{name} does not exist") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{name} is a folder; name the files in it") from None
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be read: {error.strerror}") from error


def _unpacked(stored: BufferedReader, name: str) -> BufferedReader | gzip.GzipFile:
    begin = stored.peek(8)
    if begin.startswith(GZIP):
        return gzip.GzipFile(fileobj=stored)
    for mark, advice in OTHER_KINDS.items():
        if begin.startswith(mark):
            raise UnreadableFile(f"{name} {advice}")
    if name.endswith(".gz") and begin:
        raise UnreadableFile(f"{name} is named like a gzip file, but it is not one")
    if begin.startswith(BYTE_ORDER_MARK):
        stored.read(len(BYTE_ORDER_MARK))
    return stored
