"""A report made ready to run: every name found, every date resolved, and the columns known that it has to read."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from processing.sessions.condensed import RowSource
from reporting.model.date_ranges import Days, resolve
from reporting.model.report import DATE_RANGE, ByMetric, Order, Report, ReportError, StringFilter, check_shape
from reporting.query.filters import check_pattern, leaves
from reporting.registry.custom import NO_DEFINITIONS, Definitions
from reporting.registry.dimensions import DIMENSIONS, Dimension, find_dimension
from reporting.registry.metrics import METRICS, Measure, Metric, Sum, find_metric
from reporting.registry.source_columns import COLUMNS, SUMS, can_condense


class Plan(NamedTuple):
    """`filtered` are the filter's dimensions by name; `all_metrics` those of report and metric filter."""

    report: Report
    days: tuple[Days, ...]
    dimensions: tuple[Dimension, ...]
    filtered: Mapping[str, Dimension]
    metrics: tuple[Metric, ...]
    all_metrics: tuple[Metric, ...]
    measures: frozenset[Measure]
    sums: tuple[Sum, ...]
    columns: frozenset[str]

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the answer's dimensions, in order."""
        names = self.report.dimensions
        return names if len(self.days) == 1 or DATE_RANGE in names else (*names, DATE_RANGE)

    @property
    def row_source(self) -> RowSource:
        """The rows that it counts: condensed ones if they have all of its columns."""
        return RowSource.CONDENSED if not self.sums and can_condense(self.columns) else RowSource.EVENTS

    @property
    def page_first(self) -> bool:
        """Whether the rows of the page can be told before what takes long is counted: by sums and signs alone."""
        orders = self.report.orders or [ByMetric(name) for name in self.report.metrics[:1]]
        decisive = {order.name for order in orders if isinstance(order, ByMetric)}
        whole_table = self.report.metric_filter or self.report.aggregations & {"MINIMUM", "MAXIMUM"}
        told = all(_is_sum(each) or each.flags_show_zero and each.name not in decisive for each in self.metrics)
        return bool(self.dimensions and told and not whole_table and not self.measures <= SUMS.keys())

    @property
    def needs_totals(self) -> bool:
        return "TOTAL" in self.report.aggregations or not self.dimensions


def plan(report: Report, today: date, definitions: Definitions = NO_DEFINITIONS) -> Plan:
    """Raises ReportError for everything that is wrong with the report."""
    check_shape(report)
    dimensions, filtered = _dimensions(report, definitions)
    metrics = tuple(find_metric(name, report.expressions, definitions.metrics) for name in report.metrics)
    all_metrics = _with_filtered(report, metrics, definitions)
    measures = frozenset(measure for metric in all_metrics for measure in metric.measures)
    sums = tuple({each.name: each for metric in all_metrics for each in metric.sums}.values())
    columns = {column for each in (*dimensions, *filtered.values()) for column in each.columns}
    columns |= {column for measure in measures for column in COLUMNS[measure]} | {"day"}
    columns |= {column for each in sums for column in each.columns}
    for order in report.orders:
        _check_order(report, order)
    _check_invisible(report)
    return Plan(
        report,
        resolve(report.date_ranges, today),
        dimensions,
        filtered,
        metrics,
        all_metrics,
        measures,
        sums,
        frozenset(columns),
    )


def _is_sum(metric: Metric) -> bool:
    return set(metric.measures) <= SUMS.keys()


def _dimensions(report: Report, definitions: Definitions) -> tuple[tuple[Dimension, ...], dict[str, Dimension]]:
    derived = {each.name: each for each in report.derived}
    conditions = leaves(report.dimension_filter)
    for leaf in conditions:
        if leaf.field in METRICS:
            raise ReportError(f"{leaf.field!r} is a metric; put it into the metric filter.")
        if isinstance(leaf, StringFilter) and leaf.match.endswith("REGEXP"):
            check_pattern(leaf)
    custom = definitions.dimensions
    asked = tuple(find_dimension(name, derived, custom) for name in report.dimensions if name != DATE_RANGE)
    return asked, {leaf.field: find_dimension(leaf.field, derived, custom) for leaf in conditions}


def _with_filtered(report: Report, metrics: tuple[Metric, ...], definitions: Definitions) -> tuple[Metric, ...]:
    found = {metric.name: metric for metric in metrics}
    for leaf in leaves(report.metric_filter):
        if leaf.field in DIMENSIONS:
            raise ReportError(f"{leaf.field!r} is a dimension; put it into the dimension filter.")
        found.setdefault(leaf.field, find_metric(leaf.field, report.expressions, definitions.metrics))
    return tuple(found.values())


def _check_order(report: Report, order: Order) -> None:
    what, names = (
        ("metric", report.metrics) if isinstance(order, ByMetric) else ("dimension", (*report.dimensions, DATE_RANGE))
    )
    if order.name not in names:
        raise ReportError(
            f"The report is ordered by {order.name[:100]!r}, which is not a {what} of it; add it to the {what}s."
        )


def _check_invisible(report: Report) -> None:
    for name in report.invisible - set(report.metrics):
        raise ReportError(f"The invisible metric {name[:100]!r} is not a metric of the report.")
    if report.metrics and not set(report.metrics) - report.invisible:
        raise ReportError("All metrics are invisible; show at least one.")
