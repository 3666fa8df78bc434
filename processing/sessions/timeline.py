"""Puts new rows into the periods of a property, in order: a changed period may change the carry of the next one, and so
on until a carry stays the same.

`advance` reads from `Periods` and returns the layers to put on top. A seal writes them; a report shows them without
writing. Both use the same function, so both give the same numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import polars as pl

from processing.sessions.layers import (
    EMPTY_LAYER,
    NO_ARRIVALS,
    Arrivals,
    Layer,
    affected_visitors,
    build_layer,
    carry_after,
    count_rejected,
    fold_layers,
    only_visitors,
    unmasked,
    unstable_ids,
)
from processing.sessions.local_periods import Period, local_days, period
from processing.sessions.sessionize import Carry, Limits, no_carry

NO_SUSPECTS: Final[Mapping[str, Carry | None]] = MappingProxyType({})


class PeriodChange(NamedTuple):
    """A new layer on a period, and the carry that the period is now built on."""

    period: Period
    layer: Layer
    carry: Carry
    was: Layer  # what the layer masks: the rows of its visitors so far


class Periods(Protocol):
    """The periods of one property, and the rows in them."""

    zone: str
    limits: Limits
    kept_from: int  # periods that end by this instant (ms) are past their retention
    initial_carry: Carry | None  # what the first period is built on, if that is known

    def keys(self) -> Iterable[str]:
        """Returns the keys of the periods that have rows, in order of time."""

    def key_of(self, day: int) -> str:
        """Returns the key of the period that a local day belongs to, whether it has rows or not."""

    def rows(self, key: str, visitors: pl.Series) -> Layer:
        """Returns all rows of the visitors."""

    def carry(self, key: str) -> Carry:
        """Returns the carry that the period is built on."""

    def end_state(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Returns the OPEN_SESSIONS at the end of the period, and the `layers.unstable_ids` of its hits."""


def advance(periods: Periods, new: Arrivals, suspects: Mapping[str, Carry | None] = NO_SUSPECTS) -> list[PeriodChange]:
    """Returns the changes that new rows cause, in order of time.

    `suspects` are known periods that may have been built on another carry than the period before them gives. They are
    compared with that carry, or with the one given here.
    """
    arriving = _by_period(periods, new)
    if not arriving and not suspects:
        return []
    keys = sorted({*periods.keys(), *arriving}, key=lambda key: period(key, periods.zone).start)
    changes = _Changes(periods, suspects)
    for previous, key in pairwise([None, *keys]):
        before = previous if previous and changes.is_kept(previous) else None
        if key and (key in arriving or key in suspects or changes.changed_last(before)):
            changes.visit(key, arriving.get(key, NO_ARRIVALS), before)
    return changes.made


class _Changes:
    """One pass over the periods, with the changes so far."""

    def __init__(self, periods: Periods, suspects: Mapping[str, Carry | None]) -> None:
        self.periods, self.suspects = periods, suspects
        self.known = set(periods.keys())
        self.made: list[PeriodChange] = []

    def is_kept(self, key: str) -> bool:
        return period(key, self.periods.zone).end > self.periods.kept_from

    def changed_last(self, key: str | None) -> bool:
        """Returns whether the period was changed last, so that the next one may change too."""
        return bool(self.made) and self.made[-1].period.key == key

    def visit(self, key: str, new: Arrivals, before: str | None) -> None:
        here = period(key, self.periods.zone)
        was = self.periods.carry(key) if key in self.known else no_carry()
        now = was if self._is_settled(key, before) else self.suspects.get(key) or self._carry_into(here, before)
        visitors = affected_visitors(new, was, now)
        if not visitors.is_empty():
            old = self.periods.rows(key, visitors)
            layer = build_layer(old, new, now, visitors, here, self.periods.limits)
            self.made.append(PeriodChange(here, layer, now, old))

    def _is_settled(self, key: str, before: str | None) -> bool:
        return key in self.known and key not in self.suspects and not self.changed_last(before)

    def _carry_into(self, here: Period, before: str | None) -> Carry:
        if before is None:
            return self._inherited(here)
        known = before in self.known
        still_open, ids = self.periods.end_state(before) if known else (EMPTY_LAYER.open, no_carry().ids)
        carry = self.periods.carry(before) if known else no_carry()
        if self.changed_last(before):
            still_open, ids, carry = _on_top(self.made[-1], still_open, ids)
        return carry_after(still_open, ids, carry, here.start, self.periods.limits.timeout_ms)

    def _inherited(self, here: Period) -> Carry:
        """Returns the carry of a new first period: of expired periods, the ids that the next one was given remain."""
        if self.periods.initial_carry is not None:
            return self.periods.initial_carry
        later = [key for key in self.periods.keys() if self.is_kept(key)]  # noqa: SIM118 - not a dict
        if not later or not self.is_kept(here.key):
            return no_carry()
        return Carry(no_carry().sessions, self.periods.carry(later[0]).ids)


def _on_top(
    change: PeriodChange, still_open: pl.DataFrame, ids: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, Carry]:
    layer = change.layer
    hidden = ~pl.col("visitor").is_in(layer.visitors.implode())
    own = unstable_ids(layer.events, layer.rejected)
    return pl.concat([still_open.filter(hidden), layer.open]), pl.concat([ids.filter(hidden), own]), change.carry


def _by_period(periods: Periods, new: Arrivals) -> dict[str, Arrivals]:
    """Groups new rows by the period of their hit's first event."""
    events, rejected = (_by_first_event(periods, frame) for frame in (new.events, new.rejected))
    found = {key: NO_ARRIVALS._replace(rejected=rows) for key, rows in rejected.items()}
    for key, rows in events.items():
        items = new.items if len(events) == 1 else new.items.join(rows, on="position", how="semi")
        found[key] = found.get(key, NO_ARRIVALS)._replace(events=rows, items=items)
    return found


def _by_first_event(periods: Periods, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    if rows.is_empty():
        return {}
    order = "index" if "index" in rows.columns else "time"
    first = rows.select(pl.col("time").sort_by(order).first().over("position")).to_series()
    days = local_days(first, periods.zone)
    keys = {day: periods.key_of(day) for day in days.unique()}
    named = rows.with_columns(days.replace_strict(keys, return_dtype=pl.String).alias("period"))
    return {str(key[0]): part for key, part in named.partition_by("period", as_dict=True, include_key=False).items()}


class InMemory:
    """Keeps periods as layers in memory: for previews and tests."""

    def __init__(
        self, zone: str, limits: Limits, key_of: Callable[[int], str], initial_carry: Carry | None = None
    ) -> None:
        self.zone, self.limits, self.key_of, self.kept_from, self.initial_carry = zone, limits, key_of, 0, initial_carry
        self.layers: dict[str, list[Layer]] = {}
        self.carries: dict[str, Carry] = {}

    def keys(self) -> Iterable[str]:
        return sorted(self.layers)

    def rows(self, key: str, visitors: pl.Series) -> Layer:
        if key not in self.layers:
            return EMPTY_LAYER
        whole = fold_layers(self.layers[key])
        return Layer(visitors, *(only_visitors(frame, visitors) for frame in whole[1:]))

    def carry(self, key: str) -> Carry:
        return self.carries[key]

    def end_state(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        whole = fold_layers(self.layers[key])
        return whole.open, unstable_ids(whole.events, whole.rejected)

    def apply(self, changes: Sequence[PeriodChange]) -> None:
        for change in changes:
            self.layers.setdefault(change.period.key, []).append(change.layer)
            self.carries[change.period.key] = change.carry

    def fold(self, key: str) -> None:
        self.layers[key] = [fold_layers(self.layers[key])]

    def events(self) -> pl.DataFrame:
        return pl.concat([layer.events for layer in self._visible()])

    def reasons(self) -> dict[str, int]:
        """Hits that are not counted, by reason."""
        return dict(sum((Counter(count_rejected(layer)) for layer in self._visible()), Counter()))

    def _visible(self) -> list[Layer]:
        return [unmasked(layers, number) for layers in self.layers.values() for number in range(len(layers))]
