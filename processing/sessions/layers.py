"""Layers: the rows of one property and period, and how new rows go on top of them.

`build_layer` rebuilds only the visitors that new rows or a changed carry touch; what it returns is a
layer that masks their rows in the layers below. The layers of a period, however they came about, show the same
rows: reports depend on the set of hits alone.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from processing.schema import BUILT, EVENTS, ITEMS, OPEN_IDS, OPEN_SESSIONS, REFUSED, REJECTED, empty
from processing.sessions.local_periods import Period
from processing.sessions.sessionize import (
    RESEND_WINDOW_MS,
    THREAD,
    Carry,
    Limits,
    max_gap,
    original_positions,
    sessionize,
)

ROW_ORDER: Final = {
    "events": ("visitor", "time", "hit", "index"),  # whatever the order of arrival
    "duplicates": ("visitor", "time", "position", "index"),
    "rejected": ("visitor", "time", "position"),
    "open": ("visitor", "start", "session"),
    "items": ("visitor", "time", "position", "index", "number"),
}
HIT: Final = ("visitor", "hit", "time", "received_us", "position", "stable")


class Layer(NamedTuple):
    """All rows of some visitors in one period."""

    visitors: pl.Series  # sorted and unique
    events: pl.DataFrame  # BUILT
    duplicates: pl.DataFrame  # EVENTS
    rejected: pl.DataFrame  # REFUSED
    open: pl.DataFrame  # OPEN_SESSIONS
    items: pl.DataFrame  # ITEMS, of events and duplicates


class Arrivals(NamedTuple):
    """New rows of one period: EVENTS, REJECTED, and the ITEMS of the events."""

    events: pl.DataFrame
    rejected: pl.DataFrame
    items: pl.DataFrame = empty(ITEMS)


EMPTY_LAYER: Final = Layer(
    pl.Series("visitor", [], dtype=pl.UInt64),
    pl.DataFrame(schema=BUILT),
    pl.DataFrame(schema=EVENTS),
    pl.DataFrame(schema=REFUSED),
    pl.DataFrame(schema=OPEN_SESSIONS),
    pl.DataFrame(schema=ITEMS),
)
NO_ARRIVALS: Final = Arrivals(pl.DataFrame(schema=EVENTS), pl.DataFrame(schema=REJECTED))


def affected_visitors(new: Arrivals, was: Carry, now: Carry) -> pl.Series:
    """Returns the visitors whose rows must be built again, sorted: those with new rows or a changed carry."""
    changed = [_changed(was.sessions, now.sessions), _changed(was.ids, now.ids)]
    return pl.concat([new.events["visitor"], new.rejected["visitor"], *changed]).unique().sort().alias("visitor")


def build_layer(old: Layer, new: Arrivals, carry: Carry, visitors: pl.Series, period: Period, limits: Limits) -> Layer:
    """Builds the layer of the visitors: `old` holds their rows so far (and may hold others'), `new` those that came."""
    before = [old.events.select(*EVENTS), old.duplicates]
    rows = pl.concat([*(only_visitors(frame, visitors) for frame in before), new.events.select(*EVENTS)])
    rejected = pl.concat([only_visitors(old.rejected, visitors).select(*REJECTED), new.rejected.select(*REJECTED)])
    first = _is_first(rows, rejected, only_visitors(carry.ids, visitors), period)
    counted, duplicates = rows.filter(first), rows.filter(~first)
    events, still_open = sessionize(counted, only_visitors(carry.sessions, visitors), period, limits)
    items = pl.concat([only_visitors(old.items, visitors), new.items.select(*ITEMS)])
    return Layer(visitors, events, duplicates, rejected.with_columns(again=~first), still_open, items)


def count_hits(rows: pl.DataFrame) -> int:
    """Counts the hits that the rows come from: one hit may have several events."""
    return rows["position"].n_unique()


def count_rejected(layer: Layer) -> dict[str, int]:
    """Counts the hits that the layer rejects, by reason."""
    own = layer.rejected.filter(~pl.col("again"))["reason"].value_counts().iter_rows()
    again = layer.duplicates["position"].n_unique() + int(layer.rejected["again"].sum())
    return {**dict(own), **({"duplicate": again} if again else {})}


def carry_after(still_open: pl.DataFrame, ids: pl.DataFrame, carry: Carry, until: int, timeout_ms: int) -> Carry:
    """Returns what the next period, which starts at `until` (ms), must know.

    `ids` are the OPEN_IDS of the period's own hits, see `unstable_ids`.
    """
    return Carry(_open_sessions(still_open, until, timeout_ms), _open_ids(ids, carry, until))


def fold_layers(layers: Sequence[Layer]) -> Layer:
    """Folds the layers of a period, lowest first, into one layer that shows the same rows."""
    return side_by_side([unmasked(layers, number) for number in range(len(layers))])


def side_by_side(layers: Sequence[Layer]) -> Layer:
    """Joins layers of which none masks rows of another one, such as layers of several days."""
    frames = {
        name: pl.concat([getattr(layer, name) for layer in layers]).sort(order) for name, order in ROW_ORDER.items()
    }
    return Layer(pl.concat([layer.visitors for layer in layers]).unique().sort(), **frames)


def unmasked(layers: Sequence[Layer], number: int) -> Layer:
    """Returns the rows of one layer that no layer above it masks."""
    layer, above = layers[number], [upper.visitors for upper in layers[number + 1 :]]
    if not above:
        return layer
    hidden = pl.concat(above)
    return Layer(layer.visitors, *(without_visitors(frame, hidden) for frame in layer[1:]))


def only_visitors(frame: pl.DataFrame, visitors: pl.Series) -> pl.DataFrame:
    return frame.filter(pl.col("visitor").is_in(visitors.implode()))


def without_visitors(frame: pl.DataFrame, visitors: pl.Series) -> pl.DataFrame:
    return frame.filter(~pl.col("visitor").is_in(visitors.implode()))


def _is_first(rows: pl.DataFrame, rejected: pl.DataFrame, earlier: pl.DataFrame, period: Period) -> pl.Expr:
    """Returns whether a row's hit is not a re-send. Rejected hits take part, so that none is rejected twice."""
    hits = pl.concat([rows.select(HIT), rejected.select(HIT)])
    return pl.col("position").is_in(original_positions(hits, earlier, period).implode())


def _open_sessions(still_open: pl.DataFrame, until: int, timeout_ms: int) -> pl.DataFrame:
    """Returns the last session of each thread, if a hit at `until` would still continue it."""
    # No session survives a day without hits, so the sessions that the period itself was given do not matter here.
    alive = still_open.filter(pl.col("last") + max_gap(timeout_ms) >= until)
    ordered = alive.sort(*THREAD, "last", "start", nulls_last=False)
    return ordered.unique(THREAD, keep="last", maintain_order=True).select(*OPEN_SESSIONS)


def unstable_ids(events: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """Returns the OPEN_IDS of hits whose time depends on receipt, without re-sends."""
    not_again = rejected.filter(~pl.col("stable") & ~pl.col("again"))
    return pl.concat([events.filter(~pl.col("stable")).select(*OPEN_IDS), not_again.select(*OPEN_IDS)])


def _open_ids(ids: pl.DataFrame, carry: Carry, until: int) -> pl.DataFrame:
    recent = pl.concat([carry.ids, ids]).filter(pl.col("time") >= until - RESEND_WINDOW_MS)
    return recent.unique().sort(*OPEN_IDS)


def _changed(was: pl.DataFrame, now: pl.DataFrame) -> pl.Series:
    """Returns the visitors of rows that are in only one of the two frames."""
    rows = pl.concat([was, now])
    once = rows.group_by(rows.columns).len("times").filter(pl.col("times") == 1)
    return once["visitor"]
