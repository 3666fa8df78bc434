"""Raw events as the rows of a file: one row for each counted event, day by day, in order of time."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import polars as pl

from processing.interruption import checkpoint
from processing.pipeline.custom_values import MILLIONTHS
from processing.schema import ITEM_FACTS
from processing.segments.read_view import EVENT_OF_ITEM
from processing.sessions.condensed import RowSource
from reporting.query.derived_columns import parts_of
from reporting.query.load import ReportSource, completed
from reporting.query.whole_sessions import read_rows
from reporting.registry.custom import definitions_of
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension
from reporting.registry.history_columns import stored_columns

PART_ROWS: Final = 20_000
ORDER: Final = ("time", "hit", "index")
AMOUNTS: Final = ("value", "tax", "shipping")
# What is not a dimension. Visitor and session are pseudonyms: equal in the rows of one visitor, of one session.
OWN: Final = {
    "time": pl.col("time").cast(pl.Datetime("ms", "UTC")),
    "visitor": pl.col("visitor").cast(pl.String),
    "session": pl.col("session").cast(pl.String),
    "isKeyEvent": pl.col("key").cast(pl.Boolean),
    "keyEventValue": pl.when("key").then("key_value").fill_null(0) / MILLIONTHS,
    "engagementSeconds": pl.col("engagement_ms").fill_null(0) / 1000,
    **{name: pl.col(name) / MILLIONTHS for name in AMOUNTS},  # in the event's currency
}
OWN_COLUMNS: Final = ("visitor", "session", "key", "key_value", "engagement_ms", *AMOUNTS)
ITEMS: Final = "items"  # the column of the event's items, as a JSON list
MONEY_OF_ITEM: Final = ("item_price", "item_discount", "item_value")


def event_parts(view: ReportSource, first: date, last: date) -> Iterator[pl.DataFrame]:
    """Yields the events of the local days in parts of at most PART_ROWS rows; the first part is empty.

    It has one column for each of OWN, one for each dimension of events that is not a part of the time, and ITEMS.
    """
    dimensions = _dimensions(view)
    names = {*ORDER, *OWN_COLUMNS, *EVENT_OF_ITEM, "day"}
    names |= {column for dimension in dimensions for column in dimension.columns}
    read = sorted(stored_columns(parts_of(names)))
    exprs = [expr.alias(name) for name, expr in OWN.items()]
    exprs += [dimension.text(dimension.key(view.zone)).alias(dimension.name) for dimension in dimensions]
    nothing = completed(view.events(first, first, read).clear(), names, view)
    yield nothing.select(*exprs, pl.lit(None, pl.String).alias(ITEMS))
    days = view.events(first, last, ["day"])["day"].unique().sort()
    for day in days.cast(pl.Date):
        checkpoint()
        items = _items(view, day)
        for part in read_rows(view, RowSource.EVENTS, day, day, read).sort(ORDER).iter_slices(PART_ROWS):
            checkpoint()
            rows = completed(part, names, view).join(items, on=EVENT_OF_ITEM, how="left", maintain_order="left")
            yield rows.select(*exprs, ITEMS)


def _items(view: ReportSource, day: date) -> pl.DataFrame:
    """Returns the events that have items, with these as a JSON list; the names lose their "item_"."""
    rows = view.items(day, day, [*EVENT_OF_ITEM, *ITEM_FACTS]).sort(*EVENT_OF_ITEM, "number")
    plain = rows.with_columns(
        pl.col(pl.Categorical).cast(pl.String), *(pl.col(name) / MILLIONTHS for name in MONEY_OF_ITEM)
    )
    facts = [pl.col(name).alias(name.removeprefix("item_")) for name in ITEM_FACTS if name != "number"]
    encoded = plain.select(*EVENT_OF_ITEM, pl.struct(facts).struct.json_encode().alias(ITEMS))
    return encoded.group_by(EVENT_OF_ITEM).agg(pl.format("[{}]", pl.col(ITEMS).str.join(",")))


def _dimensions(view: ReportSource) -> list[Dimension]:
    by_name = {**DIMENSIONS, **definitions_of(view.rules).dimensions}
    return [dimension for dimension in by_name.values() if dimension.category != "Time" and dimension.scope != "item"]
