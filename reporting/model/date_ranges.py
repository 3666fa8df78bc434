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
    """The local days first..last, both included."""

    name: str
    first: date
    last: date


def resolve(ranges: Sequence[DateRange], today: date) -> tuple[Days, ...]:
    """Reads the ends of date ranges, and names the ranges without a name. Raises ReportError, which names the range."""
    resolved = tuple(_resolve(number, range_, today) for number, range_ in enumerate(ranges))
    if len({days.name for days in resolved}) < len(resolved):
        raise ReportError("Two date ranges have the same name; give each its own.")
    return resolved


def _resolve(number: int, range_: DateRange, today: date) -> Days:
    check_name(range_.name)
    days = Days(range_.name or f"date_range_{number}", read_day(range_.start, today), read_day(range_.end, today))
    if days.first > days.last:
        raise ReportError(
            f"The date range begins on {days.first} and ends before that, on {days.last}; exchange the two."
        )
    return days


def check_name(name: str) -> None:
    """Raises ReportError for a name that only we give."""
    if name.startswith(_RESERVED):
        raise ReportError(
            f"The date range name {name[:100]!r} is reserved; it must not begin with {' or '.join(_RESERVED)}."
        )


def read_day(text: str, today: date) -> date:
    """Reads one end of a date range. Raises ReportError."""
    if text == "today":
        return today
    if text == "yesterday":
        return today - timedelta(days=1)
    if ago := _DAYS_AGO.fullmatch(text):
        return max(today - timedelta(days=int(ago[1])), EARLIEST)
    if not _ISO.fullmatch(text):
        raise ReportError(f"{text[:40]!r} is not a date. Write YYYY-MM-DD, NdaysAgo, yesterday or today.")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ReportError(f"{text!r} is not a day of the calendar.") from error
    if day < EARLIEST:
        raise ReportError(f"{text} is before {EARLIEST}, the earliest day that reports cover.")
    return day
