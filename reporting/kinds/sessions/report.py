"""The request and the answer of a list of sessions, as frozen values."""

from typing import Final

import msgspec
import polars as pl

from reporting.model.report import DateRange, Filter, ReportError, check_names, check_orders, check_page

LARGEST_LIMIT: Final = 10_000
# What is known of each session beside dimensions, by the names that filters and orders use.
FIGURES: Final = ("start", "seconds", "engagement_seconds", "page_views", "events", "key_events", "engaged")
SHOWN: Final = (
    "landingPage",
    "exitPage",
    "sessionSourceMedium",
    "sessionDefaultChannelGroup",
    "country",
    "deviceCategory",
    "browser",
)


class SessionOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` is one of FIGURES, or a dimension."""

    name: str
    descending: bool = False


class SessionsReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sessions with an event on the days of the range that `dimension_filter` accepts.

    `session_filter` chooses among them by FIGURES, and by dimensions as they were at the session's first event.
    """

    date_range: DateRange
    dimensions: tuple[str, ...] = SHOWN
    dimension_filter: Filter | None = None
    session_filter: Filter | None = None
    orders: tuple[SessionOrder, ...] = (SessionOrder("start", descending=True),)
    limit: int = 100
    offset: int = 0


class ListedSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`session` and `visitor` are pseudonyms, the same as in raw events. `start` is an instant in UTC, ISO 8601."""

    session: str
    visitor: str
    start: str
    seconds: float
    engagement_seconds: float
    page_views: int
    events: int
    key_events: int
    engaged: bool
    dimensions: tuple[str, ...]


class SessionsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sessions` are those of the page, `row_count` is the number on all pages."""

    dimensions: tuple[str, ...]
    sessions: tuple[ListedSession, ...]
    row_count: int
    zone: str


def check_sessions(report: SessionsReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    check_page(report.limit, report.offset, LARGEST_LIMIT)
    if report.dimensions:
        check_names(report.dimensions, (), ())
    check_orders(report.orders)
    names = [order.name for order in report.orders]
    if len(set(names)) < len(names):
        raise ReportError("The sessions are ordered by the same field twice; name it once.")


def tabulate_sessions(answer: SessionsAnswer) -> pl.DataFrame:
    """Returns a row for each session of the page."""
    types = {
        **dict.fromkeys(("session", "visitor", "start"), pl.String()),
        **dict.fromkeys(("seconds", "engagement_seconds"), pl.Float64()),
        **dict.fromkeys(("page_views", "events", "key_events"), pl.Int64()),
        "engaged": pl.Boolean(),
        **dict.fromkeys(answer.dimensions, pl.String()),
    }
    rows = [(*msgspec.structs.astuple(each)[:-1], *each.dimensions) for each in answer.sessions]
    return pl.DataFrame(rows, schema=types, orient="row")
