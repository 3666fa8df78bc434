"""The rows that a report on audiences is about: those of one group or, in a report with comparisons, of several."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from processing.sessions.condensed import RowSource
from reporting.model.audience import Audience, AudienceReport, Named, check_comparisons
from reporting.model.date_ranges import Days
from reporting.model.limits import Limits
from reporting.model.report import ReportError
from reporting.query.audiences import IDENTITY, AudiencePlan, narrowed, plan_audiences, row_source_of
from reporting.query.load import LoadedRows, LooksBack, NarrowPlan, Plan, Reads, counted_source
from reporting.registry.custom import Definitions


class GroupReads(NamedTuple):
    """What a report reads of a group's rows."""

    days: tuple[Days, ...]
    columns: frozenset[str]
    row_source: RowSource
    wanted: pl.Expr | None = None
    days_before: int = 0


class Group(NamedTuple):
    """The rows that are in all of the audiences. Without comparisons, the name of the only group is empty."""

    name: str
    audiences: tuple[AudiencePlan, ...]

    def reads(self, plan: Plan) -> Iterator[Reads]:
        """Yields what has to be loaded for a report that is planned so."""
        columns = set(plan.columns)
        for each in self.audiences:
            scope = each.audience.scope
            columns |= each.columns if scope == "event" else {IDENTITY[scope]}
        # An audience is evaluated on all events of the days.
        wanted = plan.wanted if isinstance(plan, NarrowPlan) and not self.audiences else None
        source = counted_source(plan, row_source_of(self.audiences))
        before = plan.days_before if isinstance(plan, LooksBack) else 0
        yield GroupReads(tuple(plan.days), frozenset(columns), source, wanted, before)
        yield from self.audiences

    def rows(self, loaded: LoadedRows) -> LoadedRows:
        return narrowed(loaded, self.audiences)


def plan_groups(
    asked: AudienceReport, days: Sequence[Days], definitions: Definitions, limits: Limits
) -> tuple[Group, ...]:
    """Returns a group for each comparison, in order; one without comparisons. Raises ReportError."""
    check_comparisons(asked.comparisons)
    wanted = [] if asked.audience is None else [_definition(asked.audience)]
    compared = [None if each.segment is None else _definition(each.segment) for each in asked.comparisons]
    audiences = [*wanted, *(each for each in compared if each is not None)]
    planned = iter(plan_audiences(audiences, days, definitions, limits))
    common = tuple(next(planned) for _ in wanted)
    if not compared:
        return (Group("", common),)
    return tuple(
        Group(each.name, common if audience is None else (*common, next(planned)))
        for each, audience in zip(asked.comparisons, compared, strict=True)
    )


def _definition(audience: Named) -> Audience:
    if isinstance(audience, Audience):
        return audience
    raise ReportError(f"{audience[:100]!r} is not a segment of this property; its segments are listed at segments/.")
