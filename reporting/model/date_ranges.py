"""The date ranges of a report as local days."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from reporting.model.report import DateRange, ReportError

EARLIEST: Final = date(2000, 1, 1)
_DAYS_AGO: Final = re.compile(r"(\d{1,5})daysAgo", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_RESERVED: Final = ("date_range_", "RESERVED_")


class Days(NamedTuple):
    """Both days belong to it."""

    name: str
    first: date
    last: date


def resolve(ranges: Sequence[DateRange], today: date) -> tuple[Days, ...]:
    """Raises ReportError, which names the range."""
    found = tuple(_resolve(number, each, today) for number, each in enumerate(ranges))
    if len({days.name for days in found}) < len(found):
        raise ReportError("Two date ranges have the same name; give each its own.")
    return found


def read_day(text: str, today: date) -> date:
    """One end of a date range. Raises ReportError."""
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    if text in words:
        return words[text]
    if ago := _DAYS_AGO.fullmatch(text):
        return max(today - timedelta(days=int(ago[1])), EARLIEST)
    if _ISO.fullmatch(text):
        return _calendar_day(text)
    raise ReportError(f"{text[:40]!r} is not a date. Write YYYY-MM-DD, NdaysAgo, yesterday or today.")


def _resolve(number: int, asked: DateRange, today: date) -> Days:
    if asked.name.startswith(_RESERVED):
        raise ReportError(
            f"The date range name {asked.name[:100]!r} is reserved; it must not begin with {' or '.join(_RESERVED)}."
        )
    days = Days(asked.name or f"date_range_{number}", read_day(asked.start, today), read_day(asked.end, today))
    if days.first > days.last:
        raise ReportError(
            f"The date range begins on {days.first} and ends before that, on {days.last}; exchange the two."
        )
    return days


def _calendar_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ReportError(f"{text!r} is no day of the calendar.") from error
    if day < EARLIEST:
        raise ReportError(f"{text} is before {EARLIEST}, the earliest day that reports cover.")
    return day
