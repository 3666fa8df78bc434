"""Condensed rows: run-length aggregated events. Neighbouring events of a session that agree in every steady column
become one row, with sums.

    country  page_view            country  page_view  events
    Germany  true                 Germany  2          3
    Germany  false         ->     France   1          1
    Germany  true
    France   true

Segments keep the events of a session together, so a condensed row is most of a session: reports on whole sessions read
a third to a fifth of the rows. The figures stay exact, because a row ends wherever a steady column changes.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import polars as pl

from processing.columns.column import Steady, Summed
from processing.schema import BUILT, BUILT_COLUMNS, Schema


class RowSource(StrEnum):
    """The rows that a report counts. The value is the name of the section that segments store them under."""

    EVENTS = "events"
    CONDENSED = "stretches"
    ITEMS = "items"
    REJECTED = "rejected"  # hits that are not counted


_columns: Final = [(column, column.condensed) for column in BUILT_COLUMNS if column.condensed]
_steady: Final = [(flag, column) for column, flag in _columns if isinstance(flag, Steady)]
_summed: Final = [(flag, column) for column, flag in _columns if isinstance(flag, Summed)]
# Columns that seldom change within a session and day. With any other column the rows would be too short to be worth it.
STEADY: Final = tuple(column.name for _, column in sorted(_steady))
SUMMED: Final[Schema] = {column.name: flag.dtype for flag, column in sorted(_summed)}
EVENT_COUNT: Final = "events"  # the column that says how many events a condensed row stands for
CONDENSED: Final[Schema] = {**{name: BUILT[name] for name in STEADY}, **SUMMED, EVENT_COUNT: pl.UInt32()}
_versions: Final = {column.name: flag.version for column, flag in _columns}
CONDENSED_VERSION: Final = max(_versions.values())  # condensed rows of a later version are not read
MIN_CONDENSED_EVENTS: Final = 4_096  # fewer events are condensed while they are read


def has_condensed(names: Iterable[str], version: int) -> bool:
    """Returns whether stored condensed rows of the version have the columns. An earlier version has fewer rows than the
    present one, but the same sums for the same values.
    """
    needed = max((_versions.get(name, 1) for name in names), default=1)
    return needed <= version <= CONDENSED_VERSION


def source_columns(names: Sequence[str]) -> list[str]:
    """Returns the columns of events that these columns of condensed rows are made of."""
    return [name for name in names if name != EVENT_COUNT]


def uncondensed(events: pl.DataFrame) -> pl.DataFrame:
    """Counts each event as a row of its own."""
    return events.with_columns(pl.lit(1, dtype=pl.UInt32).alias(EVENT_COUNT))


def condensed_rows(events: pl.DataFrame, names: Sequence[str] = tuple(CONDENSED)) -> pl.DataFrame:
    """BUILT events with at least the `source_columns` of `names` -> the named columns of CONDENSED."""
    return condense(events.select(source_columns(names))).select(names)


def condense(events: pl.DataFrame) -> pl.DataFrame:
    """Aggregates each run of neighbours that agree in all STEADY columns of the frame. Adds EVENT_COUNT."""
    steady = [name for name in events.columns if name in STEADY]
    summed = [name for name in events.columns if name in SUMMED]
    if events.is_empty() or not steady:
        return uncondensed(events).with_columns(pl.col(name).cast(SUMMED[name]) for name in summed)
    firsts = events.lazy().select(_starts_run(steady).arg_true()).collect().to_series()
    lasts = pl.concat([firsts.slice(1) - 1, pl.Series([events.height - 1], dtype=firsts.dtype)])
    sums = [sums_of_runs(events[name], lasts) for name in summed]
    return events.select(steady)[firsts].hstack([*sums, (lasts - firsts + 1).alias(EVENT_COUNT)])


def _starts_run(steady: list[str]) -> pl.Expr:
    first_row = pl.int_range(pl.len()) == 0
    return pl.any_horizontal(first_row, *(pl.col(name).ne_missing(pl.col(name).shift()) for name in steady))


def sums_of_runs(column: pl.Series, lasts: pl.Series) -> pl.Series:
    """Sums a column over each run, by running totals: much quicker than grouping.

    Values [1, 0, 1 | 1] have running totals [1, 1, 2, 3]. At the runs' last rows they are [2, 3], and what each adds to
    the one before is the run's sum: [2, 1]. Nulls count as 0: a null at a run's last row would lose its total.
    """
    totals = column.cast(SUMMED[column.name]).fill_null(0).cum_sum().gather(lasts)
    return totals - totals.shift(fill_value=0)
