"""Dictionary encoding of text columns: work on a text is done once per distinct value instead of once per row."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Final, NamedTuple

import polars as pl

FEW: Final = 200  # in a frame of fewer rows, looking for equal rows costs more than it saves


class DictionaryColumn(NamedTuple):
    """A column of text: row i has the text `values[codes[i]]`. Missing text is the empty text; `values` may repeat."""

    values: pl.Series
    codes: pl.Series

    def map(self, change: Callable[[pl.Series], pl.Series]) -> "DictionaryColumn":
        """Applies `change` to the values."""
        return self._replace(values=change(self.values))

    def map_each(self, change: Callable[[str], str | None]) -> "DictionaryColumn":
        """Applies `change` to one value after the other."""
        return self.map(lambda values: pl.Series(values.name, [change(value) for value in values], dtype=pl.String))

    def map_where(self, mask: pl.Series, change: Callable[[pl.Series], pl.Series]) -> "DictionaryColumn":
        """Applies `change` to the values, but only in the rows of the mask."""
        # With upper case for `change`, in the second and third row of ["b", "a"], [0, 1, 0]:
        # 1. add the changed values after the old ones     ["b", "a", "B", "A"]
        both = pl.concat([self.values, change(self.values)])
        # 2. let the rows of the mask point to them        [0, 3, 2]
        offset = pl.select(pl.when(mask).then(len(self.values)).otherwise(0).cast(pl.UInt32)).to_series()
        # 3. drop the values that no row points to now     ["b", "B", "A"], [0, 2, 1]
        return _drop_unused_values(DictionaryColumn(both, self.codes + offset))

    def rows(self, per_value: pl.Series | None = None) -> pl.Series:
        """Returns each row's text, or each row's item of `per_value`, which has one item per value."""
        return (self.values if per_value is None else per_value).gather(self.codes)


def dictionary_encode(column: pl.Series) -> DictionaryColumn:
    """Numbers the distinct texts of a column: ["b", "a", "b"] -> ["b", "a"], [0, 1, 0]."""
    if column.is_empty():
        return DictionaryColumn(column.cast(pl.String), pl.Series([], dtype=pl.UInt32))
    # The trick: polars interns the texts of a Categorical, which is the quickest way to number them. A category set of
    # its own keeps the numbers small. They need not be in the order of unique(), so they are numbered once more.
    interned = column.fill_null("").cast(pl.Categorical(pl.Categories.random()))
    values = interned.unique()
    codes = _positions(values.to_physical()).gather(interned.to_physical())
    return DictionaryColumn(values.cast(pl.String), codes)


def combinations(columns: Sequence[DictionaryColumn]) -> tuple[list[DictionaryColumn], pl.Series] | None:
    """Finds the distinct rows of several columns of one height.

    Returns the columns of these distinct rows, and for each row of the input the number of its distinct row. None if
    that would not pay (few rows, or hardly any equal ones), or if there are too many possible combinations to number.
    """
    # A combination of codes is one number in a mixed radix. Of columns with 3 and 2 values, codes (2, 1) make
    # 2 * 2 + 1 = 5, and 5 is taken apart again by 5 % 2 = 1 and 5 // 2 = 2.
    height = len(columns[0].codes) if columns else 0
    if height < FEW or prod(len(column.values) for column in columns) >= 2**63:
        return None
    numbers = pl.zeros(height, pl.UInt64, eager=True)
    for column in columns:
        numbers = numbers * len(column.values) + column.codes
    distinct = numbers.unique()
    if len(distinct) > height // 2:
        return None
    index = pl.DataFrame({"number": distinct}).with_row_index("row")
    row = numbers.to_frame("number").join(index, on="number", how="left", maintain_order="left")["row"]
    return _decode_combinations(columns, distinct), row


def on_some(column: pl.Series, mask: pl.Series, find: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Applies `find` to the rows of the mask; the other rows become null."""
    # mask [T, F, T]: the rows of the mask are numbers 0 and 1 of the filtered column, so gather [0, null, 1].
    row = pl.when(mask).then(mask.cum_sum() - 1).cast(pl.UInt32)
    return find(column.filter(mask)).gather(pl.select(row).to_series())


def _decode_combinations(columns: Sequence[DictionaryColumn], numbers: pl.Series) -> list[DictionaryColumn]:
    decoded = []
    for column in reversed(columns):
        decoded.append(DictionaryColumn(column.values, (numbers % len(column.values)).cast(pl.UInt32)))
        numbers = numbers // len(column.values)
    return decoded[::-1]


def _drop_unused_values(column: DictionaryColumn) -> DictionaryColumn:
    """Drops the values that no row has, and those that repeat another one."""
    # ["b", "a", "b", "A"], [0, 3, 2]: items 0, 2 and 3 are used; ["b", "b", "A"] is encoded as ["b", "A"], [0, 0, 1].
    used = column.codes.unique()
    distinct = dictionary_encode(column.values.gather(used))
    return DictionaryColumn(distinct.values, distinct.codes.gather(_positions(used).gather(column.codes)))


def _positions(numbers: pl.Series) -> pl.Series:
    """Inverts a list of distinct numbers: [3, 0, 2] -> [1, 0, 2, 0], so that item 3 is 0, item 0 is 1, item 2 is 2.

    The items of numbers that are not in the list mean nothing.
    """
    top = numbers.max()
    positions = pl.zeros(top + 1 if isinstance(top, int) else 0, pl.UInt32, eager=True)
    return positions.scatter(numbers, pl.int_range(len(numbers), dtype=pl.UInt32, eager=True))
