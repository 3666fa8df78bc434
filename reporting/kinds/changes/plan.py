"""Plans a report on changes: finds both names, and resolves the dates of both periods."""

from typing import NamedTuple

from msgspec.structs import replace

from processing.sessions.condensed import RowSource
from reporting.kinds.changes.report import ChangesReport, check_changes
from reporting.model.date_ranges import Days, resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.query.fields import Fields, refuse_days_before, resolve_fields
from reporting.registry.compatibility import check_totals
from reporting.registry.custom import Definitions


class ChangesPlan(NamedTuple):
    """The first of the date ranges is the period before."""

    report: ChangesReport
    fields: Fields
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
        return 2 * self.fields.steps(events) + 200 * min(self.report.limit, events)


def plan_changes(report: ChangesReport, now: Now, definitions: Definitions, limits: Limits) -> ChangesPlan:
    """Raises ReportError for everything that is wrong with the report."""
    check_changes(report)
    periods = (replace(report.before, name="before"), replace(report.after, name="after"))
    days = resolve(periods, now.day)
    fields = resolve_fields(report, (report.dimension,), days, definitions, limits)
    refuse_days_before(fields)
    check_totals(fields.metrics)
    return ChangesPlan(report, fields, limits.rows)
