"""Plans a realtime report: finds every name, and reads the days of the last 30 minutes, which are one or two."""

from typing import Final, NamedTuple

import polars as pl

from processing.sessions.condensed import RowSource
from processing.sessions.local_periods import day_of, local_days
from reporting.kinds.realtime.report import RealtimeReport, check_realtime
from reporting.model.date_ranges import Days
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import DATE_RANGE, ByMetric, ReportError
from reporting.query.fields import Fields, resolve_fields
from reporting.registry.custom import Definitions
from reporting.registry.dimensions.model import Dimension

MINUTE_MS: Final = 60_000
MINUTES_AGO: Final = "minutesAgo"


class RealtimePlan(NamedTuple):
    """`minute`: the one that has begun, in minutes since 1970."""

    report: RealtimeReport
    fields: Fields
    minute: int
    most_rows: int

    @property
    def days(self) -> tuple[Days, ...]:
        return self.fields.days

    @property
    def columns(self) -> frozenset[str]:
        return self.fields.columns | {"time"}

    @property
    def row_source(self) -> RowSource:
        return RowSource.EVENTS

    @property
    def wanted(self) -> pl.Expr:
        first = self.minute - max(each.start_minutes_ago for each in self.report.minute_ranges)
        last = self.minute - min(each.end_minutes_ago for each in self.report.minute_ranges)
        return pl.col("time").is_between(first * MINUTE_MS, (last + 1) * MINUTE_MS, closed="left")

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the answer's dimensions, in order."""
        names = self.report.dimensions
        return names if len(self.report.minute_ranges) == 1 or DATE_RANGE in names else (*names, DATE_RANGE)

    def steps(self, events: int) -> int:
        """All events of the day may be of the last minutes: somebody may have sent them just now."""
        columns = len(self.fields.dimensions) + len(self.fields.metrics)
        return self.fields.steps(events) + 50 * columns * min(self.report.limit, events)


def plan_realtime(report: RealtimeReport, now: Now, definitions: Definitions, limits: Limits) -> RealtimePlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_realtime(report)
    minute = now.ms // MINUTE_MS
    ends = pl.Series([(minute - max(each.start_minutes_ago for each in report.minute_ranges)) * MINUTE_MS, now.ms])
    first, last = (day_of(day) for day in local_days(ends, now.zone))
    known = definitions._replace(dimensions={**definitions.dimensions, MINUTES_AGO: _minutes_ago(minute)})
    days = (Days(MINUTES_AGO, first, last),)
    fields = resolve_fields(report, report.dimensions, days, known, limits)
    for order in report.orders:
        names = report.metrics if isinstance(order, ByMetric) else (*report.dimensions, DATE_RANGE)
        if order.name not in names:
            raise ReportError(f"The report is ordered by {order.name[:100]!r}, which is not a field of it; add it.")
    return RealtimePlan(report, fields, minute, limits.rows)


def _minutes_ago(minute: int) -> Dimension:
    return Dimension(
        name=MINUTES_AGO,
        label="Minutes ago",
        category="Time",
        scope="event",
        definition="How many minutes of the clock ago the event was, 00 to 29; 00 is the minute that is not over.",
        example="05",
        columns=("time",),
        key=lambda _zone: minute - pl.col("time") // MINUTE_MS,
        text=lambda key: key.cast(pl.String).str.zfill(2),
        divides_hours=True,
    )
