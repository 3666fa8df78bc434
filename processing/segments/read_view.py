"""What a report reads: one property at one moment, segments and tail as one.

A view is pinned: its manifest and its blocks are those of one short read, and nothing that happens later changes
what it shows.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from datetime import date
from functools import cached_property, partial
from time import monotonic
from typing import Final, NamedTuple, cast

import polars as pl

from configuration.exchange_rates import NO_RATES, Rates
from configuration.ruleset.ruleset import Ruleset
from processing.interruption import checkpoint
from processing.schema import BUILT, CONTENT, ITEMS, LISTED, REJECTED, Schema, conform
from processing.segments.manifest import add_counts
from processing.segments.rejected_rows import CONTENT_OF_DUPLICATE, TOLD, rejected_rows
from processing.segments.sealed_periods import SealedPeriods, categorical_text
from processing.segments.settled_sightings import SettledSightings
from processing.segments.tail import Tail
from processing.sessions.condensed import CONDENSED, RowSource, condensed_rows
from processing.sessions.first_sightings import FirstSightings, Sighting
from processing.sessions.layers import (
    EMPTY_LAYER,
    Arrivals,
    Layer,
    count_hits,
    count_rejected,
    only_visitors,
    side_by_side,
)
from processing.sessions.local_periods import Period, day_number, day_of, local_days, period
from processing.sessions.timeline import advance
from processing.store.port import BlockInfo, VersionedBlob

# The first purchase of an order, in this order, counts.
EVENT_OF_ITEM: Final = ("position", "index")
CONTENT_OF_HIT: Final[Schema] = {name: REJECTED[name] for name in ("position", *CONTENT)}


class HitCounts(NamedTuple):
    """Hits: accepted = counted + rejected. `dropped` are events of counted hits."""

    accepted: int
    counted: int
    rejected: int
    dropped: int
    reasons: dict[str, int]


class PinnedView(NamedTuple):
    """What decides what a view shows: small enough to be sent to another process, which opens the same view.

    `waiting` are the blocks that it does not show until the worker has sealed others, see `tail.affordable`.
    """

    property: int
    manifest: VersionedBlob | None
    blocks: tuple[BlockInfo, ...]
    waiting: tuple[BlockInfo, ...] = ()


class ReadView:
    """One property, pinned. Days are local days of the property's zone, both bounds included.

    `changes` are what `new` rows bring about: the tail's, and those that stay of visitors who are being erased. Views
    of one property with the same `state`, of any process, show the same. `rules` are the newest of the property, for
    reports that need them; who opens a view says which they are.
    """

    rules: Ruleset | None = None
    rates: Rates = NO_RATES  # likewise, into the property's currency
    waiting: tuple[BlockInfo, ...] = ()  # blocks that the view does not show yet

    def __init__(
        self,
        property: int,
        generation: int,
        sealed: SealedPeriods,
        tail: Tail,
        new: Arrivals,
        state: str = "",
        settled: SettledSightings | None = None,
    ) -> None:
        self.property, self.generation, self.state = property, generation, state
        self.pinned_at = monotonic()
        self.zone, self.currency = sealed.zone, sealed.manifest.currency
        self.sealed, self.tail = sealed, tail
        self._arrived = pl.concat([frame["position"] for frame in new]).n_unique()
        self.changes = {change.period.key: change for change in advance(sealed, new)}
        self._settled = settled or SettledSightings()
        self._sightings = dict[str, FirstSightings]()

    def with_rules(self, rules: Ruleset | None) -> "ReadView":
        view = copy(self)
        view.rules = rules
        return view

    def with_rates(self, rates: Rates) -> "ReadView":
        view = copy(self)
        view.rates = rates
        return view

    def as_of(self, pinned_at: float) -> "ReadView":
        """Returns the same view, for somebody who pinned it at that monotonic time (s)."""
        view = copy(self)
        view.pinned_at = pinned_at
        return view

    def age_s(self) -> float:
        """Returns the seconds since the view was pinned: whatever came since then is not in it."""
        return monotonic() - self.pinned_at

    def keys(self) -> list[str]:
        return sorted({*self.sealed.keys(), *self.changes}, key=lambda key: period(key, self.zone).start)

    @cached_property
    def begins(self) -> date:
        """The first day with a counted event; date.max where there is none."""
        return next((day_of(days[0]) for key in self.keys() if (days := self._days_with_events(key))), date.max)

    @cached_property
    def ends(self) -> date:
        """The last day with a counted event; date.min where there is none."""
        keys = reversed(self.keys())
        return next((day_of(days[1]) for key in keys if (days := self._days_with_events(key))), date.min)

    @cached_property
    def first_received(self) -> date:
        """The first day with a counted event or a rejected hit; date.max where there is none."""
        for key in self.keys():
            times = pl.concat([frame["time"] for frame in self._period(key, "rejected", ["time"])])
            rejected = local_days(times, self.zone).min()
            days = self._days_with_events(key)
            found = [number for number in (days and days[0], rejected) if number is not None]
            if found:
                return day_of(cast(int, min(found)))
        return date.max

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns columns of schema.BUILT of all counted events; text is Categorical."""
        return self._counted_rows(RowSource.EVENTS, BUILT, first, last, columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns columns of CONDENSED of the same events, in a fraction of the rows; text is Categorical."""
        return self._counted_rows(RowSource.CONDENSED, CONDENSED, first, last, columns)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns columns of ITEMS, and of schema.BUILT for each item's event, of all items of counted events; text is
        Categorical. A column that both have is the item's.
        """
        own = [name for name in columns if name in ITEMS]
        of_event = [name for name in columns if name not in ITEMS]
        schema = {name: ITEMS.get(name) or BUILT[name] for name in columns}
        frames = [pl.DataFrame(schema=schema).with_columns(categorical_text())]
        low, high = day_number(first), day_number(last)
        for key in self.keys():
            here = period(key, self.zone)
            if not _touches(here, first, last):
                continue
            items = self._period(key, RowSource.ITEMS, list(dict.fromkeys([*own, *EVENT_OF_ITEM])))
            if not any(frame.height for frame in items):
                continue
            events = self._period(key, RowSource.EVENTS, list(dict.fromkeys([*of_event, *EVENT_OF_ITEM, "day"])))
            for pair in zip(events, items, strict=True):
                shown = _between(pair[0], low, high, within=False)
                of_events = shown.select(*EVENT_OF_ITEM, *of_event)
                frames.append(pair[1].join(of_events, on=EVENT_OF_ITEM, how="inner").select(columns))
        return pl.concat(frames)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        """Returns the first sightings of a kind in all that the view shows, of all time."""
        found = self._sightings.get(kind.section)
        if found is None:
            found = self._settled.with_newest(self.property, self.generation, kind, self.sealed, self.changes)
            self._sightings[kind.section] = found
        return found

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """Returns schema.LISTED and `day`: rejected hits by their event time, duplicates among them."""
        rows = self.rejected_rows(first, last, [*LISTED, "day"])
        return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))

    def rejected_rows(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Returns columns of schema.LISTED, and `day`, of the same hits; text is Categorical. Content is not read."""
        names = [name for name in LISTED if name in {*columns, "time"}]
        rows = rejected_rows(partial(self._section, first=first, last=last), names)
        days = local_days(rows["time"], self.zone)
        dated = rows.with_columns(days).filter(pl.col("day").is_between(day_number(first), day_number(last)))
        return dated.select(columns)

    def with_content(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Adds the content to a few rows of `rejected`, which is read for these alone: a hit may have 2 kB of it, and
        had all that was sent when older versions stored it.
        """
        days = local_days(rows["time"], self.zone)
        found = [pl.DataFrame(schema=CONTENT_OF_HIT)]
        for key in self.keys():
            here = period(key, self.zone)
            positions = rows["position"].filter(days.is_between(here.first_day, here.last_day))
            if len(positions):
                found += [conform(frame, CONTENT_OF_HIT) for frame in self._contents(key, positions)]
        contents = pl.concat(found).unique("position", keep="first", maintain_order=True)
        return rows.join(contents, on="position", how="left", maintain_order="left")

    def of_visitors(self, visitors: pl.Series) -> Layer:
        """Returns all rows of these visitors, of all time."""
        found = [EMPTY_LAYER]
        for key in self.keys():
            checkpoint()
            change = self.changes.get(key)
            below = visitors if change is None else visitors.filter(~visitors.is_in(change.layer.visitors.implode()))
            found.append(self.sealed.rows(key, below))
            if change:
                found.append(Layer(visitors, *(only_visitors(frame, visitors) for frame in change.layer[1:])))
        return side_by_side(found)

    def count_events(self, first: date, last: date) -> int:
        """Returns about how many events the days have: those of the periods that they touch. Reads nothing."""
        sealed, keys = self.sealed.manifest.periods, self.keys()
        touched = [key for key in keys if _touches(period(key, self.zone), first, last)]
        of_tail = sum(self.changes[key].layer.events.height for key in touched if key in self.changes)
        return of_tail + sum(sealed[key].events for key in touched if key in sealed)

    def count_rejected(self, first: date, last: date) -> int:
        """Like `count_events`, of rejected hits."""
        sealed, keys = self.sealed.manifest.periods, self.keys()
        touched = [key for key in keys if _touches(period(key, self.zone), first, last)]
        of_tail = sum(sum(count_rejected(self.changes[key].layer).values()) for key in touched if key in self.changes)
        return of_tail + sum(sum(sealed[key].rejected.values()) for key in touched if key in sealed)

    def counts(self) -> HitCounts:
        """Returns the sums over all time."""
        manifest, changes = self.sealed.manifest, self.changes.values()
        counted = manifest.counted() + sum(count_hits(c.layer.events) - count_hits(c.was.events) for c in changes)
        more = add_counts(
            *(count_rejected(change.layer) for change in changes),
            less=add_counts(*(count_rejected(c.was) for c in changes)),
        )
        reasons = add_counts(manifest.rejected(), more)
        return HitCounts(
            manifest.accepted + self._arrived,
            counted,
            sum(reasons.values()),
            manifest.dropped_events() + len(self.tail.dropped),
            reasons,
        )

    def _counted_rows(
        self, source: RowSource, schema: Schema, first: date, last: date, columns: Sequence[str]
    ) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "day"]))
        low, high = day_number(first), day_number(last)
        frames = [pl.DataFrame(schema={name: schema[name] for name in names}).with_columns(categorical_text())]
        for key in self.keys():
            here = period(key, self.zone)
            if _touches(here, first, last):
                within = here.first_day >= low and here.last_day <= high
                frames += [_between(frame, low, high, within=within) for frame in self._period(key, source, names)]
        return pl.concat(frames).select(columns)

    def _days_with_events(self, key: str) -> tuple[int, int] | None:
        """The first and the last local day of a period that have events. The bounds of the period would not do: a
        folded month begins on its first day, whenever the property began.
        """
        days = pl.concat([frame["day"] for frame in self._period(key, RowSource.CONDENSED, ["day"])])
        return None if days.is_empty() else (cast(int, days.min()), cast(int, days.max()))

    def _period(self, key: str, section: str, names: list[str]) -> list[pl.DataFrame]:
        """Returns the frames that show a period: its layers, with the tail's change on top."""
        checkpoint()
        change = self.changes.get(key)
        if change is None:
            return self._sealed(key, section, names)
        hidden = ~pl.col("visitor").is_in(change.layer.visitors.implode())
        below = self._sealed(key, section, list(dict.fromkeys([*names, "visitor"])))
        top = (
            condensed_rows(change.layer.events, names)
            if section == RowSource.CONDENSED
            else getattr(change.layer, section)
        )
        shown = top.select(names).with_columns(categorical_text())
        return [*(frame.filter(hidden).select(names) for frame in below), shown]

    def _sealed(self, key: str, section: str, names: list[str]) -> list[pl.DataFrame]:
        return self.sealed.categorical(key, section, names) if key in self.sealed.manifest.periods else []

    def _contents(self, key: str, positions: pl.Series) -> Iterator[pl.DataFrame]:
        """Yields the content of rejected hits of a period: as it was sent, then what is known of duplicates."""
        among = pl.col("position").is_in(positions.implode())
        if change := self.changes.get(key):
            yield change.layer.rejected.filter(among).select(*CONTENT_OF_HIT)
        if key in self.sealed.manifest.periods:
            yield from self.sealed.contents(key, positions)
        for frame in self._period(key, "duplicates", ["position", *TOLD]):
            yield frame.filter(among).select("position", CONTENT_OF_DUPLICATE.alias("content"))

    def _section(self, section: str, schema: Schema, first: date, last: date) -> pl.DataFrame:
        """Returns all rows of a section in the periods that the days touch, also those of other days. The schema says
        whether text is text or Categorical."""
        touched = [key for key in self.keys() if _touches(period(key, self.zone), first, last)]
        frames = [frame for key in touched for frame in self._period(key, section, list(schema))]
        return pl.concat([pl.DataFrame(schema=schema), *(conform(frame, schema) for frame in frames)])


def _touches(here: Period, first: date, last: date) -> bool:
    return here.first_day <= day_number(last) and here.last_day >= day_number(first)


def _between(frame: pl.DataFrame, low: int, high: int, *, within: bool) -> pl.DataFrame:
    return frame if within else frame.filter(pl.col("day").is_between(low, high))
