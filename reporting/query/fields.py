"""Finds what the names of a report stand for, if it counts metrics by dimensions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from processing.sessions.condensed import RowSource
from reporting.model.date_ranges import Days
from reporting.model.limits import Limits
from reporting.model.report import DATE_RANGE, DerivedDimension, Filter, ReportError
from reporting.query.filters import check_size, dimension_conditions, leaves, looking_cost
from reporting.registry.compatibility import clashes
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import DIMENSIONS, find_dimension
from reporting.registry.dimensions.model import Dimension
from reporting.registry.measures import Measure, Trailing, can_condense, without_repeats
from reporting.registry.metrics import find_metric
from reporting.registry.metrics.model import Metric


class CountingReport(Protocol):
    """A request, of whatever kind, that counts metrics by dimensions."""

    @property
    def metrics(self) -> Sequence[str]: ...
    @property
    def derived(self) -> Sequence[DerivedDimension]: ...
    @property
    def expressions(self) -> Mapping[str, str]: ...
    @property
    def invisible(self) -> frozenset[str]: ...
    @property
    def dimension_filter(self) -> Filter | None: ...
    @property
    def metric_filter(self) -> Filter | None: ...


class Fields(NamedTuple):
    """What a report counts, by what, and when. `measures` and `columns` are what `all_metrics` and the dimensions
    need.
    """

    days: tuple[Days, ...]  # the date ranges
    dimensions: tuple[Dimension, ...]  # without dateRange
    filter_dimensions: Mapping[str, Dimension]  # those of the dimension filter, by name
    metrics: tuple[Metric, ...]
    all_metrics: tuple[Metric, ...]  # `metrics`, then those of the metric filter only
    measures: tuple[Measure, ...]
    columns: frozenset[str]
    dimension_filter: Filter | None
    metric_filter: Filter | None
    visible_metrics: tuple[Metric, ...]
    counts: RowSource | None = None  # the rows that are counted; None: events

    @property
    def row_source(self) -> RowSource:
        """What the report counts, if it says so; items if a dimension is of items; condensed rows, which are fewer, if
        they have all columns; else events.
        """
        if self.counts is not None:
            return self.counts
        if any(dimension.scope == "item" for dimension in (*self.dimensions, *self.filter_dimensions.values())):
            return RowSource.ITEMS
        return RowSource.CONDENSED if can_condense(self.columns) else RowSource.EVENTS

    @property
    def days_before(self) -> int:
        """How many days before each date range have to be read, for measures that look back."""
        return max((measure.days - 1 for measure in self.measures if isinstance(measure, Trailing)), default=0)

    def steps(self, events: int) -> int:
        """Grouping by a dimension costs most, then counting."""
        each = 1 + 5 * len(self.dimensions) + 3 * len(self.all_metrics)
        if len(self.dimensions) > 1:  # with the date, what looks back may have a row for each of these days
            each += 10 * self.days_before
        return (each + looking_cost(leaves(self.dimension_filter))) * events


class Names(NamedTuple):
    """The names that a report may use. The functions find what a name stands for, and raise ReportError.

    `dimensions` tell a dimension from a metric where a metric filter names the wrong one; `counts`: see Fields.
    """

    dimension: Callable[[str], Dimension]
    metric: Callable[[str], Metric]
    dimensions: Collection[str] = DIMENSIONS
    counts: RowSource | None = None


def resolve_fields(
    report: CountingReport, dimensions: Sequence[str], days: tuple[Days, ...], definitions: Definitions, limits: Limits
) -> Fields:
    """Raises ReportError for names that are unknown and filters that cannot be read or are too large."""
    derived = {dimension.name: dimension for dimension in report.derived}
    names = Names(
        dimension=partial(find_dimension, derived=derived, custom=definitions.dimensions),
        metric=partial(find_metric, expressions=report.expressions, custom=definitions.metrics),
    )
    return resolve_names(report, dimensions, days, names, limits)


def resolve_names(
    report: CountingReport, dimensions: Sequence[str], days: tuple[Days, ...], names: Names, limits: Limits
) -> Fields:
    """Raises ReportError."""
    check_size([*leaves(report.dimension_filter), *leaves(report.metric_filter)], limits)
    conditions = dimension_conditions(report.dimension_filter)
    found = tuple(names.dimension(name) for name in dimensions if name != DATE_RANGE)
    filter_dimensions = {condition.field: names.dimension(condition.field) for condition in conditions}
    metrics = tuple(names.metric(name) for name in report.metrics)
    all_metrics = _with_filter_metrics(report, metrics, names)
    for clash in clashes(found, tuple(filter_dimensions.values()), all_metrics):
        raise ReportError(clash.message)
    measures = without_repeats(measure for metric in all_metrics for measure in metric.measures)
    columns = {column for dimension in (*found, *filter_dimensions.values()) for column in dimension.columns}
    columns |= {column for measure in measures for column in measure.columns} | {"day"}
    return Fields(
        days=days,
        dimensions=found,
        filter_dimensions=filter_dimensions,
        metrics=metrics,
        all_metrics=all_metrics,
        measures=measures,
        columns=frozenset(columns),
        dimension_filter=report.dimension_filter,
        metric_filter=report.metric_filter,
        visible_metrics=_visible(report, metrics),
        counts=names.counts,
    )


def _with_filter_metrics(report: CountingReport, metrics: tuple[Metric, ...], names: Names) -> tuple[Metric, ...]:
    """Adds the metrics that only the metric filter names."""
    by_name = {metric.name: metric for metric in metrics}
    for condition in leaves(report.metric_filter):
        if condition.field in names.dimensions:
            raise ReportError(f"{condition.field!r} is a dimension; put it into the dimension filter.")
        by_name.setdefault(condition.field, names.metric(condition.field))
    return tuple(by_name.values())


def _visible(report: CountingReport, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    for name in report.invisible - set(report.metrics):
        raise ReportError(f"The invisible metric {name[:100]!r} is not a metric of the report.")
    visible = tuple(metric for metric in metrics if metric.name not in report.invisible)
    if metrics and not visible:
        raise ReportError("All metrics are invisible; show at least one.")
    return visible


def refuse_days_before(fields: Fields) -> None:
    """Raises ReportError if a metric looks back, in a report of a kind that cannot."""
    for metric in fields.all_metrics:
        if any(isinstance(measure, Trailing) for measure in metric.measures):
            raise ReportError(
                f"{metric.name!r} looks back on days before the row's own, which only tables can; ask for a table."
            )
