"""The request and the answer of a pivot report, as frozen values."""

from math import prod
from typing import Final, TypeAlias

import msgspec

from reporting.model.report import (
    DATE_RANGE,
    LARGEST_LIMIT,
    Aggregation,
    ByDimension,
    ByMetric,
    DateRange,
    DerivedDimension,
    Filter,
    MetricHeader,
    ReportError,
    Row,
    check_names,
    check_orders,
    check_page,
    check_ranges,
)

DEFAULT_LIMIT: Final = 100


class ByPivot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="pivot"):
    """Orders by a metric over the events whose dimensions have these values: {"country": "France"}."""

    name: str
    values: dict[str, str]
    descending: bool = False


PivotOrder: TypeAlias = ByMetric | ByDimension | ByPivot


class Pivot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows, or the columns, or the pages of the table: the values of these dimensions that occur together.

    Without `orders`, they come by the first metric, largest first. `aggregations` aggregate over all of them.
    """

    dimensions: tuple[str, ...]
    orders: tuple[PivotOrder, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    aggregations: frozenset[Aggregation] = frozenset()


class PivotReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request for metrics by the dimensions of all pivots together."""

    date_ranges: tuple[DateRange, ...]
    pivots: tuple[Pivot, ...]
    metrics: tuple[str, ...]
    derived: tuple[DerivedDimension, ...] = ()
    expressions: dict[str, str] = {}
    invisible: frozenset[str] = frozenset()
    dimension_filter: Filter | None = None
    metric_filter: Filter | None = None
    keep_empty_rows: bool = False

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(name for pivot in self.pivots for name in pivot.dimensions)


class PivotHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pivot shows: `values` on its page, in order, and how many there are on all pages."""

    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    row_count: int


class PivotAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rows` are the cells: a row for each combination of the headers' values that occurs, in the order of the first
    pivot, then the second, and so on. In `aggregates`, the dimensions of the pivots that were aggregated over say how:
    RESERVED_TOTAL, RESERVED_MIN or RESERVED_MAX.
    """

    pivots: tuple[PivotHeader, ...]
    dimensions: tuple[str, ...]
    metrics: tuple[MetricHeader, ...]
    rows: tuple[Row, ...]
    aggregates: tuple[Row, ...]
    zone: str
    currency: str


def check_pivots(report: PivotReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    check_ranges(report.date_ranges)
    check_names(report.dimensions, report.metrics, report.derived)
    if not report.pivots:
        raise ReportError("Give the report at least one pivot.")
    if not report.metrics:
        raise ReportError("Name at least one metric.")
    if not all(pivot.dimensions for pivot in report.pivots):
        raise ReportError("Give each pivot at least one dimension.")
    if len(report.date_ranges) > 1 and DATE_RANGE not in report.dimensions:
        raise ReportError(f"The report has several date ranges; add {DATE_RANGE} to the dimensions of a pivot.")
    for pivot in report.pivots:
        check_page(pivot.limit, pivot.offset)
        check_orders(pivot.orders)
        for order in pivot.orders:
            _check_order(report, pivot, order)
    if prod(pivot.limit for pivot in report.pivots) > LARGEST_LIMIT:
        raise ReportError(f"The product of the pivots' limits is more than {LARGEST_LIMIT}; lower some of them.")


def _check_order(report: PivotReport, pivot: Pivot, order: PivotOrder) -> None:
    kind, names = ("dimension", pivot.dimensions) if isinstance(order, ByDimension) else ("metric", report.metrics)
    if order.name not in names:
        of = "it" if kind == "dimension" else "the report"
        raise ReportError(f"A pivot is ordered by {order.name[:100]!r}, which is not a {kind} of {of}; add it there.")
    if isinstance(order, ByPivot):
        others = set(report.dimensions) - set(pivot.dimensions)
        if not order.values or set(order.values) - others:
            raise ReportError(
                "An order by pivot values names values of dimensions of other pivots"
                f"{': ' + ', '.join(sorted(others)) if others else ', and there are none'}."
            )
