"""Plans a retention report. It reads the days of its cohorts' periods; the first day of each visitor is known without
reading the days before, see reporting/registry/history_columns.py.
"""

from datetime import date, timedelta
from typing import Final, NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.retention.report import RetentionReport, check_retention
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import ReportError
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension
from reporting.registry.measures import can_condense

FIRST_DAY: Final = "first_user_day"
COLUMNS: Final = frozenset({"visitor", "day", FIRST_DAY})


class RetentionPlan(NamedTuple):
    report: RetentionReport
    cohorts: Days
    today: date
    days: tuple[Days, ...]  # one
    breakdown: Dimension | None
    columns: frozenset[str]
    most_rows: int  # as a file has them: each cohort's periods, of each value

    @property
    def row_source(self) -> RowSource:
        return RowSource.CONDENSED if can_condense(self.columns) else RowSource.EVENTS

    def steps(self, events: int) -> int:
        """The visits are searched once for each value of the breakdown."""
        return (4 if self.breakdown is None else 10 + self.report.limit // 10) * events


def plan_retention(report: RetentionReport, now: Now, definitions: Definitions, limits: Limits) -> RetentionPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_retention(report)
    (cohorts,) = resolve([report.date_range], now.day)
    breakdown = find_dimension(report.breakdown, {}, definitions.dimensions) if report.breakdown else None
    if breakdown and breakdown.scope != "user":
        raise ReportError(
            f"{report.breakdown!r} may have several values for one visitor; break a retention report down by a"
            " dimension of the first visit, such as firstUserSource."
        )
    last = max(cohorts.first, min(now.day, _last_day(report, cohorts, now.day)))
    days = (Days(cohorts.name, cohorts.first, last),)
    columns = COLUMNS.union(breakdown.columns if breakdown else ())
    return RetentionPlan(report, cohorts, now.day, days, breakdown, columns, limits.rows)


def _last_day(report: RetentionReport, cohorts: Days, today: date) -> date:
    """Returns the last day of the last period of the last cohort, or today if that is after today."""
    last, periods = min(cohorts.last, today), report.periods
    if report.granularity == "month":
        months = last.year * 12 + last.month - 1 + periods
        first_after = date(months // 12, months % 12 + 1, 1) if months < today.year * 12 + today.month else today
        return first_after - timedelta(days=1) if first_after < today else today
    days = periods if report.granularity == "day" else 7 * periods - last.weekday()
    return last + timedelta(days=min(days - 1, (today - last).days))
