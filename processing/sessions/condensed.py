"""Stretches: neighbouring events that no report on whole sessions could tell apart, as one row.

Segments keep the events of a session together, so a stretch is most of a session: a third to a fifth of the rows, and
exact, because a stretch ends wherever one of its columns changes.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from processing.schema import BUILT, Schema

# Columns that seldom change within a session and day. The others make stretches too short to be worth it.
STEADY: Final = (
    *("day", "visitor", "session", "engaged", "active", "duration_ms", "country", "device", "browser", "system"),
    *("session_source", "session_medium", "session_campaign", "session_channel", "session_groups"),
)
ADDED_UP: Final[Schema] = {"page_view": pl.UInt32(), "engagement_ms": pl.Int64(), "key": pl.UInt32()}
LENGTH: Final = "events"  # how many events a stretch is
# To be raised where the columns of STRETCHES change: what was written before is not read then.
VERSION: Final = 1
CONDENSED: Final[Schema] = {**{name: BUILT[name] for name in STEADY}, **ADDED_UP, LENGTH: pl.UInt32()}
WORTH_ROWS: Final = 4_096  # the stretches of fewer events are found while they are read


def sources(names: Sequence[str]) -> list[str]:
    """The columns of events that these columns of stretches are made of."""
    return [name for name in names if name != LENGTH]


def single(events: pl.DataFrame) -> pl.DataFrame:
    """Each event as a stretch of its own."""
    return events.with_columns(pl.lit(1, dtype=pl.UInt32).alias(LENGTH))


def condense(events: pl.DataFrame) -> pl.DataFrame:
    """One row per stretch of neighbours with equal STEADY columns, as far as they are there; LENGTH and the columns of
    ADDED_UP are added up.
    """
    steady = [name for name in events.columns if name in STEADY]
    if events.is_empty() or not steady:
        return single(events).with_columns(
            pl.col(name).cast(ADDED_UP[name]) for name in events.columns if name in ADDED_UP
        )
    heads = events.lazy().select(_changes(steady).arg_true()).collect().to_series()
    tails = pl.concat([heads.slice(1) - 1, pl.Series([events.height - 1], dtype=heads.dtype)])
    lengths = (tails - heads + 1).alias(LENGTH)
    added = [_between(_sums(events[name]).gather(tails)) for name in ADDED_UP if name in events.columns]
    return events.select(steady)[heads].hstack([*added, lengths])


def condensed_rows(events: pl.DataFrame, names: Sequence[str] = tuple(CONDENSED)) -> pl.DataFrame:
    """The named columns of STRETCHES, of BUILT events that have at least the sources of these columns."""
    return condense(events.select(sources(names))).select(names)


def _sums(column: pl.Series) -> pl.Series:
    """Running ones. What is null adds nothing; left null, it would be lost what the rest of its stretch adds."""
    return column.cast(ADDED_UP[column.name]).fill_null(0).cum_sum()


def _between(sums: pl.Series) -> pl.Series:
    """What each running sum adds to the one before."""
    return sums - sums.shift(fill_value=0)


def _changes(columns: list[str]) -> pl.Expr:
    first = pl.int_range(pl.len()) == 0
    return pl.any_horizontal(first, *(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns))
