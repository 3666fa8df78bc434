"""Plans a pivot report: finds every name, resolves every date, and says which columns have to be read."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import prod
from typing import NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.pivot.report import ByPivot, PivotReport, check_pivots
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import DATE_RANGE, Aggregation
from reporting.query.fields import Fields, refuse_days_before, resolve_fields
from reporting.registry.compatibility import check_totals
from reporting.registry.custom import Definitions

AGGREGATIONS: tuple[Aggregation, ...] = ("TOTAL", "MINIMUM", "MAXIMUM")


class Group(NamedTuple):
    """Dimensions that are counted together: their numbers among those of the report, and whether dateRange is one."""

    numbers: tuple[int, ...]
    by_range: bool


class PivotPlan(NamedTuple):
    report: PivotReport
    fields: Fields
    groups: tuple[Group, ...]  # of each pivot
    most_rows: int

    @property
    def days(self) -> tuple[Days, ...]:
        return self.fields.days

    @property
    def columns(self) -> frozenset[str]:
        return self.fields.columns

    @property
    def row_source(self) -> RowSource:
        return self.fields.row_source

    def steps(self, events: int) -> int:
        """Each pivot, each order by pivot values and each aggregate counts the events once more."""
        orders = sum(isinstance(order, ByPivot) for pivot in self.report.pivots for order in pivot.orders)
        counts = 1 + len(self.groups) + orders + len(list(self.aggregates()))
        cells = min(prod(pivot.limit for pivot in self.report.pivots), events)
        columns = len(self.report.dimensions) + len(self.report.metrics)
        return counts * self.fields.steps(events) + 50 * columns * cells

    def aggregates(self) -> Iterator[tuple[Aggregation, frozenset[int]]]:
        """Yields what is aggregated over which pivots: over each pivot that asks for it, and over several of them."""
        for aggregation in AGGREGATIONS:
            asking = [n for n, pivot in enumerate(self.report.pivots) if aggregation in pivot.aggregations]
            for size in range(1, len(asking) + 1):
                for chosen in combinations(asking, size):
                    yield aggregation, frozenset(chosen)


def plan_pivot(report: PivotReport, now: Now, definitions: Definitions, limits: Limits) -> PivotPlan:
    """Raises ReportError for everything that is wrong with the report, its size included."""
    check_pivots(report)
    days = resolve(report.date_ranges, now.day)
    fields = resolve_fields(report, report.dimensions, days, definitions, limits)
    refuse_days_before(fields)
    if any("TOTAL" in pivot.aggregations for pivot in report.pivots):
        check_totals(fields.all_metrics)
    names = [dimension for dimension in report.dimensions if dimension != DATE_RANGE]
    groups = tuple(_group(pivot.dimensions, names) for pivot in report.pivots)
    return PivotPlan(report, fields, groups, limits.rows)


def _group(dimensions: Sequence[str], names: Sequence[str]) -> Group:
    numbers = tuple(names.index(name) for name in dimensions if name != DATE_RANGE)
    return Group(numbers, DATE_RANGE in dimensions)
