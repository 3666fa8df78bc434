"""Turns lines of access logs into hits. A line that is imported again becomes the same hit again.

The format of a line is in `collection.protocols.access_log`, which reads its fields when the hit is received.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple
from zlib import crc32

from collection.access_logs.line_counts import LineCounts
from collection.hit import FORMAT, RawHit, encode
from collection.protocols import access_log
from collection.protocols.decoded import as_text

PROTOCOL: Final = access_log.PROTOCOL.name
DIGEST_BITS: Final = 64

EMPTY_LINE: Final = "the line is empty"
OTHER_FORMAT: Final = "not in the combined or common format"
NO_REQUEST: Final = "the request is not three words: method, target, version"
NO_TIME: Final = "there is no such time"

MINUTE: Final = len("17/May/2015:10:05")
SECONDS: Final = slice(MINUTE + 1, MINUTE + 3)
ZONE: Final = MINUTE + 3
YEARS: Final = range(1970, 9999)
TIME_LENGTH: Final = len("17/May/2015:10:05:03 +0000")
MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


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

    def __init__(self, property: int) -> None:
        self._property = property
        self._counts = LineCounts()
        self.lines = 0
        self.checksum = 0
        self._latest_ms: int | None = None

    def skip(self, lines: Sequence[bytes]) -> None:
        """Counts lines that are already in the log."""
        for line in lines:
            self._count(line)
        times = (line_time_ms(as_text(line)) for line in reversed(lines))
        self._latest_ms = next((time for time in times if time is not None), self._latest_ms)

    def read(self, lines: Sequence[bytes], received_us: int) -> list[LogLine]:
        return [self._entry(line, received_us) for line in lines]

    def _entry(self, line: bytes, received_us: int) -> LogLine:
        id = self._count(line)
        text = as_text(line)
        match = access_log.LINE.fullmatch(text)
        if match is None:
            return self._malformed(line, id, received_us, EMPTY_LINE if not text else OTHER_FORMAT)
        occurred = _time_of_match(text, match)
        if occurred is None:
            return self._malformed(line, id, received_us, NO_TIME)
        self._latest_ms = occurred
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", {}, b"", line, self._property, occurred)
        request_words = [word for word in match[4].split(" ") if word]
        fault = None if len(request_words) == access_log.REQUEST_WORDS else NO_REQUEST
        return LogLine(_key(match[1], match[8]), encode(hit), fault)

    def _malformed(self, line: bytes, id: str, received_us: int, fault: str) -> LogLine:
        headers = {access_log.FAULT: fault}
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", headers, b"", line, self._property, self._latest_ms)
        return LogLine(_key("", ""), encode(hit), fault)

    def _count(self, line: bytes) -> str:
        digest = blake2b(line, digest_size=DIGEST_BITS // 8).digest()
        number = int.from_bytes(digest, "big")
        self.lines += 1
        self.checksum = (self.checksum + number) % (1 << DIGEST_BITS)
        return f"{digest.hex()}.{self._counts.add(number)}"


def line_time_ms(text: str) -> int | None:
    """Returns the time of a line in ms since 1970 UTC, None if it has no readable time."""
    match = access_log.LINE.fullmatch(text)
    return _time_of_match(text, match) if match else None


def _time_of_match(text: str, match: re.Match[str]) -> int | None:
    start = match.end(3) + len(" [")
    return time_ms(text[start : start + TIME_LENGTH])


def time_ms(text: str) -> int | None:
    """Parses `17/May/2015:10:05:03 +0000` into ms since 1970 UTC. Returns None if the calendar has no such time.

    Second 60, a leap second, is the first second of the next minute.
    """
    minute = _minute_ms(text[:MINUTE] + text[ZONE:])
    seconds = int(text[SECONDS])
    return None if minute is None or seconds > 60 else minute + seconds * 1000


@lru_cache(4096)
def _minute_ms(text: str) -> int | None:
    """Parses `17/May/2015:10:05 +0000`. The lines of a file are in order, so the cache computes each minute once."""
    day, month, year = int(text[:2]), MONTHS[text[3:6]], int(text[7:11])
    hour, minute = int(text[12:14]), int(text[15:17])
    offset = (int(text[19:21]) * 60 + int(text[21:23])) * 60_000
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    if year not in YEARS:
        return None
    return int(local.timestamp()) * 1000 - (offset if text[18] == "+" else -offset)


def _key(address: str, user_agent: str | None) -> bytes:
    """Returns the partition key: it keeps a visitor's lines in one partition, so that they are received together."""
    return crc32(f"{address} {user_agent}".encode()).to_bytes(4, "big")
