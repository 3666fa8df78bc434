"""A column of text as its distinct values and which of them each row has, so that work is done once a value."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Final, NamedTuple

import polars as pl

FEW: Final = 200  # so many rows are looked at one by one sooner than their combinations are found


class DictionaryColumn(NamedTuple):
    """`codes` says for each row which of `values` it has; missing text is the empty text. `values` may repeat."""

    values: pl.Series
    codes: pl.Series

    def map(self, change: Callable[[pl.Series], pl.Series]) -> "DictionaryColumn":
        """What `change` makes of the distinct values."""
        return self._replace(values=change(self.values))

    def each(self, find: Callable[[str], str | None]) -> "DictionaryColumn":
        return self.map(partial(_each, find))

    def rows(self, of_values: pl.Series | None = None) -> pl.Series:
        """The text of each row, or whatever else is known of each value."""
        return (self.values if of_values is None else of_values).gather(self.codes)

    def where(self, mask: pl.Series, change: Callable[[pl.Series], pl.Series]) -> "DictionaryColumn":
        """What `change` makes of the values, in the rows of the mask only."""
        more = pl.select(pl.when(mask).then(len(self.values)).otherwise(0).cast(pl.UInt32)).to_series()
        return _tight(DictionaryColumn(pl.concat([self.values, change(self.values)]), self.codes + more))


def dictionary_encode(column: pl.Series) -> DictionaryColumn:
    """Counting through a category of its own is the quickest way to number texts."""
    if column.is_empty():
        return DictionaryColumn(column.cast(pl.String), pl.Series([], dtype=pl.UInt32))
    own = column.fill_null("").cast(pl.Categorical(pl.Categories.random()))
    values = own.unique()
    places = values.to_physical()
    top = places.max()
    numbers = pl.zeros(top + 1 if isinstance(top, int) else 0, pl.UInt32, eager=True)
    numbers = numbers.scatter(places, pl.int_range(len(values), dtype=pl.UInt32, eager=True))
    return DictionaryColumn(values.cast(pl.String), numbers.gather(own.to_physical()))


def combinations(columns: Sequence[DictionaryColumn]) -> tuple[list[DictionaryColumn], pl.Series] | None:
    """The columns with each combination of values once, and which of these rows each row is; None where there are
    hardly fewer combinations than rows, or too many possible ones to number.
    """
    height = len(columns[0].codes) if columns else 0
    if height < FEW or prod(len(column.values) for column in columns) >= 2**63:
        return None
    number = pl.zeros(height, pl.UInt64, eager=True)
    for column in columns:
        number = number * len(column.values) + column.codes
    found = number.unique()
    if len(found) > height // 2:
        return None
    known = pl.DataFrame({"number": found}).with_row_index("place")
    place = number.to_frame("number").join(known, on="number", how="left", maintain_order="left")["place"]
    return _taken_apart(columns, found), place


def on_some(column: pl.Series, mask: pl.Series, find: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """What `find` makes of the values of the rows of the mask; null in the others."""
    found = find(column.filter(mask))
    place = pl.when(mask).then(mask.cum_sum() - 1).cast(pl.UInt32)
    return found.gather(pl.select(place).to_series())


def _taken_apart(columns: Sequence[DictionaryColumn], numbers: pl.Series) -> list[DictionaryColumn]:
    parts = []
    for column in reversed(columns):
        parts.append(DictionaryColumn(column.values, (numbers % len(column.values)).cast(pl.UInt32)))
        numbers = numbers // len(column.values)
    return parts[::-1]


def _tight(texts: DictionaryColumn) -> DictionaryColumn:
    """Without values that no row has, each value once."""
    used = texts.codes.unique()
    numbers = pl.zeros(len(texts.values), pl.UInt32, eager=True)
    numbers = numbers.scatter(used, pl.int_range(len(used), dtype=pl.UInt32, eager=True))
    once = dictionary_encode(texts.values.gather(used))
    return DictionaryColumn(once.values, once.codes.gather(numbers.gather(texts.codes)))


def _each(find: Callable[[str], str | None], values: pl.Series) -> pl.Series:
    return pl.Series(values.name, [find(value) for value in values], dtype=pl.String)
