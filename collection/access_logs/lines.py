"""Turns lines of access logs into hits. A line that is imported again becomes the same hit again.

The format of a line is in `collection.protocols.access_log`, which reads its fields when the hit is received.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple
from zlib import crc32

from collection.access_logs.line_counts import LineCounts
from collection.hit import FORMAT, RawHit, encode
from collection.log_lines import NO_TIME, UnreadableLine, read_line, time_ms
from collection.protocols import access_log
from collection.protocols.decoded import as_text

PROTOCOL: Final = access_log.PROTOCOL.name
DIGEST_BITS: Final = 64


class LogLine(NamedTuple):
    """Key and value for the log. `fault`: why the line will be rejected as malformed, None if it is correct."""

    key: bytes
    value: bytes
    fault: str | None


class LineReader:
    """Turns lines into hits of one property. All files of an import share one reader, which counts equal lines.

    The id of a hit combines the line's digest with the number of times the line was seen: the same files give the same
    ids, and two equal lines are two hits. `checksum` covers all lines so far, in any order. A line without a readable
    time gets the time of the line before it, so that every import gives it the same time.
    """

    def __init__(self, property: int, format: str | None = None) -> None:
        """`format`: a format string of Apache or nginx, None if the lines are in formats that need none."""
        self._property, self._format = property, format
        self._headers = {} if format is None else {access_log.FORMAT: format}
        self._counts = LineCounts()
        self.lines = 0
        self.checksum = 0
        self._latest_ms: int | None = None

    def skip(self, lines: Sequence[bytes]) -> None:
        """Counts lines that are already in the log."""
        for line in lines:
            self._count(line)
        times = (line_time_ms(as_text(line), self._format) for line in reversed(lines))
        self._latest_ms = next((time for time in times if time is not None), self._latest_ms)

    def read(self, lines: Sequence[bytes], received_us: int) -> list[LogLine]:
        return [self._entry(line, received_us) for line in lines]

    def _entry(self, line: bytes, received_us: int) -> LogLine:
        id = self._count(line)
        try:
            fields = read_line(as_text(line), self._format)
        except UnreadableLine as error:
            return self._malformed(line, id, received_us, str(error), error.time)
        occurred = time_ms(fields.time)
        if occurred is None:
            return self._malformed(line, id, received_us, NO_TIME)
        self._latest_ms = occurred
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", self._headers, b"", line, self._property, occurred)
        return LogLine(_key(fields.address, fields.user_agent), encode(hit), None)

    def _malformed(self, line: bytes, id: str, received_us: int, fault: str, time: str = "") -> LogLine:
        occurred = time_ms(time)
        self._latest_ms = self._latest_ms if occurred is None else occurred
        headers = {**self._headers, access_log.FAULT: fault}
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", headers, b"", line, self._property, self._latest_ms)
        return LogLine(_key("", ""), encode(hit), fault)

    def _count(self, line: bytes) -> str:
        digest = blake2b(line, digest_size=DIGEST_BITS // 8).digest()
        number = int.from_bytes(digest, "big")
        self.lines += 1
        self.checksum = (self.checksum + number) % (1 << DIGEST_BITS)
        return f"{digest.hex()}.{self._counts.add(number)}"


def line_time_ms(text: str, format: str | None) -> int | None:
    """Returns the time of a line in ms since 1970 UTC, None if it has no readable time."""
    try:
        return time_ms(read_line(text, format).time)
    except UnreadableLine as error:
        return time_ms(error.time)


def _key(address: str, user_agent: str | None) -> bytes:
    """Returns the partition key: it keeps a visitor's lines in one partition, so that they are received together."""
    return crc32(f"{address} {user_agent}".encode()).to_bytes(4, "big")
