"""First sightings of the periods that no longer change, merged once and kept while there is room.

    periods of the property     … | September | October | 1 … 25 November | 26 | 27 | 28 | 29 November
                                  merged, kept                            | merged for each view

A view merges only its newest periods, and those that changed since the others were merged. What is kept holds for as
long as its periods have the same layers, whatever manifest or view names them.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from threading import Lock
from typing import Final, NamedTuple

import polars as pl

from processing.interruption import checkpoint
from processing.segments.manifest import LayerRef
from processing.segments.sealed_periods import SealedPeriods, categorical_text
from processing.sessions.first_sightings import FirstSightings, Sighting, first_sightings, merge_sightings
from processing.sessions.timeline import PeriodChange

DEFAULT_BYTES: Final = 128 * 2**20
NEWEST: Final = 4  # periods that are left out: hits may come for 72 hours
MOST_MERGED: Final = 100_000  # events of other periods; with more of them, they are merged and kept too

_Key = tuple[int, int, str]


class Settled(NamedTuple):
    """The merged rows of some periods without the rows of hidden visitors, and these periods' layers."""

    rows: pl.DataFrame
    layers: Mapping[str, tuple[LayerRef, ...]]
    hidden: bytes = b""


class SettledSightings:
    """A cache, least recently used out first. Safe to share between threads."""

    def __init__(self, capacity: int = DEFAULT_BYTES) -> None:
        self._capacity = capacity
        self._kept = OrderedDict[_Key, Settled]()
        self._lock = Lock()
        self._merging = defaultdict[_Key, Lock](Lock)

    def with_newest(
        self,
        property: int,
        generation: int,
        kind: Sighting,
        sealed: SealedPeriods,
        changes: Mapping[str, PeriodChange],
    ) -> FirstSightings:
        """Returns the first sightings of a kind in sealed periods, with changes on top of them."""
        unchanged = [key for key in sealed.keys() if key not in changes]  # noqa: SIM118 - not a dict
        settled = self._settled((property, generation, kind.section), kind, sealed, unchanged)
        rest = [key for key in {*sealed.manifest.periods, *changes} if key not in settled.layers]
        rows = [frame for key in rest for frame in _visible(sealed, changes.get(key), key, kind)]
        return FirstSightings(kind, [settled.rows, merge_sightings(rows, kind)])

    @property
    def bytes(self) -> int:
        """About how much memory it holds."""
        with self._lock:
            return sum(map(_bytes, self._kept.values()))

    def _settled(self, key: _Key, kind: Sighting, sealed: SealedPeriods, unchanged: list[str]) -> Settled:
        """Returns the merged rows of some of the periods that are unchanged, which come in order of time."""
        hidden = b"" if sealed.hidden is None else sealed.hidden.to_numpy().tobytes()
        with self._lock:
            merging = self._merging[key]
        with merging:
            settled = self._get(key)
            if settled is None or settled.hidden != hidden or not _has_all(sealed, unchanged, settled):
                settled = Settled(pl.DataFrame(schema=kind.schema), {}, hidden)
            more = [name for name in unchanged[:-NEWEST] if name not in settled.layers]
            events = sum(sealed.manifest.periods[name].events for name in more)
            if more and (not settled.layers or events > MOST_MERGED):
                settled = self._keep(key, _with_periods(settled, kind, sealed, more))
            return settled

    def _get(self, key: _Key) -> Settled | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: _Key, settled: Settled) -> Settled:
        with self._lock:
            self._kept[key] = settled
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self._capacity:
                self._kept.popitem(last=False)
        return settled


def _has_all(sealed: SealedPeriods, unchanged: list[str], settled: Settled) -> bool:
    """Returns whether everything that was merged is as it was."""
    periods = sealed.manifest.periods
    return settled.layers.keys() <= set(unchanged) and all(
        periods[name].layers == layers for name, layers in settled.layers.items()
    )


def _with_periods(settled: Settled, kind: Sighting, sealed: SealedPeriods, more: list[str]) -> Settled:
    rows = merge_sightings(
        [settled.rows, *(frame for key in more for frame in _visible(sealed, None, key, kind))], kind
    )
    return settled._replace(
        rows=rows, layers={**settled.layers, **{name: sealed.manifest.periods[name].layers for name in more}}
    )


def _visible(sealed: SealedPeriods, change: PeriodChange | None, key: str, kind: Sighting) -> list[pl.DataFrame]:
    """Returns the rows of a period: those of its layers, with the change on top."""
    checkpoint()
    frames = sealed.first_sightings(key, kind) if key in sealed.manifest.periods else []
    if change is None:
        return frames
    hidden = ~pl.col("visitor").is_in(change.layer.visitors.implode())
    events = change.layer.events.select(kind.source_columns).with_columns(categorical_text())
    return [*(frame.filter(hidden) for frame in frames), first_sightings(events, kind)]


def _bytes(settled: Settled) -> int:
    return int(settled.rows.estimated_size())
