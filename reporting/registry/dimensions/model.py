"""What a dimension of reports is, and the shapes that many share."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import polars as pl

from processing.pipeline.custom_values import extract, read_each
from processing.schema import BUILT, ITEMS

NOT_SET: Final = "(not set)"
ONLY_OF_ITEMS: Final = ITEMS.keys() - BUILT.keys()
TIME_COLUMNS: Final = {"day", "time"}


class Dimension(NamedTuple):
    """Reports group by `key`, which is quicker than by text; `text` is applied to the keys of the answer only.

    The date 20261110 has the key 20767, days since 1970.
    """

    name: str  # as the APIs call it
    label: str  # as the dashboard calls it
    category: str
    scope: str  # "event", "session", "user" or "item"
    definition: str
    example: str  # a value as reports show it; "" for what a report derives
    columns: tuple[str, ...]
    key: Callable[[str], pl.Expr]  # time zone -> texts or integers, never null, one for each text
    text: Callable[[pl.Expr], pl.Expr]  # key -> String
    divides_hours: bool = False  # events of one hour may have different values

    @property
    def is_time(self) -> bool:
        """Whether its values are intervals of whole hours, which are known without any event."""
        return set(self.columns) <= TIME_COLUMNS and not self.divides_hours

    def texts_of(self, rows: pl.DataFrame, zone: str) -> pl.Series:
        """Returns the text of each row."""
        return rows.select(self.text(self.key(zone)).alias(self.name)).to_series()


def filled(column: str) -> pl.Expr:
    return pl.col(column).fill_null(NOT_SET)


def plain(key: pl.Expr) -> pl.Expr:
    return key.cast(pl.String)


def of_column(name: str, label: str, category: str, definition: str, column: str, *, example: str) -> Dimension:
    scope = _scope(column)
    return Dimension(name, label, category, scope, definition, example, (column,), lambda _zone: filled(column), plain)


def translated(
    name: str,
    label: str,
    category: str,
    definition: str,
    *,
    column: str,
    names: Callable[[], Mapping[str, str]],
    example: str,
) -> Dimension:
    """Returns the dimension of what a table calls the values of a column; values that it lacks are not set."""
    value = read_each(
        column, lambda texts: texts.replace_strict(names(), default=None, return_dtype=pl.String())
    ).fill_null(NOT_SET)
    return Dimension(name, label, category, "event", definition, example, (column,), lambda _zone: value, plain)


def decoded(name: str, label: str, category: str, definition: str, *, column: str, key: str, example: str) -> Dimension:
    """Returns the dimension of one key of a column that holds several, "key=value&…" (pipeline/custom_values.py)."""
    scope = _scope(column)
    value = extract(column, key).fill_null(NOT_SET)
    return Dimension(name, label, category, scope, definition, example, (column,), lambda _zone: value, plain)


def _scope(column: str) -> str:
    if column in ONLY_OF_ITEMS:
        return "item"
    return {"session": "session", "first": "user"}.get(column.partition("_")[0], "event")
