"""Plans one visitor's timeline: only the visitor's own rows are kept of those that are read."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

from processing.sessions.condensed import RowSource
from reporting.kinds.visitor.report import VisitorReport, check_visitor
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import Leaf
from reporting.query.filters import checked_conditions, looking_cost
from reporting.query.sequences import order_of
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension

ORDER: Final = order_of("visitor")
SHOWN: Final = frozenset({"visitor_key", "session_key", "session", "key", "engagement_ms", "day"})


class VisitorPlan(NamedTuple):
    report: VisitorReport
    key: int
    days: tuple[Days, ...]  # one
    dimensions: tuple[Dimension, ...]
    filter_dimensions: Mapping[str, Dimension]
    columns: frozenset[str]
    conditions: tuple[Leaf, ...]
    row_source: RowSource = RowSource.EVENTS

    @property
    def wanted(self) -> pl.Expr:
        return pl.col("visitor") == pl.lit(self.key, dtype=pl.UInt64)

    def steps(self, events: int) -> int:
        """Every column is read for all events. How many of them are the visitor's is not known: all of them may be."""
        shown = min(self.report.limit, events)
        return (2 * len(self.columns) + looking_cost(self.conditions)) * events + 50 * len(self.columns) * shown


def plan_visitor(report: VisitorReport, now: Now, definitions: Definitions, limits: Limits) -> VisitorPlan:
    """Raises ReportError for everything that is wrong with the report."""
    key = check_visitor(report)
    conditions = checked_conditions([report.dimension_filter], limits)
    dimensions = tuple(find_dimension(name, {}, definitions.dimensions) for name in report.dimensions)
    filter_dimensions = {leaf.field: find_dimension(leaf.field, {}, definitions.dimensions) for leaf in conditions}
    used = (*dimensions, *filter_dimensions.values())
    return VisitorPlan(
        report=report,
        key=key,
        days=resolve([report.date_range], now.day),
        dimensions=dimensions,
        filter_dimensions=filter_dimensions,
        columns=SHOWN.union(ORDER, *(dimension.columns for dimension in used)),
        conditions=tuple(conditions),
    )
