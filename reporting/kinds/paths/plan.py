"""Plans a path report: finds every name, resolves the dates, and says which columns have to be read."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.paths.report import PathReport, check_paths
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import Leaf
from reporting.query.filters import checked_conditions, looking_cost
from reporting.query.sequences import order_of
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension

ORDER: Final = order_of("session")


class PathPlan(NamedTuple):
    report: PathReport
    days: tuple[Days, ...]  # one
    dimension: Dimension
    filter_dimensions: Mapping[str, Dimension]
    columns: frozenset[str]
    conditions: tuple[Leaf, ...]  # of all filters
    row_source: RowSource = RowSource.EVENTS

    def steps(self, events: int) -> int:
        """Events are put in order first, which costs as much as ten fields."""
        return (10 + 2 * self.report.steps + looking_cost(self.conditions)) * events


def plan_paths(report: PathReport, now: Now, definitions: Definitions, limits: Limits) -> PathPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_paths(report)
    conditions = checked_conditions((report.events, report.point), limits)
    filter_dimensions = {leaf.field: find_dimension(leaf.field, {}, definitions.dimensions) for leaf in conditions}
    dimension = find_dimension(report.dimension, {}, definitions.dimensions)
    columns = {column for each in (dimension, *filter_dimensions.values()) for column in each.columns}
    return PathPlan(
        report=report,
        days=resolve([report.date_range], now.day),
        dimension=dimension,
        filter_dimensions=filter_dimensions,
        columns=frozenset(columns | {*ORDER, "day"}),
        conditions=tuple(conditions),
    )
