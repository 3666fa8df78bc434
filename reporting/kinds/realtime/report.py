"""The request and the answer of a realtime report, as frozen values."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from reporting.model.date_ranges import check_name
from reporting.model.report import (
    DEFAULT_LIMIT,
    ByDimension,
    ByMetric,
    DerivedDimension,
    Filter,
    MetricHeader,
    ReportError,
    Row,
    check_names,
    check_orders,
    check_page,
)
from reporting.query.filters import leaves

MINUTES: Final = 30
MOST_RANGES: Final = 2
METRICS: Final = ("activeUsers", "totalUsers", "screenPageViews", "eventCount", "keyEvents")
RealtimeOrder: TypeAlias = ByMetric | ByDimension


class MinuteRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes of the clock, both included; 0 is the minute that has begun and is not over."""

    start_minutes_ago: int = MINUTES - 1
    end_minutes_ago: int = 0
    name: str = ""


class RealtimeReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request for metrics by dimensions, one of which may be minutesAgo."""

    dimensions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("activeUsers",)
    minute_ranges: tuple[MinuteRange, ...] = (MinuteRange(),)
    dimension_filter: Filter | None = None
    metric_filter: Filter | None = None
    orders: tuple[RealtimeOrder, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    aggregations: frozenset[Literal["TOTAL"]] = frozenset()

    @property
    def derived(self) -> Sequence[DerivedDimension]:
        return ()

    @property
    def expressions(self) -> Mapping[str, str]:
        return {}

    @property
    def invisible(self) -> frozenset[str]:
        return frozenset()


class RealtimeAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`totals` have a row for each minute range. `minute` is the one that has begun, in seconds since 1970."""

    dimensions: tuple[str, ...]
    metrics: tuple[MetricHeader, ...]
    rows: tuple[Row, ...]
    row_count: int
    totals: tuple[Row, ...]
    minute: int
    zone: str


def check_realtime(report: RealtimeReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    check_names(report.dimensions, report.metrics, ())
    check_page(report.limit, report.offset)
    check_orders(report.orders)
    if not report.metrics:
        raise ReportError("Name at least one metric.")
    for name in (*report.metrics, *(leaf.field for leaf in leaves(report.metric_filter))):
        if name not in METRICS:
            raise ReportError(f"{name[:100]!r} is not a metric of realtime reports. They are: {', '.join(METRICS)}.")
    if not 1 <= len(report.minute_ranges) <= MOST_RANGES:
        raise ReportError(f"The report has {len(report.minute_ranges)} minute ranges; give it 1 or {MOST_RANGES}.")
    for each in report.minute_ranges:
        check_name(each.name)
        if not 0 <= each.end_minutes_ago <= each.start_minutes_ago < MINUTES:
            raise ReportError(
                f"A minute range goes from {each.start_minutes_ago} to {each.end_minutes_ago} minutes ago; it must"
                f" begin at most {MINUTES - 1} minutes ago, and not after its end."
            )
    if len({name for name, _ in named_ranges(report)}) < len(report.minute_ranges):
        raise ReportError("Two minute ranges have the same name; give each its own.")


def named_ranges(report: RealtimeReport) -> list[tuple[str, MinuteRange]]:
    """Names the ranges without a name like date ranges: date_range_0, date_range_1."""
    return [(each.name or f"date_range_{number}", each) for number, each in enumerate(report.minute_ranges)]
