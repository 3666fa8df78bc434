"""Plans and evaluates audiences, the users' segments: which of the loaded rows are those of their visitors or sessions,
or are their events.

    session   visitor   events      "at least 2 purchases", scope user   scope session
    1         1         purchase    in it                                -
    2         1         purchase    in it                                -
    3         2         purchase    -                                    -

An audience is evaluated on the events of one date range alone, whatever else is known of its visitors.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from processing.interruption import checkpoint
from processing.sessions.condensed import RowSource
from reporting.model import audience as model
from reporting.model.audience import Audience, conditions_of, event_filter
from reporting.model.date_ranges import Days
from reporting.model.limits import Limits
from reporting.model.report import Filter, ReportError
from reporting.query.aggregate import CODE, measure
from reporting.query.filters import checked_conditions, leaves, looking_cost, numeric, row_filter
from reporting.query.load import LoadedRows
from reporting.query.sequences import order_of, reached_steps
from reporting.registry.compatibility import clashes
from reporting.registry.custom import Definitions
from reporting.registry.dimensions import find_dimension
from reporting.registry.dimensions.model import Dimension
from reporting.registry.measures import Distinct, PerSessionDay, Sum, can_condense, without_repeats
from reporting.registry.metrics import find_metric
from reporting.registry.metrics.model import Metric

IDENTITY: Final[dict[model.Scope, str]] = {"user": "visitor", "session": "session"}

Mask = NDArray[np.bool_]


class AudiencePlan(NamedTuple):
    """An audience with all that its names stand for, for some days. It is a plan: its rows are read like a report's."""

    audience: Audience
    days: tuple[Days, ...]
    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]
    columns: frozenset[str]
    row_source: RowSource
    cost: int  # steps for each event

    def steps(self, events: int) -> int:
        return self.cost * events


def plan_audiences(
    audiences: Sequence[Audience], days: Sequence[Days], definitions: Definitions, limits: Limits
) -> list[AudiencePlan]:
    """Plans the audiences of one report, whose conditions count together. Raises ReportError."""
    conditions = sum(len(list(conditions_of(audience))) for audience in audiences)
    if conditions > limits.conditions:
        raise ReportError(
            f"The segments of the report have {conditions:,} conditions; at most {limits.conditions:,} are allowed."
        )
    checked_conditions((tree for audience in audiences for tree in _filters(audience)), limits)
    return [_plan(audience, tuple(days), definitions) for audience in audiences]


def _filters(audience: Audience) -> Iterator[Filter | None]:
    for condition in conditions_of(audience):
        match condition:
            case model.Events(filter):
                yield filter
            case model.Sequence(steps):
                yield from (step.filter for step in steps)


def _plan(audience: Audience, days: tuple[Days, ...], definitions: Definitions) -> AudiencePlan:
    conditions = list(conditions_of(audience))
    of_filters = [leaf for tree in _filters(audience) for leaf in leaves(tree)]
    sequences = [each for each in conditions if isinstance(each, model.Sequence)]
    dimensions = {leaf.field: _dimension(leaf.field, definitions) for leaf in of_filters}
    counts = [each for each in conditions if isinstance(each, model.Events) and not each.asks_for_any()]
    names = dict.fromkeys(each.metric for each in counts)
    metrics = {name: _metric(name, definitions) for name in names}
    measured = without_repeats(each for metric in metrics.values() for each in metric.measures)
    columns = {column for each in (*dimensions.values(), *measured) for column in each.columns} | {"day"}
    columns |= {IDENTITY[audience.scope]} if audience.scope in IDENTITY else set()
    columns |= {"session"} if any(isinstance(each, model.InOneSession) for each in conditions) else set()
    if sequences:
        columns |= {*order_of("visitor"), "session"}
    condensed = audience.scope != "event" and not sequences and can_condense(columns)
    return AudiencePlan(
        audience=audience,
        days=days,
        dimensions=dimensions,
        metrics=metrics,
        columns=frozenset(columns),
        row_source=RowSource.CONDENSED if condensed else RowSource.EVENTS,
        cost=2
        + len(conditions)
        + looking_cost(of_filters)
        + 3 * len(counts)
        + sum(10 + 2 * len(each.steps) for each in sequences),
    )


def _dimension(name: str, definitions: Definitions) -> Dimension:
    dimension = find_dimension(name, {}, definitions.dimensions)
    if dimension.scope == "item":
        raise ReportError(f"{name!r} is a dimension of items, and segments are of whole events; choose another one.")
    return dimension


def _metric(name: str, definitions: Definitions) -> Metric:
    metric = find_metric(name, {}, definitions.metrics)
    counted = all(isinstance(each, Sum | Distinct | PerSessionDay) for each in metric.measures)
    if not counted or clashes((), (), [metric]):
        raise ReportError(f"{name!r} cannot be a condition of a segment; count or add something up.")
    return metric


class Members(NamedTuple):
    """Who is in an audience on some days: a flag for each number of a visitor or session. None for single events, which
    are looked at one by one.
    """

    plan: AudiencePlan
    flags: Mask | None
    zone: str

    def keep(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Keeps the rows of the audience. They have the column of its identity or, for events, those of its plan."""
        scope = self.plan.audience.scope
        if self.flags is None:
            accepted = row_filter(event_filter(self.plan.audience), [rows], self.plan.dimensions, self.zone)
            return rows if accepted is None else rows.filter(accepted)
        ids = rows[IDENTITY[scope]]
        unknown = max(_size(ids) - len(self.flags), 0)
        return rows.filter(pl.Series(np.pad(self.flags, (0, unknown))[ids.to_numpy()]))


class Chosen(NamedTuple):
    """What audiences leave of the rows of each date range."""

    members: Mapping[Days, Sequence[Members]]
    row_source: RowSource | None  # the rows that can be told apart; None: any

    def keep(self, rows: pl.DataFrame, days: Days) -> pl.DataFrame:
        for each in self._members(days):
            rows = each.keep(rows)
        return rows

    def _members(self, days: Days) -> Sequence[Members]:
        """Returns those of these days, or of the date range that has them."""
        if days in self.members:
            return self.members[days]
        return next(
            found for each, found in self.members.items() if each.first <= days.first and days.last <= each.last
        )


def narrowed(loaded: LoadedRows, plans: Sequence[AudiencePlan]) -> LoadedRows:
    """Returns the rows that are in all of these audiences, which are planned for the same days."""
    if not plans:
        return loaded
    found = {days: [_members(plan, loaded.of(plan, days), loaded.zone) for plan in plans] for days in plans[0].days}
    return loaded._replace(chosen=Chosen(found, row_source_of(plans)))


def row_source_of(plans: Sequence[AudiencePlan]) -> RowSource | None:
    """Returns the rows that a report must count to be on these audiences; None for any."""
    return RowSource.EVENTS if any(plan.audience.scope == "event" for plan in plans) else None


def _members(plan: AudiencePlan, rows: pl.DataFrame, zone: str) -> Members:
    scope = plan.audience.scope
    return Members(
        plan, None if scope == "event" else _Evaluation(plan, rows, zone, IDENTITY[scope]).of_audience(), zone
    )


class _Evaluation:
    """Evaluates conditions for each number of the identity, "visitor" or "session", in the rows of a plan."""

    def __init__(self, plan: AudiencePlan, rows: pl.DataFrame, zone: str, identity: str) -> None:
        self._plan, self._rows, self._zone, self._identity = plan, rows, zone, identity
        self._size = _size(rows[identity])
        self._sorted: pl.DataFrame | None = None

    def of_audience(self) -> Mask:
        audience = self._plan.audience
        present = np.zeros(self._size, dtype=np.bool_)
        present[self._rows[self._identity].to_numpy()] = True
        if audience.include is not None:
            present &= self.of(audience.include)
        return present if audience.exclude is None else present & ~self.of(audience.exclude)

    def of(self, condition: model.Condition) -> Mask:
        checkpoint()
        match condition:
            case model.AllOf(conditions):
                return reduce(np.logical_and, map(self.of, conditions))
            case model.AnyOf(conditions):
                return reduce(np.logical_or, map(self.of, conditions))
            case model.Negated(child):
                return ~self.of(child)
            case model.Events():
                return self._of_events(condition)
            case model.Sequence(steps):
                return self._of_sequence(steps)
            case model.InOneSession(child):
                return self._in_one_session(child)

    def _of_events(self, condition: model.Events) -> Mask:
        accepted = row_filter(condition.filter, [self._rows], self._plan.dimensions, self._zone)
        rows = self._rows if accepted is None else self._rows.filter(accepted)
        if condition.asks_for_any():
            return self._flags(rows[self._identity].to_numpy())
        metric = self._plan.metrics[condition.metric]
        counted = measure(rows.with_columns(pl.col(self._identity).alias(CODE)), [], metric.measures)
        of_all = pl.DataFrame({CODE: np.arange(self._size, dtype=np.uint32)}).join(
            counted, on=CODE, how="left", maintain_order="left"
        )
        zeros = of_all.with_columns(pl.col(each.name).fill_null(0) for each in metric.measures)
        value = zeros.select(metric.value.cast(pl.Float64).alias("value"))
        leaf = condition.of_metric()
        return value.select(numeric(leaf, pl.col("value")).fill_null(value=False)).to_series().to_numpy()

    def _of_sequence(self, steps: Sequence[model.Step]) -> Mask:
        if self._sorted is None:
            self._sorted = self._rows.sort(order_of(self._identity))
        rows, dimensions = self._sorted, self._plan.dimensions
        last = reached_steps(rows, self._identity, steps, dimensions, self._zone, open=False)[-1]
        return self._flags(rows[self._identity].to_numpy()[last.rows])

    def _in_one_session(self, child: model.Condition) -> Mask:
        sessions = _Evaluation(self._plan, self._rows, self._zone, "session").of(child)
        in_them = sessions[self._rows["session"].to_numpy()]
        return self._flags(self._rows[self._identity].to_numpy()[in_them])

    def _flags(self, ids: NDArray[np.uint32]) -> Mask:
        flags = np.zeros(self._size, dtype=np.bool_)
        flags[ids] = True
        return flags


def _size(ids: pl.Series) -> int:
    largest = ids.max()
    return largest + 1 if isinstance(largest, int) else 0
