"""Loads the rows that reports count: one read of the days of all reports that are run together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple, Protocol, runtime_checkable

import polars as pl

from configuration.exchange_rates import Rates
from configuration.ruleset.ruleset import Ruleset
from processing.sessions.condensed import EVENT_COUNT, RowSource, uncondensed
from processing.sessions.first_sightings import FirstSightings, Sighting
from processing.sessions.local_periods import day_number
from reporting.model.date_ranges import Days
from reporting.model.report import ReportError
from reporting.query.derived_columns import Money, parts_of, with_derived
from reporting.query.distinct import KEY_COLUMNS, number_ids, numbers_like
from reporting.query.history import with_history
from reporting.query.whole_sessions import read_rows
from reporting.registry.history_columns import stored_columns


class ReportSource(Protocol):
    """The events of one property under one generation, as they are at one moment."""

    @property
    def zone(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def rules(self) -> Ruleset | None:
        """The newest rules, which define the property's own dimensions and metrics; None if it has no rules."""

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns the named columns of schema.BUILT for the local days first..last; texts are String or Categorical."""

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns the named columns of CONDENSED, of the same events; texts are String or Categorical."""

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        """Returns the first sightings of a kind among the events of all time."""

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns the named columns of schema.ITEMS, and those of schema.BUILT of each item's event, of the items of
        the same events; texts are String or Categorical."""

    @property
    def rates(self) -> Rates:
        """The rates of currencies into that of the property."""


@runtime_checkable
class RejectedSource(Protocol):
    """A source that has the property's rejected hits as well. Views of some of the events have none."""

    def rejected_rows(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns the named columns of schema.LISTED, or `day`, of rejected hits; texts are String or Categorical."""


class Reads(Protocol):
    """What loading needs to know."""

    @property
    def days(self) -> Sequence[Days]: ...
    @property
    def columns(self) -> frozenset[str]: ...
    @property
    def row_source(self) -> RowSource: ...


class Plan(Reads, Protocol):
    """A planned report, of whatever kind it is."""

    def steps(self, events: int) -> int:
        """Estimates the cost of a date range with so many events, see Limits."""


@runtime_checkable
class LooksBack(Protocol):
    """Something that also reads days before each of its date ranges."""

    @property
    def days_before(self) -> int: ...


@runtime_checkable
class NarrowPlan(Protocol):
    """A plan that needs few of the events of its days, so that loading leaves out the others at once."""

    @property
    def wanted(self) -> pl.Expr | None:
        """Which events it needs, by the plan's own columns; None: all of them."""


class LoadedRange(NamedTuple):
    """Rows of the local days first..last. Only rows that a report needs were loaded."""

    first: date
    last: date
    frames: Mapping[RowSource, pl.DataFrame]

    def rows(self, source: RowSource) -> pl.DataFrame:
        return self.frames[source]


class Choice(Protocol):
    """Some of the rows: see reporting/query/audiences.py."""

    @property
    def row_source(self) -> RowSource | None:
        """The rows that have to be counted, whatever the plan says; None: those that the plan says."""

    def keep(self, rows: pl.DataFrame, days: Days) -> pl.DataFrame:
        """Keeps the chosen ones of the rows of a date range."""


class LoadedRows(NamedTuple):
    """What was loaded for several plans. `ranges` do not overlap. `chosen`: those that a report is about; None: all."""

    ranges: tuple[LoadedRange, ...]
    zone: str
    currency: str
    chosen: Choice | None = None

    def of(self, plan: Reads, days: Days) -> pl.DataFrame:
        """Returns the rows of one of the plan's date ranges, and of the days before it that the plan reads, with at
        least the plan's columns.
        """
        loaded, first = self._span(days), days.first - days_before(plan)
        rows = loaded.rows(self.source_of(plan))
        if (loaded.first, loaded.last) != (first, days.last):
            rows = rows.filter(pl.col("day").is_between(day_number(first), day_number(days.last)))
        return rows if self.chosen is None else self.chosen.keep(rows, days)

    def frames(self, plan: Reads) -> list[pl.DataFrame]:
        """Returns frames that together have the rows of all of the plan's date ranges, each row once, and rows that are
        not chosen.
        """
        spans = {(span.first, span.last): span for span in map(self._span, plan.days)}
        return [span.rows(self.source_of(plan)) for span in spans.values()]

    def source_of(self, plan: Reads) -> RowSource:
        return counted_source(plan, self.chosen.row_source if self.chosen else None)

    def _span(self, days: Days) -> LoadedRange:
        return next(span for span in self.ranges if span.first <= days.first and days.last <= span.last)


def counted_source(plan: Reads, wanted: RowSource | None) -> RowSource:
    """Returns the rows that a plan counts if single events have to be told apart (`wanted`): items are of one event."""
    return plan.row_source if wanted is None or plan.row_source is RowSource.ITEMS else wanted


def load(plans: Sequence[Reads], view: ReportSource) -> LoadedRows:
    """Reads the days and columns that the plans need, each day once."""
    spans = _joined((days.first - days_before(plan), days.last) for plan in plans for days in plan.days)
    return LoadedRows(tuple(_load_range(plans, first, last, view) for first, last in spans), view.zone, view.currency)


def days_before(plan: Reads) -> timedelta:
    return timedelta(days=plan.days_before if isinstance(plan, LooksBack) else 0)


def _joined(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Makes one span of those that overlap: 1..5, 4..9, 20..21 -> 1..9, 20..21."""
    joined: list[tuple[date, date]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _load_range(plans: Sequence[Reads], first: date, last: date, view: ReportSource) -> LoadedRange:
    """Reads only the columns that the plans with dates in this span need."""
    columns: dict[RowSource, set[str]] = {source: set() for source in RowSource}
    here = [plan for plan in plans if any(first <= days.first <= last for days in plan.days)]
    for plan in here:
        columns[plan.row_source] |= plan.columns
    wanted = _wanted(plan for plan in here if plan.row_source is RowSource.EVENTS)
    frames = {
        source: _read(view, source, first, last, sorted(names), wanted) for source, names in columns.items() if names
    }
    return LoadedRange(first, last, _numbered(frames))


def _wanted(plans: Iterable[Reads]) -> pl.Expr | None:
    """Returns which events one of the plans needs; None for all."""
    found = [plan.wanted if isinstance(plan, NarrowPlan) else None for plan in plans]
    wanted = [each for each in found if each is not None]
    return pl.any_horizontal(wanted) if wanted and len(wanted) == len(found) else None


def _read(
    view: ReportSource, source: RowSource, first: date, last: date, names: list[str], wanted: pl.Expr | None
) -> pl.DataFrame:
    """Returns the columns, and EVENT_COUNT. Raises ReportError."""
    keys = {name: KEY_COLUMNS[name] for name in names if name in KEY_COLUMNS}
    parts = parts_of({*names, *keys.values()} - keys.keys())
    stored = sorted(stored_columns(parts))
    if source is RowSource.CONDENSED:
        return with_history(read_rows(view, source, first, last, [*stored, EVENT_COUNT]), names, view)
    if source is not RowSource.REJECTED:
        rows = read_rows(view, source, first, last, stored)
        if source is RowSource.EVENTS and wanted is not None:
            rows = rows.filter(wanted)
        kept = rows.with_columns(pl.col(column).alias(name) for name, column in keys.items())
        return uncondensed(completed(kept, names, view))
    if not isinstance(view, RejectedSource):
        raise ReportError("Rejected hits can be reported for the whole property only.")
    return uncondensed(view.rejected_rows(first, last, names))


def _numbered(sources: Mapping[RowSource, pl.DataFrame]) -> dict[RowSource, pl.DataFrame]:
    """Gives visitors and sessions dense numbers. Events and condensed rows have the same ids, and so the same numbers;
    items have some of them, and take over their numbers.
    """
    numbered = {source: number_ids(rows) for source, rows in sources.items()}
    items = sources.get(RowSource.ITEMS)
    if items is not None:
        for source in sources.keys() & {RowSource.EVENTS, RowSource.CONDENSED}:
            same = numbers_like(items, sources[source], numbered[source])
            numbered[RowSource.ITEMS] = numbered[RowSource.ITEMS].with_columns(same)
    return numbered


def completed(rows: pl.DataFrame, names: Collection[str], view: ReportSource) -> pl.DataFrame:
    """Adds those of the named columns that are not stored; the rows have the stored columns of their `parts_of`."""
    with_parts = with_history(rows, parts_of(names), view)
    return with_derived(with_parts, names, Money(view.currency, view.rates))
