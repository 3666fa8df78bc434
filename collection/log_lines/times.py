"""Reads the times of access logs: `17/May/2015:10:05:03 +0000`, ISO 8601, and seconds since 1970."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_DAY_AND_MINUTE: Final = rf"[0-3][0-9]/(?:{'|'.join(MONTHS)})/[0-9]{{4}}:[0-2][0-9]:[0-5][0-9]"
_ZONE: Final = " [+-][0-9]{2}:?[0-9]{2}"
LONGEST: Final = 40
SERVER_TIME: Final = f"{_DAY_AND_MINUTE}:[0-6][0-9]{_ZONE}"  # of Apache and nginx
MINUTE: Final = re.compile(_DAY_AND_MINUTE + _ZONE)
SECONDS: Final = {f":{second:02}": second * 1000 for second in range(61)}
MINUTE_END: Final = len("17/May/2015:10:05")
ZONE: Final = MINUTE_END + len(":03")
YEARS: Final = range(1970, 9999)
EPOCH: Final = re.compile(r"([0-9]{1,19})(?:\.([0-9]+))?")
ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}.{0,20}")
DIGITS_OF_SECONDS: Final = 11  # seconds have so many at most; ms 14, us 17, ns 19


def time_ms(text: str) -> int | None:
    """Returns ms since 1970 UTC; None if the calendar has no such time, or if the text is none.

    Second 60 of a SERVER_TIME, a leap second, is the first second of the next minute. An ISO time without a zone is
    UTC. Long numbers are milli-, micro- or nanoseconds by their length.
    """
    if len(text) > LONGEST:
        return None
    if text[2:3] == "/":
        minute, seconds = _minute_ms(text[:MINUTE_END] + text[ZONE:]), SECONDS.get(text[MINUTE_END:ZONE])
        return None if minute is None or seconds is None else minute + seconds
    return _epoch_ms(text) if "-" not in text else _iso_ms(text)


@lru_cache(4096)
def _minute_ms(text: str) -> int | None:
    """Parses `17/May/2015:10:05 +0000`. The lines of a file are in order, so the cache computes each minute once."""
    if not MINUTE.fullmatch(text):
        return None
    day, month, year = int(text[:2]), MONTHS[text[3:6]], int(text[7:11])
    hour, minute = int(text[12:14]), int(text[15:17])
    offset = (int(text[19:21]) * 60 + int(text[-2:])) * 60_000
    try:
        local = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    if year not in YEARS:
        return None
    return int(local.timestamp()) * 1000 - (offset if text[18] == "+" else -offset)


def _epoch_ms(text: str) -> int | None:
    match = EPOCH.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match[1], (match[2] or "")[:3].ljust(3, "0")
    too_fine = max(0, -(-(len(whole) - DIGITS_OF_SECONDS) // 3))  # 0: seconds, 1: ms, 2: us, 3: ns
    number = int(whole) // 1000 ** (too_fine - 1) if too_fine else int(whole) * 1000 + int(fraction)
    return number if number < _LATEST_MS else None


def _iso_ms(text: str) -> int | None:
    if ISO.fullmatch(text) is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        # A timestamp would lose a millisecond now and then, as it is a float.
        number = int(time.replace(microsecond=0).timestamp()) * 1000 + time.microsecond // 1000
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < _LATEST_MS else None


_LATEST_MS: Final = int(datetime(YEARS.stop, 1, 1, tzinfo=UTC).timestamp()) * 1000
