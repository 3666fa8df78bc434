"""Plans a path report: finds every name, resolves the dates, and says which columns have to be read."""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.paths.report import PathReport, check_paths
from reporting.model.date_ranges import Days, resolve
from reporting.query.filters import dimension_conditions
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import Dimension, find_dimension

# The events of a session, in order. Two events at the same time come in the order in which they arrived.
ORDER: Final = ("session", "time", "position", "index")


class PathPlan(NamedTuple):
    report: PathReport
    days: tuple[Days, ...]  # one
    dimension: Dimension
    filter_dimensions: Mapping[str, Dimension]
    columns: frozenset[str]
    row_source: RowSource = RowSource.EVENTS


def plan_paths(report: PathReport, today: date, definitions: Definitions) -> PathPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_paths(report)
    conditions = [leaf for tree in (report.events, report.point) for leaf in dimension_conditions(tree)]
    filter_dimensions = {leaf.field: find_dimension(leaf.field, {}, definitions.dimensions) for leaf in conditions}
    dimension = find_dimension(report.dimension, {}, definitions.dimensions)
    columns = {column for each in (dimension, *filter_dimensions.values()) for column in each.columns}
    return PathPlan(
        report=report,
        days=resolve([report.date_range], today),
        dimension=dimension,
        filter_dimensions=filter_dimensions,
        columns=frozenset(columns | {*ORDER, "day"}),
    )
