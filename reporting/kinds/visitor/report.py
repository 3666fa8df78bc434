"""The request and the answer of one visitor's timeline, as frozen values."""

import re
from typing import Final

import msgspec
import polars as pl

from reporting.model.date_ranges import EARLIEST
from reporting.model.report import DateRange, Filter, ReportError, check_names, check_page

LARGEST_LIMIT: Final = 10_000
KEYS_END: Final = 2**64
_KEY: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
SHOWN: Final = (
    "eventName",
    "pagePathPlusQueryString",
    "pageTitle",
    "sessionSourceMedium",
    "country",
    "deviceCategory",
    "browser",
)


class VisitorReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The events of the visitor whose pseudonym this is, on the days of the range, in order."""

    visitor: str
    date_range: DateRange = DateRange(EARLIEST.isoformat(), "today")
    dimensions: tuple[str, ...] = SHOWN
    dimension_filter: Filter | None = None
    limit: int = 1_000
    offset: int = 0


class VisitorEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`time` is an instant in UTC, ISO 8601."""

    time: str
    session: str
    key_event: bool
    engagement_seconds: float
    dimensions: tuple[str, ...]


class VisitorAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`events` are those of the page; `row_count` is the number on all pages, in so many `sessions`."""

    visitor: str
    dimensions: tuple[str, ...]
    events: tuple[VisitorEvent, ...]
    row_count: int
    sessions: int
    zone: str


def check_visitor(report: VisitorReport) -> int:
    """Returns the visitor's key. Raises ReportError for mistakes that need no data and no names to be found."""
    check_page(report.limit, report.offset, LARGEST_LIMIT)
    if report.dimensions:
        check_names(report.dimensions, (), ())
    if _KEY.fullmatch(report.visitor) and 0 < int(report.visitor) < KEYS_END:
        return int(report.visitor)
    raise ReportError("The visitor is not one that lists of sessions and raw events show; write its digits as a text.")


def tabulate_visitor(answer: VisitorAnswer) -> pl.DataFrame:
    """Returns a row for each event of the page."""
    types = {
        "time": pl.String(),
        "session": pl.String(),
        "key_event": pl.Boolean(),
        "engagement_seconds": pl.Float64(),
        **dict.fromkeys(answer.dimensions, pl.String()),
    }
    rows = [(*msgspec.structs.astuple(each)[:-1], *each.dimensions) for each in answer.events]
    return pl.DataFrame(rows, schema=types, orient="row")
