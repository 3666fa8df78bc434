"""Reads lines from files, gzip files or standard input, as bytes in any encoding."""

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final, cast

STANDARD_INPUT: Final = "-"
CHUNK_BYTES: Final = 512 * 1024
MAX_LINE_BYTES: Final = 128 * 1024  # the collector's limit for a body; a longer line is split into several
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
GZIP: Final = b"\x1f\x8b"
UNSUPPORTED_FORMATS: Final = {
    b"BZh": "is compressed with bzip2; unpack it and give it as standard input: bzip2 -dc FILE | … -",
    b"\xfd7zXZ": "is compressed with xz; unpack it and give it as standard input: xz -dc FILE | … -",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it and give it as standard input: zstd -dc FILE | … -",
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

    def batches(self) -> Iterator[list[bytes]]:
        """Yields lists of lines in order, without their ends (LF or CRLF), with empty lines."""
        return split_lines(self._chunks())

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
    start = stored.peek(8)
    if start.startswith(GZIP):
        return gzip.GzipFile(fileobj=stored)
    for signature, advice in UNSUPPORTED_FORMATS.items():
        if start.startswith(signature):
            raise UnreadableFile(f"{name} {advice}")
    if name.endswith(".gz") and start:
        raise UnreadableFile(f"{name} is named like a gzip file, but it is not one")
    if start.startswith(BYTE_ORDER_MARK):
        stored.read(len(BYTE_ORDER_MARK))
    return stored
