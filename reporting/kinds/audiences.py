"""Reports of any kind on audiences, the users' segments: on the events of one, or of several side by side."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

import msgspec
import polars as pl

from processing.interruption import checkpoint
from processing.sessions.condensed import RowSource
from reporting.kinds.kind import ReportKind
from reporting.model.audience import COMPARISON, AudienceReport
from reporting.model.date_ranges import EARLIEST
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import ReportError
from reporting.query.audience_groups import Group, plan_groups
from reporting.query.load import LoadedRows, Plan, Reads, days_before
from reporting.registry.custom import Definitions
from reporting.registry.dimensions.model import ONLY_OF_ITEMS

CountRows = Callable[[date, date], int]


class ComparedAnswer(msgspec.Struct, frozen=True):
    """The answers of a report of a kind whose answers are not joined, by the names of its comparisons."""

    kind: str
    answers: dict[str, Any]


class PlannedReport(NamedTuple):
    """A report that can be answered. Without comparisons there is one group."""

    kind: ReportKind[Any, Any, Any]
    plan: Plan
    groups: tuple[Group, ...]
    is_compared: bool

    def reads(self) -> Iterator[Reads]:
        """Yields what has to be loaded."""
        for group in self.groups:
            yield from group.reads(self.plan)

    def steps(self, count_events: CountRows, count_rejected: CountRows) -> int:
        """Estimates the cost, see Limits."""
        if self.plan.row_source is RowSource.REJECTED:
            return sum(self.plan.steps(count_rejected(days.first, days.last)) for days in self.plan.days)
        plans = [plan for group in self.groups for plan in (self.plan, *group.audiences)]
        return sum(
            plan.steps(count_events(max(days.first - days_before(plan), EARLIEST), days.last))
            for plan in plans
            for days in plan.days
        )

    def run(self, rows: LoadedRows) -> Any:
        if not self.is_compared:
            return self.kind.run(self.plan, self.groups[0].rows(rows))
        groups = [(group.name, group.rows(rows)) for group in self.groups]
        if self.kind.compare:
            return self.kind.compare(self.plan, groups)
        answers = {}
        for name, chosen in groups:
            checkpoint()
            answers[name] = self.kind.run(self.plan, chosen)
        return ComparedAnswer(self.kind.name, answers)


def plan_report(
    kind: ReportKind[Any, Any, Any], asked: AudienceReport, now: Now, definitions: Definitions, limits: Limits
) -> PlannedReport:
    """Raises ReportError."""
    plan: Plan = kind.plan(asked.report, now, definitions, limits)
    if plan.row_source is RowSource.REJECTED and (asked.audience or asked.comparisons):
        raise ReportError("Rejected hits belong to no session, so that a report on them takes no segment.")
    groups = plan_groups(asked, plan.days, definitions, limits)
    for each in (plan, *(audience for group in groups for audience in group.audiences)):
        _check_items(each)
    return PlannedReport(kind, plan, groups, bool(asked.comparisons))


def render_compared(answer: ComparedAnswer, kind: ReportKind[Any, Any, Any]) -> Any:
    """Writes answers side by side as JSON of our own API."""
    return {"comparisons": [{COMPARISON: name, **kind.render(each)} for name, each in answer.answers.items()]}


def tabulate_compared(answer: ComparedAnswer, kind: ReportKind[Any, Any, Any]) -> pl.DataFrame:
    """Writes answers as the rows of a file, one below the other, with the column `comparison`."""
    return pl.concat(
        kind.tabulate(each).select(pl.lit(name).alias(COMPARISON), pl.all()) for name, each in answer.answers.items()
    )


def _check_items(plan: Reads) -> None:
    """Raises ReportError if a dimension of items is asked for where events are counted."""
    if plan.row_source is not RowSource.ITEMS and plan.columns & ONLY_OF_ITEMS:
        raise ReportError(
            "A dimension of items, such as itemName, goes with the metrics of items in tables only: segments and other"
            " kinds of report count whole events. Leave it out."
        )
