"""Rows that a store writes column by column, so that they are never in memory as a whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Final, Protocol

import polars as pl

GROUP_ROWS: Final = 122_880  # that polars writes together, about
LARGE_ROWS: Final = 65_536
LARGE_BYTES: Final = 64 * 2**20


class ColumnRows(Protocol):
    """`groups` are the numbers of rows that are written together; a column comes in parts of so many rows.

    `text_bytes`: about how long all texts are together.
    """

    @property
    def schema(self) -> Mapping[str, pl.DataType]: ...
    @property
    def groups(self) -> Sequence[int]: ...
    @property
    def text_bytes(self) -> int: ...
    def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        """Yields the parts of each column. Take all parts of a column before the next one."""


def usual_groups(height: int) -> list[int]:
    """Returns how polars divides rows into groups, whose sizes come as near to GROUP_ROWS as they can.

    400,000 -> [133,334, 133,333, 133,333].
    """
    if not height:
        return []
    fewer = max(1, height // GROUP_ROWS)
    groups = fewer + (height // fewer + height // (fewer + 1) > 2 * GROUP_ROWS)
    return [height // groups + (number < height % groups) for number in range(groups)]


def is_large(rows: ColumnRows) -> bool:
    """Returns whether the rows are written column by column; others are as well in memory."""
    return sum(rows.groups) >= LARGE_ROWS or rows.text_bytes >= LARGE_BYTES


def as_frame(rows: ColumnRows) -> pl.DataFrame:
    columns = zip(rows.schema.items(), rows.columns(list(rows.schema)), strict=True)
    return pl.DataFrame([_as_series(name, dtype, parts) for (name, dtype), parts in columns])


def _as_series(name: str, dtype: pl.DataType, parts: Iterable[pl.Series]) -> pl.Series:
    return pl.concat([pl.Series(name, [], dtype=dtype), *(part.alias(name) for part in parts)], rechunk=True)


def divide(column: pl.Series, groups: Iterable[int]) -> Iterator[pl.Series]:
    """Cuts a column into parts of so many rows."""
    sizes = list(groups)
    return (column.slice(begin, rows) for begin, rows in zip(accumulate(sizes, initial=0), sizes, strict=False))


class FrameRows:
    """A frame, to be written column by column."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self.schema, self.groups = frame, dict(frame.schema), usual_groups(frame.height)

    @cached_property
    def text_bytes(self) -> int:
        return sum(text_bytes(column) for column in self._frame.get_columns())

    def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        return (divide(self._frame[name], self.groups) for name in names)


class OneColumn:
    """One column of other rows."""

    def __init__(self, name: str, rows: ColumnRows, parts: Iterator[pl.Series]) -> None:
        self.schema, self.groups, self.text_bytes = {name: rows.schema[name]}, rows.groups, rows.text_bytes
        self._parts = parts

    def columns(self, _: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        return iter([self._parts])


def text_bytes(column: pl.Series) -> int:
    return int(text_lengths(column).sum() or 0) if column.dtype in (pl.String, pl.Categorical) else 0


def text_lengths(column: pl.Series) -> pl.Series:
    """Returns how many bytes each text has; null for null."""
    return column.cat.len_bytes() if column.dtype == pl.Categorical else column.str.len_bytes()
