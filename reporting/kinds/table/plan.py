"""Plans a table: finds every name, resolves every date, and says which columns have to be read."""

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.model.audience import COMPARISON
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import DEFAULT_LIMITS, Limits
from reporting.model.now import Now
from reporting.model.report import DATE_RANGE, ByMetric, Report, ReportError, check_shape
from reporting.query.fields import Fields, resolve_fields
from reporting.registry.compatibility import check_totals
from reporting.registry.custom import NO_DEFINITIONS, Definitions
from reporting.registry.measures import Sum, Whole
from reporting.registry.metrics.model import Metric

MOST_FILLED_DAYS: Final = 20_000  # half a million hours


class TablePlan(NamedTuple):
    report: Report
    fields: Fields
    most_rows: int  # of all date ranges, on all pages
    comparisons: tuple[str, ...] = ()  # their names

    @property
    def days(self) -> tuple[Days, ...]:
        return self.fields.days

    @property
    def columns(self) -> frozenset[str]:
        return self.fields.columns

    @property
    def row_source(self) -> RowSource:
        return self.fields.row_source

    @property
    def days_before(self) -> int:
        return self.fields.days_before

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the answer's dimensions, in order."""
        names = self.report.dimensions
        with_range = names if len(self.days) == 1 or DATE_RANGE in names else (*names, DATE_RANGE)
        return (*with_range, COMPARISON) if self.comparisons else with_range

    @property
    def can_page_first(self) -> bool:
        """Whether sums and nonzero flags are enough to find the rows of the page, so that distinct visitors and
        sessions have to be counted for these rows only.
        """
        orders = self.report.orders or [ByMetric(name) for name in self.report.metrics[:1]]
        ordering = {order.name for order in orders if isinstance(order, ByMetric)}
        ordered_by_sums = all(_is_sum(metric) for metric in self.fields.metrics if metric.name in ordering)
        empty_rows_known = all(_is_sum(metric) or metric.flags_show_zero for metric in self.fields.metrics)
        needs_whole_table = (
            self.report.metric_filter or self.report.aggregations & {"MINIMUM", "MAXIMUM"} or self.days_before
        )
        saves_work = self.fields.dimensions and not all(isinstance(measure, Sum) for measure in self.fields.measures)
        return bool(
            saves_work and ordered_by_sums and empty_rows_known and not needs_whole_table and not self.fills_intervals
        )

    def steps(self, events: int) -> int:
        """Writing a value of the page is Python's work, and costs as much as fifty steps of a data frame."""
        columns = len(self.fields.dimensions) + len(self.fields.metrics)
        return self.fields.steps(events) + 50 * columns * min(self.report.limit, events)

    @property
    def fills_intervals(self) -> bool:
        """Whether each interval of the date ranges has a row: the table is by time alone, and keeps empty rows."""
        by_time = bool(self.fields.dimensions) and all(dimension.is_time for dimension in self.fields.dimensions)
        return by_time and self.report.keep_empty_rows

    @property
    def needs_totals(self) -> bool:
        return "TOTAL" in self.report.aggregations or not self.fields.dimensions


def plan_table(
    report: Report, now: Now, definitions: Definitions = NO_DEFINITIONS, limits: Limits = DEFAULT_LIMITS
) -> TablePlan:
    """Raises ReportError for everything that is wrong with the report, its size included."""
    check_shape(report)
    days = resolve(report.date_ranges, now.day)
    return plan_of(report, resolve_fields(report, report.dimensions, days, definitions, limits), limits)


def plan_of(report: Report, fields: Fields, limits: Limits) -> TablePlan:
    """Plans a table of these fields. Raises ReportError."""
    plan = TablePlan(report, fields, limits.rows)
    _check_orders(report)
    if plan.needs_totals:
        check_totals(plan.fields.all_metrics)
    if plan.fills_intervals:
        _check_length(plan.days)
    return plan


def _is_sum(metric: Metric) -> bool:
    """Returns whether the metric is known without counting distinct visitors or sessions."""
    return all(isinstance(measure, Sum | Whole) for measure in metric.measures)


def _check_length(ranges: Iterable[Days]) -> None:
    for days in ranges:
        count = (days.last - days.first).days + 1
        if count > MOST_FILLED_DAYS or days.last.year == date.max.year:
            raise ReportError(
                f"The report keeps empty rows over {count} days to {days.last}; ask for at most {MOST_FILLED_DAYS} days"
                " at a time, or leave empty rows out."
            )


def _check_orders(report: Report) -> None:
    """Raises ReportError if orders are not fields of the report."""
    for order in report.orders:
        if isinstance(order, ByMetric):
            field, names = "metric", report.metrics
        else:
            field, names = "dimension", (*report.dimensions, DATE_RANGE, COMPARISON)
        if order.name not in names:
            raise ReportError(
                f"The report is ordered by {order.name[:100]!r}, which is not a {field} of it; add it to the {field}s."
            )
