"""Plans a retention report. It reads all days until today, since the day on which a visitor came first may be any."""

from typing import NamedTuple

from processing.sessions.condensed import RowSource
from reporting.kinds.retention.report import RetentionReport, check_retention
from reporting.model.date_ranges import EARLIEST, Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.registry.custom import Definitions


class RetentionPlan(NamedTuple):
    report: RetentionReport
    cohorts: Days
    days: tuple[Days, ...]  # one
    columns: frozenset[str] = frozenset({"visitor", "day"})
    row_source: RowSource = RowSource.CONDENSED

    def steps(self, events: int) -> int:
        return 3 * events


def plan_retention(report: RetentionReport, now: Now, _definitions: Definitions, _limits: Limits) -> RetentionPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_retention(report)
    (cohorts,) = resolve([report.date_range], now.day)
    return RetentionPlan(report, cohorts, (Days(cohorts.name, EARLIEST, max(now.day, EARLIEST)),))
