"""Plans a list of sessions: finds every name, resolves the dates, and says which columns have to be read."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

from processing.sessions.condensed import RowSource
from reporting.kinds.sessions.report import FIGURES, SessionsReport, check_sessions
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.query.filters import check_size, dimension_conditions, leaves, looking_cost, numeric
from reporting.query.sequences import order_of
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension

ORDER: Final = order_of("session")
COUNTED: Final = frozenset({"visitor_key", "session_key", "engagement_ms", "page_view", "key", "engaged", "day"})


class SessionsPlan(NamedTuple):
    report: SessionsReport
    days: tuple[Days, ...]  # one
    dimensions: tuple[Dimension, ...]
    filter_dimensions: Mapping[str, Dimension]  # those of the dimension filter, by name
    chosen_by: Mapping[str, Dimension]  # those of the session filter and of the orders
    columns: frozenset[str]
    row_source: RowSource = RowSource.EVENTS

    def steps(self, events: int) -> int:
        """Every column is read for all events, sessions are grouped, and their first events found."""
        conditions = [*leaves(self.report.dimension_filter), *leaves(self.report.session_filter)]
        each = 10 + len(self.columns) + 5 * len(self.chosen_by) + looking_cost(conditions)
        return each * events + 50 * (len(FIGURES) + len(self.dimensions)) * min(self.report.limit, events)


def plan_sessions(report: SessionsReport, now: Now, definitions: Definitions, limits: Limits) -> SessionsPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_sessions(report)

    def find(name: str) -> Dimension:
        return find_dimension(name, {}, definitions.dimensions)

    of_sessions = leaves(report.session_filter)
    check_size([*leaves(report.dimension_filter), *of_sessions], limits)
    conditions = dimension_conditions(report.dimension_filter)
    for leaf in of_sessions:
        if leaf.field in FIGURES:
            numeric(leaf, pl.lit(0))
        else:
            dimension_conditions(leaf)
    names = dict.fromkeys([*(leaf.field for leaf in of_sessions), *(order.name for order in report.orders)])
    chosen_by = {name: find(name) for name in names if name not in FIGURES}
    filter_dimensions = {leaf.field: find(leaf.field) for leaf in conditions}
    dimensions = tuple(map(find, report.dimensions))
    used = (*dimensions, *filter_dimensions.values(), *chosen_by.values())
    return SessionsPlan(
        report=report,
        days=resolve([report.date_range], now.day),
        dimensions=dimensions,
        filter_dimensions=filter_dimensions,
        chosen_by=chosen_by,
        columns=COUNTED.union(ORDER, *(dimension.columns for dimension in used)),
    )
