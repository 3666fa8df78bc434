"""Reports of any kind on audiences, the users' segments: on the events of one, or of several side by side."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from processing.interruption import checkpoint
from processing.sessions.condensed import RowSource
from reporting.kinds.kind import ReportKind
from reporting.model.audience import COMPARISON, Audience, AudienceReport, Named, check_comparisons
from reporting.model.date_ranges import Days
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import ReportError
from reporting.query.audiences import IDENTITY, AudiencePlan, narrowed, plan_audiences, row_source_of
from reporting.query.load import LoadedRows, Plan, TimedPlan
from reporting.registry.custom import Definitions

CountRows = Callable[[date, date], int]
ALL_EVENTS: Final = ""  # the name of the only group of a report without comparisons


class ComparedAnswer(msgspec.Struct, frozen=True):
    """The answers of a report of a kind whose answers are not joined, by the names of its comparisons."""

    kind: str
    answers: dict[str, Any]


class Group(NamedTuple):
    """The rows that are in all of the audiences: those of one comparison, or of the whole report."""

    name: str
    audiences: tuple[AudiencePlan, ...]


class Needs(NamedTuple):
    """What a report needs of a group's rows: it is a plan, for loading."""

    days: tuple[Days, ...]
    columns: frozenset[str]
    row_source: RowSource
    times: tuple[int, int] | None = None


class PlannedReport(NamedTuple):
    """A report that can be answered. Without comparisons there is one group."""

    kind: ReportKind[Any, Any, Any]
    plan: Plan
    groups: tuple[Group, ...]
    is_compared: bool

    def needs(self) -> Iterator[Any]:
        """Yields plans of all rows that have to be loaded."""
        for group in self.groups:
            yield _needs(self.plan, group.audiences)
            yield from group.audiences

    def steps(self, count_events: CountRows, count_rejected: CountRows) -> int:
        """Estimates the cost, see Limits."""
        if self.plan.row_source is RowSource.REJECTED:
            return sum(self.plan.steps(count_rejected(days.first, days.last)) for days in self.plan.days)
        plans = [plan for group in self.groups for plan in (self.plan, *group.audiences)]
        return sum(plan.steps(count_events(days.first, days.last)) for plan in plans for days in plan.days)

    def run(self, rows: LoadedRows) -> Any:
        if not self.is_compared:
            return self.kind.run(self.plan, narrowed(rows, self.groups[0].audiences))
        groups = [(group.name, narrowed(rows, group.audiences)) for group in self.groups]
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
    check_comparisons(asked.comparisons)
    if plan.row_source is RowSource.REJECTED and (asked.audience or asked.comparisons):
        raise ReportError("Rejected hits belong to no session, so that a report on them takes no segment.")
    wanted = [] if asked.audience is None else [_definition(asked.audience)]
    compared = [None if each.segment is None else _definition(each.segment) for each in asked.comparisons]
    audiences = [*wanted, *(each for each in compared if each is not None)]
    planned = iter(plan_audiences(audiences, plan.days, definitions, limits))
    common = tuple(next(planned) for _ in wanted)
    groups = [
        Group(each.name, common if audience is None else (*common, next(planned)))
        for each, audience in zip(asked.comparisons, compared, strict=True)
    ]
    return PlannedReport(kind, plan, tuple(groups) or (Group(ALL_EVENTS, common),), bool(groups))


def render_compared(answer: ComparedAnswer, kind: ReportKind[Any, Any, Any]) -> Any:
    """Writes answers side by side as JSON of our own API."""
    return {"comparisons": [{COMPARISON: name, **kind.render(each)} for name, each in answer.answers.items()]}


def tabulate_compared(answer: ComparedAnswer, kind: ReportKind[Any, Any, Any]) -> pl.DataFrame:
    """Writes answers as the rows of a file, one below the other, with the column `comparison`."""
    return pl.concat(
        kind.tabulate(each).select(pl.lit(name).alias(COMPARISON), pl.all()) for name, each in answer.answers.items()
    )


def _needs(plan: Plan, audiences: tuple[AudiencePlan, ...]) -> Needs:
    columns = set(plan.columns)
    for each in audiences:
        scope = each.audience.scope
        columns |= each.columns if scope == "event" else {IDENTITY[scope]}
    times = plan.times if isinstance(plan, TimedPlan) and not audiences else None
    return Needs(tuple(plan.days), frozenset(columns), row_source_of(audiences) or plan.row_source, times)


def _definition(audience: Named) -> Audience:
    if isinstance(audience, Audience):
        return audience
    raise ReportError(f"{audience[:100]!r} is not a segment of this property; its segments are listed at segments/.")
