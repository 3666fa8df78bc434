"""Raw events as the rows of a file: one row for each counted event, day by day, in order of time."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from processing.interruption import checkpoint
from processing.pipeline.custom_values import MILLIONTHS
from processing.sessions.condensed import RowSource
from reporting.query.history import with_history
from reporting.query.load import ReportSource
from reporting.query.whole_sessions import read_rows
from reporting.registry.custom import definitions_of
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension
from reporting.registry.history_columns import stored_columns

PART_ROWS: Final = 20_000
ORDER: Final = ("time", "hit", "index")
# What is not a dimension. Visitor and session are pseudonyms: equal in the rows of one visitor, of one session.
OWN: Final = {
    "time": pl.col("time").cast(pl.Datetime("ms", "UTC")),
    "visitor": pl.col("visitor").cast(pl.String),
    "session": pl.col("session").cast(pl.String),
    "isKeyEvent": pl.col("key").cast(pl.Boolean),
    "keyEventValue": pl.when("key").then("key_value").fill_null(0) / MILLIONTHS,
    "engagementSeconds": pl.col("engagement_ms").fill_null(0) / 1000,
}
OWN_COLUMNS: Final = ("visitor", "session", "key", "key_value", "engagement_ms")


def event_parts(view: ReportSource, first: date, last: date) -> Iterator[pl.DataFrame]:
    """Yields the events of the local days in parts of at most PART_ROWS rows; the first part is empty.

    It has one column for each of OWN, and one for each dimension of the property that is not a part of the time.
    """
    dimensions = _dimensions(view)
    names = {*ORDER, *OWN_COLUMNS, "day", *(column for dimension in dimensions for column in dimension.columns)}
    read = sorted(stored_columns(names))
    exprs = [expr.alias(name) for name, expr in OWN.items()]
    exprs += [dimension.text(dimension.key(view.zone)).alias(dimension.name) for dimension in dimensions]
    nothing = with_history(view.events(first, first, read).clear(), names, view)
    yield nothing.select(exprs)
    days = view.events(first, last, ["day"])["day"].unique().sort()
    for day in days.cast(pl.Date):
        checkpoint()
        for part in read_rows(view, RowSource.EVENTS, day, day, read).sort(ORDER).iter_slices(PART_ROWS):
            checkpoint()
            yield with_history(part, names, view).select(exprs)


def _dimensions(view: ReportSource) -> list[Dimension]:
    by_name = {**DIMENSIONS, **definitions_of(view.rules).dimensions}
    return [dimension for dimension in by_name.values() if dimension.category != "Time"]
