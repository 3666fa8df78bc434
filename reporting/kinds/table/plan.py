"""Plans a table: finds every name, resolves every date, and says which columns have to be read."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import DEFAULT_LIMITS, Limits
from reporting.model.now import Now
from reporting.model.report import DATE_RANGE, ByMetric, Report, ReportError, check_shape
from reporting.query.filters import check_size, dimension_conditions, is_pattern, leaves
from reporting.registry.custom import NO_DEFINITIONS, Definitions
from reporting.registry.dimensions import DIMENSIONS, find_dimension
from reporting.registry.dimensions.model import Dimension
from reporting.registry.measures import Measure, Sum, can_condense, without_repeats
from reporting.registry.metrics import find_metric
from reporting.registry.metrics.model import Metric

MOST_FILLED_DAYS: Final = 20_000  # half a million hours


class TablePlan(NamedTuple):
    """A report with all that its names stand for. `measures` and `columns` are what `all_metrics` and the dimensions
    need.
    """

    report: Report
    days: tuple[Days, ...]  # the date ranges
    dimensions: tuple[Dimension, ...]  # without dateRange
    filter_dimensions: Mapping[str, Dimension]  # those of the dimension filter, by name
    metrics: tuple[Metric, ...]
    all_metrics: tuple[Metric, ...]  # `metrics`, then those of the metric filter only
    measures: tuple[Measure, ...]
    columns: frozenset[str]
    most_rows: int  # of all date ranges, on all pages

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the answer's dimensions, in order."""
        names = self.report.dimensions
        return names if len(self.days) == 1 or DATE_RANGE in names else (*names, DATE_RANGE)

    @property
    def row_source(self) -> RowSource:
        """Condensed rows if they have all columns of the report, since they are fewer; else events."""
        return RowSource.CONDENSED if can_condense(self.columns) else RowSource.EVENTS

    @property
    def can_page_first(self) -> bool:
        """Whether sums and nonzero flags are enough to find the rows of the page, so that distinct visitors and
        sessions have to be counted for these rows only.
        """
        orders = self.report.orders or [ByMetric(name) for name in self.report.metrics[:1]]
        ordering = {order.name for order in orders if isinstance(order, ByMetric)}
        ordered_by_sums = all(_is_sum(metric) for metric in self.metrics if metric.name in ordering)
        empty_rows_known = all(_is_sum(metric) or metric.flags_show_zero for metric in self.metrics)
        needs_whole_table = self.report.metric_filter or self.report.aggregations & {"MINIMUM", "MAXIMUM"}
        saves_work = self.dimensions and not all(isinstance(measure, Sum) for measure in self.measures)
        return bool(
            saves_work and ordered_by_sums and empty_rows_known and not needs_whole_table and not self.fills_intervals
        )

    def steps(self, events: int) -> int:
        """Grouping by a dimension costs most, then counting; patterns only see the different values. Writing a value of
        the page is Python's work, and costs as much as fifty steps of a data frame.
        """
        conditions = leaves(self.report.dimension_filter)
        patterns = sum(map(is_pattern, conditions))
        columns = len(self.dimensions) + len(self.metrics)
        each = 1 + 5 * len(self.dimensions) + 3 * len(self.all_metrics) + len(conditions) + 2 * patterns
        return each * events + 50 * columns * min(self.report.limit, events)

    @property
    def fills_intervals(self) -> bool:
        """Whether each interval of the date ranges has a row: the table is by time alone, and keeps empty rows."""
        by_time = bool(self.dimensions) and all(dimension.is_time for dimension in self.dimensions)
        return by_time and self.report.keep_empty_rows

    @property
    def needs_totals(self) -> bool:
        return "TOTAL" in self.report.aggregations or not self.dimensions


def plan_table(
    report: Report, now: Now, definitions: Definitions = NO_DEFINITIONS, limits: Limits = DEFAULT_LIMITS
) -> TablePlan:
    """Raises ReportError for everything that is wrong with the report, its size included."""
    check_shape(report)
    check_size([*leaves(report.dimension_filter), *leaves(report.metric_filter)], limits)
    derived = {dimension.name: dimension for dimension in report.derived}
    find = partial(find_dimension, derived=derived, custom=definitions.dimensions)
    conditions = dimension_conditions(report.dimension_filter)
    dimensions = tuple(find(name) for name in report.dimensions if name != DATE_RANGE)
    filter_dimensions = {condition.field: find(condition.field) for condition in conditions}
    metrics = tuple(find_metric(name, report.expressions, definitions.metrics) for name in report.metrics)
    all_metrics = _with_filter_metrics(report, metrics, definitions)
    measures = without_repeats(measure for metric in all_metrics for measure in metric.measures)
    columns = {column for dimension in (*dimensions, *filter_dimensions.values()) for column in dimension.columns}
    columns |= {column for measure in measures for column in measure.columns} | {"day"}
    _check_fields(report)
    plan = TablePlan(
        report=report,
        days=resolve(report.date_ranges, now.day),
        dimensions=dimensions,
        filter_dimensions=filter_dimensions,
        metrics=metrics,
        all_metrics=all_metrics,
        measures=measures,
        columns=frozenset(columns),
        most_rows=limits.rows,
    )
    if plan.fills_intervals:
        _check_length(plan.days)
    return plan


def _is_sum(metric: Metric) -> bool:
    """Returns whether the metric is known without counting distinct visitors or sessions."""
    return all(isinstance(measure, Sum) for measure in metric.measures)


def _with_filter_metrics(report: Report, metrics: tuple[Metric, ...], definitions: Definitions) -> tuple[Metric, ...]:
    """Adds the metrics that only the metric filter names."""
    by_name = {metric.name: metric for metric in metrics}
    for condition in leaves(report.metric_filter):
        if condition.field in DIMENSIONS:
            raise ReportError(f"{condition.field!r} is a dimension; put it into the dimension filter.")
        by_name.setdefault(condition.field, find_metric(condition.field, report.expressions, definitions.metrics))
    return tuple(by_name.values())


def _check_length(ranges: Iterable[Days]) -> None:
    for days in ranges:
        count = (days.last - days.first).days + 1
        if count > MOST_FILLED_DAYS or days.last.year == date.max.year:
            raise ReportError(
                f"The report keeps empty rows over {count} days to {days.last}; ask for at most {MOST_FILLED_DAYS} days"
                " at a time, or leave empty rows out."
            )


def _check_fields(report: Report) -> None:
    """Raises ReportError if orders or invisible metrics are not fields of the report."""
    for order in report.orders:
        if isinstance(order, ByMetric):
            field, names = "metric", report.metrics
        else:
            field, names = "dimension", (*report.dimensions, DATE_RANGE)
        if order.name not in names:
            raise ReportError(
                f"The report is ordered by {order.name[:100]!r}, which is not a {field} of it; add it to the {field}s."
            )
    for name in report.invisible - set(report.metrics):
        raise ReportError(f"The invisible metric {name[:100]!r} is not a metric of the report.")
    if report.metrics and not set(report.metrics) - report.invisible:
        raise ReportError("All metrics are invisible; show at least one.")
