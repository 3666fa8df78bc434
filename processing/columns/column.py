"""What is said of a column of stored rows: one line for each, from which everything else is derived."""

from typing import NamedTuple

import polars as pl


class Steady(NamedTuple):
    """Condensed rows have this column as it is, since a version of theirs, at a place among the steady columns."""

    version: int
    place: int


class Summed(NamedTuple):
    """Condensed rows have the sum of this column over their events, with a type of its own."""

    version: int
    place: int
    dtype: pl.DataType


class Column(NamedTuple):
    """`added`: the first version of stored rows lacks the column; there it reads as `fallback`, or null without one.

    `attribution`: the column `session_…` holds the value of the session's first event, for all events of the session;
    condensed rows keep that column.
    """

    name: str
    dtype: pl.DataType
    added: bool = False
    fallback: str | None = None
    condensed: Steady | Summed | None = None
    attribution: Steady | None = None
