"""Reads rows of whole sessions: which page view is their last one, whatever the day.

Stored rows know of their session what was known at the end of their local day (`exit_path`, `last_view`). A session may
go on on later days, those of the report and those after it: no session survives a day without events.

    day            1      2      3
    stored exit    /a     /b     /c
    read           /c     /c     /c
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Protocol

import polars as pl

from processing.pipeline.conditions.dictionary_column import on_some
from processing.schema import EXIT
from processing.sessions.condensed import RowSource
from processing.sessions.local_periods import day_number

LAST_VIEW: Final = "last_view"
DAYS_AT_FIRST: Final = 1


class Rows(Protocol):
    """See load.ReportSource."""

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame: ...

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame: ...

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame: ...


def read_rows(view: Rows, source: RowSource, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
    """Returns the named columns of the local days first..last. EXIT and LAST_VIEW are those of whole sessions."""
    read = {RowSource.CONDENSED: view.condensed, RowSource.ITEMS: view.items}.get(source, view.events)
    if EXIT not in columns and LAST_VIEW not in columns:
        return read(first, last, columns)
    known = ["session", "day", *(name for name in (EXIT, LAST_VIEW) if name in columns)]
    rows = read(first, last, list(dict.fromkeys([*columns, *known])))
    parts = rows.select(known)
    if source is not RowSource.ITEMS:
        return _completed(rows, _later(view, parts, last, known)).select(columns)
    # Events without items are not among the rows, but tell how the sessions of these go on.
    parts = _of_sessions(view.condensed(first, last, known), parts)
    return _completed(rows, pl.concat([parts, _later(view, parts, last, known)])).select(columns)


def _of_sessions(found: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Keeps what is of the rows' sessions, in the types of the rows."""
    same = found.filter(pl.col("session").is_in(rows["session"].unique().implode()))
    return same.select(pl.col(name).cast(rows.schema[name]) for name in rows.columns)


def _later(view: Rows, rows: pl.DataFrame, last: date, known: list[str]) -> pl.DataFrame:
    """Returns the rows of later days of the sessions that have rows on the day `last`."""
    found = [rows.clear()]
    today, days = rows.filter(pl.col("day") == day_number(last)), DAYS_AT_FIRST
    while not today.is_empty() and last < date.max - timedelta(days=days):
        more = _of_sessions(view.condensed(last + timedelta(days=1), last + timedelta(days=days), known), today)
        found.append(more)
        last, days = last + timedelta(days=days), days * 2
        today = more.filter(pl.col("day") == day_number(last))
    return pl.concat(found)


def _completed(rows: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Gives the rows of sessions of several days what the session's last day knows."""
    going_on = _sessions_of_several_days(rows, later)
    if going_on.is_empty():
        return rows
    mask = rows["session"].is_in(going_on.implode())
    some = rows.select(later.columns).filter(mask)
    parts = pl.concat([some, later])
    whole = list[pl.Series]()
    if EXIT in parts.columns:
        last = parts.sort("day").unique("session", keep="last").select("session", EXIT)
        whole.append(some.select("session").join(last, on="session", how="left", maintain_order="left")[EXIT])
    if LAST_VIEW in parts.columns:
        views = parts.filter(pl.col(LAST_VIEW).cast(pl.Boolean)).group_by("session").agg(leaves=pl.col("day").max())
        joined = some.join(views, on="session", how="left", maintain_order="left")
        stays = (pl.col("day") == pl.col("leaves")).fill_null(value=True)
        none = pl.lit(0).cast(rows.schema[LAST_VIEW])
        whole.append(joined.select(pl.when(stays).then(LAST_VIEW).otherwise(none).alias(LAST_VIEW)).to_series())
    return rows.with_columns(_replaced(rows[new.name], mask, new) for new in whole)


def _sessions_of_several_days(rows: pl.DataFrame, later: pl.DataFrame) -> pl.Series:
    """Rows of one session and day lie together mostly, so that the first of each run is enough."""
    begins = [pl.col(name).ne_missing(pl.col(name).shift()) for name in ("session", "day")]
    runs = rows.select("session", "day").filter(pl.any_horizontal(begins))
    days = pl.concat([runs, later.select("session", "day")]).group_by("session")
    ends = days.agg(first=pl.col("day").min(), last=pl.col("day").max())
    return ends.filter(pl.col("first") < pl.col("last"))["session"]


def _replaced(column: pl.Series, mask: pl.Series, values: pl.Series) -> pl.Series:
    """Returns the column with these values in the rows of the mask."""
    return on_some(column, mask, lambda _: values).zip_with(mask, column).alias(column.name)
