"""The periods of a property in order: new events enter where they belong, and what changes runs forward until it
changes nothing.

`advance` asks a `Periods` for what there is and answers with what must be put on top. The seal writes its answer
down; a report applies it to the tail without writing. The same function either way, so both give the same numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from processing.periods import Period, local_days, period
from processing.schema import EVENTS
from processing.segments import EMPTY, Layer, affected, build, carry_out, fold, only, unmasked
from processing.sessions import OPEN_SESSIONS, Carry, no_carry


class Change(NamedTuple):
    """A new layer on a period, and the carry that the period is now built on."""

    period: Period
    layer: Layer
    carry: Carry
    was: Layer  # what the layer masks: the rows of its visitors so far


class Periods(Protocol):
    """What is known of one property: which periods it has, and the rows in them."""

    zone: str
    timeout_ms: int

    def keys(self) -> Iterable[str]:
        """The keys of the periods that have rows, in order of time."""

    def key_of(self, day: int) -> str:
        """The period that a local day belongs to, whether it has rows or not."""

    def rows(self, key: str, visitors: pl.Series) -> Layer:
        """All rows of the given visitors."""

    def carry(self, key: str) -> Carry:
        """The carry that the period is built on."""

    def ending(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """OPEN_SESSIONS at the end of the period, and the events that are not stable (OPEN_IDS and `stable`)."""


def advance(periods: Periods, new: pl.DataFrame) -> list[Change]:
    """The changes that EVENTS bring about, in order of time."""
    arriving = _by_period(periods, new)
    if not arriving:
        return []
    keys = sorted({*periods.keys(), *arriving}, key=lambda key: period(key, periods.zone).start)
    known, changes = set(periods.keys()), _Changes(periods)
    for number, key in enumerate(keys):
        if number >= keys.index(min(arriving, key=keys.index)):
            changes.visit(key, arriving.get(key), keys[number - 1] if number else None, known)
    return changes.made


class _Changes:
    """The pass over the periods: what has been changed so far, and the ends that follow from it."""

    def __init__(self, periods: Periods) -> None:
        self.periods = periods
        self.made: list[Change] = []

    def visit(self, key: str, new: pl.DataFrame | None, before: str | None, known: set[str]) -> None:
        here, exists = period(key, self.periods.zone), key in known
        was = self.periods.carry(key) if exists else no_carry()
        if new is None and not self._just_changed(before):
            return
        now = self._carry_into(here, before) if before else no_carry()
        rows = pl.DataFrame(schema=EVENTS) if new is None else new
        visitors = affected(rows, was, now)
        if visitors.is_empty():
            return
        old = self.periods.rows(key, visitors)
        layer = build(old, rows, now, visitors, here, self.periods.timeout_ms)
        self.made.append(Change(here, layer, now, old))

    def _just_changed(self, key: str | None) -> bool:
        return bool(self.made) and self.made[-1].period.key == key

    def _carry_into(self, here: Period, before: str) -> Carry:
        still_open, ids = self.periods.ending(before) if before in set(self.periods.keys()) else _nothing()
        carry = self.periods.carry(before) if before in set(self.periods.keys()) else no_carry()
        if self._just_changed(before):
            still_open, ids, carry = _on_top(self.made[-1], still_open, ids)
        return carry_out(still_open, ids, carry, here.start, self.periods.timeout_ms)


def _on_top(change: Change, still_open: pl.DataFrame, ids: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, Carry]:
    hidden = ~pl.col("visitor").is_in(change.layer.visitors.implode())
    columns = ["visitor", "hit", "time", "stable"]
    return (
        pl.concat([still_open.filter(hidden), change.layer.open]),
        pl.concat([ids.filter(hidden).select(columns), change.layer.events.select(columns)]),
        change.carry,
    )


def _nothing() -> tuple[pl.DataFrame, pl.DataFrame]:
    return pl.DataFrame(schema=OPEN_SESSIONS), pl.DataFrame(schema=EVENTS)


def _by_period(periods: Periods, new: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The new events by the period of their hit's first event."""
    if new.is_empty():
        return {}
    first = new.select(pl.col("time").sort_by("index").first().over("position")).to_series()
    days = local_days(first, periods.zone)
    keys = {day: periods.key_of(day) for day in days.unique()}
    named = new.with_columns(days.replace_strict(keys, return_dtype=pl.String).alias("period"))
    return {str(key[0]): rows for key, rows in named.partition_by("period", as_dict=True, include_key=False).items()}


class InMemory:
    """Periods held as layers in memory: the whole history of a small property, or a test's."""

    def __init__(self, zone: str, timeout_ms: int, key_of: Callable[[int], str]) -> None:
        self.zone, self.timeout_ms, self.key_of = zone, timeout_ms, key_of
        self.layers: dict[str, list[Layer]] = {}
        self.carries: dict[str, Carry] = {}

    def keys(self) -> Iterable[str]:
        return sorted(self.layers)

    def rows(self, key: str, visitors: pl.Series) -> Layer:
        if key not in self.layers:
            return EMPTY
        whole = fold(self.layers[key])
        return Layer(visitors, *(only(frame, visitors) for frame in whole[1:]))

    def carry(self, key: str) -> Carry:
        return self.carries[key]

    def ending(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        whole = fold(self.layers[key])
        return whole.open, whole.events

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.layers.setdefault(change.period.key, []).append(change.layer)
            self.carries[change.period.key] = change.carry

    def fold(self, key: str) -> None:
        self.layers[key] = [fold(self.layers[key])]

    def events(self) -> pl.DataFrame:
        return pl.concat([layer.events for layer in self._visible()])

    def duplicates(self) -> pl.DataFrame:
        return pl.concat([layer.duplicates for layer in self._visible()])

    def _visible(self) -> list[Layer]:
        return [unmasked(layers, number) for layers in self.layers.values() for number in range(len(layers))]
