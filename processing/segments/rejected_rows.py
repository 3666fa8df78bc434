"""Puts rejected hits together: those that a step rejected, and re-sends of counted hits."""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from processing.pipeline.steps.implied_events import IMPLIED
from processing.schema import AGAIN_COLUMN, EVENTS, LISTED, Schema, conform

LISTED_CODES: Final[Schema] = {
    name: pl.Categorical() if dtype == pl.String() else dtype for name, dtype in LISTED.items()
}
DUPLICATE: Final = pl.lit("duplicate", dtype=pl.Categorical())
# Duplicates are events, and have no content of their own: it is made of what is known of them.
TOLD: Final = ("event", "host", "path")
CONTENT_OF_DUPLICATE: Final = pl.format("en={}&dl={}{}", *(pl.col(name).cast(pl.String).fill_null("") for name in TOLD))

ReadSection = Callable[[str, Schema], pl.DataFrame]


def rejected_rows(read: ReadSection, names: Sequence[str]) -> pl.DataFrame:
    """Returns columns of schema.LISTED, text as Categorical. `read` reads a section in the types of a schema."""
    return pl.concat([_rejected_by_steps(read, names), _duplicates(read, names)])


def _rejected_by_steps(read: ReadSection, names: Sequence[str]) -> pl.DataFrame:
    again = {AGAIN_COLUMN.name: AGAIN_COLUMN.dtype} if "reason" in names else {}
    rows = read("rejected", {**{name: LISTED_CODES[name] for name in names}, **again})
    if again:
        reason = pl.when(AGAIN_COLUMN.name).then(DUPLICATE).otherwise("reason")
        rows = rows.with_columns(reason.alias("reason"))
    return rows.select(names)


def _duplicates(read: ReadSection, names: Sequence[str]) -> pl.DataFrame:
    """Returns the re-sends of counted hits, by their first own event; no program has sent them."""
    known = [name for name in (*names, "position", "index") if name in EVENTS]
    rows = read("duplicates", {name: LISTED_CODES.get(name, EVENTS[name]) for name in known})
    own = rows.filter(pl.col("index") >= len(IMPLIED))
    firsts = own.sort("position", "index").unique("position", keep="first", maintain_order=True)
    return conform(firsts.with_columns(DUPLICATE.alias("reason")), {name: LISTED_CODES[name] for name in names})
