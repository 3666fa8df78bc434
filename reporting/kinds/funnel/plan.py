"""Plans a funnel: finds every name, resolves the dates, and says which columns have to be read."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.funnel.report import MOST_TREND_DAYS, FunnelReport, check_funnel
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import Leaf, ReportError
from reporting.query.filters import checked_conditions, looking_cost
from reporting.query.sequences import order_of
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension

ORDER: Final = order_of("visitor")


class FunnelPlan(NamedTuple):
    report: FunnelReport
    days: tuple[Days, ...]  # one
    filter_dimensions: Mapping[str, Dimension]
    breakdown: Dimension | None
    next_action: Dimension | None
    columns: frozenset[str]
    conditions: tuple[Leaf, ...]  # of all filters
    row_source: RowSource = RowSource.EVENTS

    def steps(self, events: int) -> int:
        """Events are put in order first, which costs as much as ten fields."""
        return (10 + 2 * len(self.report.steps) + looking_cost(self.conditions)) * events


def plan_funnel(report: FunnelReport, now: Now, definitions: Definitions, limits: Limits) -> FunnelPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_funnel(report)

    def find(name: str) -> Dimension:
        return find_dimension(name, {}, definitions.dimensions)

    conditions = checked_conditions((step.filter for step in report.steps), limits)
    filter_dimensions = {condition.field: find(condition.field) for condition in conditions}
    breakdown, next_action = (find(name) if name else None for name in (report.breakdown, report.next_action))
    shown = [dimension for dimension in (breakdown, next_action) if dimension]
    days = resolve([report.date_range], now.day)
    _check_trend(report, days[0])
    columns = {column for dimension in (*filter_dimensions.values(), *shown) for column in dimension.columns}
    return FunnelPlan(
        report=report,
        days=days,
        filter_dimensions=filter_dimensions,
        breakdown=breakdown,
        next_action=next_action,
        columns=frozenset(columns | {*ORDER, "day"}),
        conditions=tuple(conditions),
    )


def _check_trend(report: FunnelReport, days: Days) -> None:
    count = (days.last - days.first).days + 1
    if report.trend and count > MOST_TREND_DAYS:
        raise ReportError(f"The funnel has a trend of {count} days; ask for at most {MOST_TREND_DAYS} at a time.")
