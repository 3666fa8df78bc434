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

PART_ROWS: Final = 20_000  # events and items together
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
        items = view.items(day, day, [*EVENT_OF_ITEM, *ITEM_FACTS])
        for part in _parts(read_rows(view, RowSource.EVENTS, day, day, read).sort(ORDER), items):
            checkpoint()
            own = _in_json(items.join(part, on=EVENT_OF_ITEM, how="semi"))
            rows = completed(part, names, view).join(own, on=EVENT_OF_ITEM, how="left", maintain_order="left")
            yield rows.select(*exprs, ITEMS)


def _parts(rows: pl.DataFrame, items: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Divides the events: one may have 200 items, each of which takes much more room in JSON than in columns."""
    numbers = items.group_by(EVENT_OF_ITEM).len("items")
    found = rows.select(EVENT_OF_ITEM).join(numbers, on=EVENT_OF_ITEM, how="left", maintain_order="left")
    part = (found["items"].fill_null(0).cast(pl.Int64) + 1).cum_sum() // PART_ROWS
    at = 0
    for length in part.rle().struct.field("len"):
        yield rows.slice(at, length)
        at += length


def _in_json(items: pl.DataFrame) -> pl.DataFrame:
    """Returns the events that have items, with these as a JSON list; the names lose their "item_"."""
    plain = items.sort(*EVENT_OF_ITEM, "number").with_columns(
        pl.col(pl.Categorical).cast(pl.String), *(pl.col(name) / MILLIONTHS for name in MONEY_OF_ITEM)
    )
    facts = [pl.col(name).alias(name.removeprefix("item_")) for name in ITEM_FACTS if name != "number"]
    encoded = plain.select(*EVENT_OF_ITEM, pl.struct(facts).struct.json_encode().alias(ITEMS))
    return encoded.group_by(EVENT_OF_ITEM).agg(pl.format("[{}]", pl.col(ITEMS).str.join(",")))


def _dimensions(view: ReportSource) -> list[Dimension]:
    by_name = {**DIMENSIONS, **definitions_of(view.rules).dimensions}
    return [dimension for dimension in by_name.values() if dimension.category != "Time" and dimension.scope != "item"]
