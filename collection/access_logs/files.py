"""Reads lines from files, gzip files or standard input, as bytes in any encoding."""

import gzip
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar, cast

STANDARD_INPUT: Final = "-"
CHUNK_BYTES: Final = 512 * 1024
MAX_LINE_BYTES: Final = 128 * 1024  # the collector's limit for a body; a longer line is split into several
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
TAR_BLOCK: Final = 512
GZIP: Final = b"\x1f\x8b"
UNSUPPORTED_FORMATS: Final = {
    b"BZh": "is compressed with bzip2; unpack it and give it as standard input: bzip2 -dc FILE | … -",
    b"\xfd7zXZ": "is compressed with xz; unpack it and give it as standard input: xz -dc FILE | … -",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it and give it as standard input: zstd -dc FILE | … -",
    b"\x04\x22\x4d\x18": "is compressed with lz4; unpack it and give it as standard input: lz4 -dc FILE | … -",
    b"\x1f\x9d": "is compressed with compress; unpack it and give it as standard input: zcat FILE | … -",
    b"7z\xbc\xaf": "is a 7z archive; unpack it first",
    b"Rar!": "is a rar archive; unpack it first",
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\xff\xfe": "is written in UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE | … -",
    b"\xfe\xff": "is written in UTF-16; convert it: iconv -f UTF-16 -t UTF-8 FILE | … -",
}


class UnreadableFile(Exception):
    """The message is a sentence that names the file and the cause."""


class LineFile:
    """A file of lines. `size`: bytes as stored, None if unknown (standard input, a pipe).

    Opening raises UnreadableFile, and so does reading a compressed file that is damaged or cut off.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD_INPUT else name
        self._stored = _open(name)
        self.size = Path(name).stat().st_size if self._stored.seekable() and name != STANDARD_INPUT else None
        try:
            self._content = _decompress(self._stored, self.name)
        except UnreadableFile:
            self.close()
            raise
        self._batches = split_lines(self._chunks())
        self._read_ahead: list[list[bytes]] = []
        self._fault: UnreadableFile | None = None

    def first_lines(self, count: int) -> list[bytes]:
        """Returns the first lines, fewer if there are no more. `batches` still yields all of them.

        Raises nothing if the file is damaged, which `batches` does when it comes to the damage.
        """
        try:
            while sum(map(len, self._read_ahead)) < count and (batch := next(self._batches, None)) is not None:
                self._read_ahead.append(batch)
        except UnreadableFile as fault:
            self._fault = fault
        return list(islice(chain.from_iterable(self._read_ahead), count))

    def batches(self) -> Iterator[list[bytes]]:
        """Yields lists of lines in order, without their ends (LF or CRLF), with empty lines."""
        while self._read_ahead:
            yield self._read_ahead.pop(0)
        yield from self._batches
        if self._fault is not None:
            raise self._fault

    def read_bytes(self) -> int:
        """Returns how many bytes of `size` have been read."""
        return self._stored.tell() if self.size is not None else 0

    def close(self) -> None:
        if self._stored is not sys.stdin.buffer:
            self._stored.close()

    def _chunks(self) -> Iterator[bytes]:
        """Yields the content. If the file is damaged, yields everything before the damage, then raises."""
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
    """Splits chunks into lists of lines. The lines do not depend on the ends of the chunks. A list may be empty."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        pieces, rest = _cut(rest, MAX_LINE_BYTES + 1)  # one byte more, which may be the CR of the end
        yield [*_clean(lines), *pieces]
    if rest:
        yield _clean([rest])


def _clean(lines: list[bytes]) -> list[bytes]:
    """Removes CRs at the ends and cuts lines that are too long."""
    lines = [line.removesuffix(b"\r") for line in lines]
    if max(map(len, lines), default=0) <= MAX_LINE_BYTES:
        return lines
    return [piece for pieces, last in (_cut(line, MAX_LINE_BYTES) for line in lines) for piece in (*pieces, last)]


def _cut(line: bytes, max_rest: int) -> tuple[list[bytes], bytes]:
    """Cuts pieces of MAX_LINE_BYTES off the line while it is longer than `max_rest`. Returns them and the rest."""
    pieces = []
    while len(line) > max_rest:
        pieces.append(line[:MAX_LINE_BYTES])
        line = line[MAX_LINE_BYTES:]
    return pieces, line


def _open(name: str) -> BufferedReader:
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


def _decompress(stored: BufferedReader, name: str) -> BufferedReader | gzip.GzipFile:
    if not stored.peek(8).startswith(GZIP):
        _check_content(stored.peek(TAR_BLOCK), name)
        if name.endswith((".gz", ".tgz")) and stored.peek(1):
            raise UnreadableFile(f"{name} is named like a gzip file, but it is not one")
        return _without_mark(stored)
    content = gzip.GzipFile(fileobj=stored)
    try:
        start = content.peek(TAR_BLOCK)
    except (EOFError, zlib.error, OSError):
        return content  # what can be read of it is read, and the damage is named then
    if start.startswith(GZIP):
        raise UnreadableFile(f"{name} is compressed twice; unpack it and give it as standard input: zcat FILE | … -")
    _check_content(start, name)
    return _without_mark(content)


def _check_content(start: bytes, name: str) -> None:
    """Raises UnreadableFile if a file that starts so has no lines."""
    for signature, advice in UNSUPPORTED_FORMATS.items():
        if start.startswith(signature):
            raise UnreadableFile(f"{name} {advice}")
    if len(start) >= TAR_BLOCK and _is_tar(start[:TAR_BLOCK]):
        raise UnreadableFile(f"{name} is a tar archive; unpack it and give the files in it: tar -xf FILE")


def _is_tar(block: bytes) -> bool:
    """Returns whether the block is the header of a file in an archive. It has a checksum, so nothing else passes."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


Content = TypeVar("Content", BufferedReader, gzip.GzipFile)


def _without_mark(content: Content) -> Content:
    if content.peek(len(BYTE_ORDER_MARK)).startswith(BYTE_ORDER_MARK):
        content.read(len(BYTE_ORDER_MARK))
    return content
