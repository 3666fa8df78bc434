"""The rows that reports count: events, or runs of neighbouring events that no report could tell apart.

Segments keep the events of a session together, so a run is most of a session: a third of the rows, and exact, because a
run ends wherever one of the columns changes.
"""

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

from reporting.metrics import Measure

COLUMNS: Final[Mapping[Measure, tuple[str, ...]]] = {
    "events": (),
    "page_views": ("page_view",),
    "engagement_ms": ("engagement_ms",),
    "key_events": ("key",),
    "visitors": ("visitor",),
    "active_visitors": ("visitor", "active"),
    "sessions": ("session",),
    "engaged_sessions": ("session", "engaged"),
    "duration_ms": ("session", "day", "duration_ms"),
}
SUMS: Final[Mapping[Measure, str]] = {
    "events": "events",
    "page_views": "page_view",
    "engagement_ms": "engagement_ms",
    "key_events": "key",
}
# Columns that seldom change within a session and day. The others make runs too short to be worth it.
STEADY: Final = frozenset(
    {
        *("day", "visitor", "session", "engaged", "active", "duration_ms", "country", "device", "browser", "system"),
        *("session_source", "session_medium", "session_campaign", "session_channel", "session_groups"),
    }
)


def can_condense(columns: Collection[str]) -> bool:
    return set(columns) <= STEADY | set(SUMS.values())


def single(events: pl.DataFrame) -> pl.DataFrame:
    """Each event as a row of its own: adds the column `events`, which is 1."""
    return events.with_columns(pl.lit(1, dtype=pl.UInt32).alias("events"))


def condense(events: pl.DataFrame) -> pl.DataFrame:
    """One row per run of neighbours with equal STEADY columns; `events` and the columns of SUMS are added up."""
    steady = [name for name in events.columns if name in STEADY]
    if events.is_empty() or not steady:
        return single(events)
    heads = events.lazy().select(_changes(steady).arg_true()).collect().to_series()
    tails = pl.concat([heads.slice(1) - 1, pl.Series([events.height - 1], dtype=heads.dtype)])
    lengths = (tails - heads + 1).alias("events")
    added = [_between(events[name].cum_sum().gather(tails)) for name in SUMS.values() if name in events.columns]
    return events.select(steady)[heads].hstack([*added, lengths])


def _between(sums: pl.Series) -> pl.Series:
    """What each running sum adds to the one before."""
    return sums - sums.shift(fill_value=0)


def _changes(columns: list[str]) -> pl.Expr:
    first = pl.int_range(pl.len()) == 0
    return pl.any_horizontal(first, *(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns))
