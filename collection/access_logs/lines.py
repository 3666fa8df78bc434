"""From the lines of servers' access logs to hits; a line that is imported again gives the same hit again."""

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
    """One line as the log takes it. `fault` says why it will be rejected as malformed, None where nothing is wrong."""

    key: bytes
    value: bytes
    fault: str | None


class LineReader:
    """Reads lines for one property. All files of an import share one, so that it knows which lines it has seen.

    The id of a hit is made from the line's bytes and how often this line was seen: the same files give the same ids,
    and two equal lines of one server are two hits. `checksum` stands for all lines seen so far, whatever their order.
    A line without a readable time has that of the line before it, so that it has the same whenever it is imported.
    """

    def __init__(self, property: int) -> None:
        self._property = property
        self._seen = LineCounts()
        self.lines = 0
        self.checksum = 0
        self._latest: int | None = None

    def skip(self, lines: Sequence[bytes]) -> None:
        """Count lines that are in the log already."""
        for line in lines:
            self._count(line)
        times = (line_time_ms(as_text(line)) for line in reversed(lines))
        self._latest = next((time for time in times if time is not None), self._latest)

    def read(self, lines: Sequence[bytes], received_us: int) -> list[LogLine]:
        return [self._entry(line, received_us) for line in lines]

    def _entry(self, line: bytes, received_us: int) -> LogLine:
        id = self._count(line)
        text = as_text(line)
        found = access_log.LINE.fullmatch(text)
        if found is None:
            return self._broken(line, id, received_us, EMPTY_LINE if not text else OTHER_FORMAT)
        occurred = _time_in(text, found)
        if occurred is None:
            return self._broken(line, id, received_us, NO_TIME)
        self._latest = occurred
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", {}, b"", line, self._property, occurred)
        return LogLine(_key(found[1], found[8]), encode(hit), _fault(found[4]))

    def _broken(self, line: bytes, id: str, received_us: int, fault: str) -> LogLine:
        told = {access_log.FAULT: fault}
        hit = RawHit(FORMAT, id, received_us, PROTOCOL, "", "", told, b"", line, self._property, self._latest)
        return LogLine(_key("", ""), encode(hit), fault)

    def _count(self, line: bytes) -> str:
        digest = blake2b(line, digest_size=DIGEST_BITS // 8).digest()
        number = int.from_bytes(digest, "big")
        self.lines += 1
        self.checksum = (self.checksum + number) % (1 << DIGEST_BITS)
        return f"{digest.hex()}.{self._seen.add(number)}"


def line_time_ms(text: str) -> int | None:
    """The time of a line (ms), None if it has none that can be read."""
    found = access_log.LINE.fullmatch(text)
    return _time_in(text, found) if found else None


def _time_in(text: str, found: re.Match[str]) -> int | None:
    start = found.end(3) + len(" [")
    return time_ms(text[start : start + TIME_LENGTH])


def time_ms(text: str) -> int | None:
    """`17/May/2015:10:05:03 +0000`, in milliseconds since 1970 UTC; None if the calendar has no such time.

    Second 60 is the first of the next minute.
    """
    minute = _minute_ms(text[:MINUTE] + text[ZONE:])
    seconds = int(text[SECONDS])
    return None if minute is None or seconds > 60 else minute + seconds * 1000


@lru_cache(4096)
def _minute_ms(text: str) -> int | None:
    """`17/May/2015:10:05 +0000`: lines come in order, so hardly any minute is worked out twice."""
    day, month, year, hour, minute = (
        int(text[:2]),
        MONTHS[text[3:6]],
        int(text[7:11]),
        int(text[12:14]),
        int(text[15:17]),
    )
    east = (int(text[19:21]) * 60 + int(text[21:23])) * 60_000
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    if year not in YEARS:
        return None
    return int(local.timestamp()) * 1000 - (east if text[18] == "+" else -east)


def _fault(request: str) -> str | None:
    words = [word for word in request.split(" ") if word]
    return None if len(words) == access_log.REQUEST_WORDS else NO_REQUEST


def _key(address: str, user_agent: str | None) -> bytes:
    """Lines of one visitor are in one partition of the log, so that they are received together."""
    return crc32(f"{address} {user_agent}".encode()).to_bytes(4, "big")
