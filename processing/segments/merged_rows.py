"""Merges rows of many sources into one order, column by column: first the order, then a few columns at a time.

So a month needs the memory of a few of its fifty columns. Where even one is too large, because clients sent long texts,
fewer rows of it are written together, and these are read by themselves: the sources are sorted like the result, so that
neighbours lie together in each of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Final, NamedTuple, cast

import polars as pl

from processing.schema import ADDED_COLUMNS
from processing.store.port import Missing, Store
from processing.store.rows import divide, text_bytes, text_lengths, usual_groups

BATCH_BYTES: Final = 12 * 2**20  # of columns that are read together
COLUMN_BYTES: Final = 48 * 2**20  # a column with longer texts is not read as a whole
GROUP_BYTES: Final = 8 * 2**20  # of a column, of rows that are written together
SLICE_ROWS: Final = 4_096  # of a column with long texts, while their lengths are measured

TEXT: Final = (pl.String(), pl.Categorical())
EMPTY_LENGTHS: Final = pl.Series("length", [], dtype=pl.UInt32)

Slice = tuple[int, int]  # the first row, and how many


class Source(NamedTuple):
    """Rows that are stored or in memory, and which of them to take: a condition on their columns; None: all.

    `bytes`: about how much memory columns of text need.
    """

    read: Callable[[Sequence[str], Slice | None], pl.DataFrame]
    bytes: Mapping[str, int]
    condition: pl.Expr | None = None


def stored(store: Store, segment: str, section: str, condition: pl.Expr | None = None) -> Source:
    """Reads a stored section, also if it was written before a column was added."""

    def read(names: Sequence[str], rows: Slice | None) -> pl.DataFrame:
        try:
            return _read(store, segment, section, names, rows)
        except Missing:
            if not ADDED_COLUMNS.keys() & names:
                raise
        return pl.DataFrame([_added(store, segment, section, name, rows) for name in names])

    return Source(read, store.column_bytes(segment, section), condition)


def in_memory(frame: pl.DataFrame, condition: pl.Expr | None = None) -> Source:
    sizes = {column.name: text_bytes(column) for column in frame.get_columns()}
    return Source(lambda names, rows: frame.select(names).slice(*rows or (0, None)), sizes, condition)


class MergedRows:
    """The rows of the sources, sorted by the columns `order`, in the types of the schema. See rows.ColumnRows."""

    def __init__(self, sources: Sequence[Source], schema: Mapping[str, pl.DataType], order: Sequence[str]) -> None:
        self._sources, self.schema = sources, schema
        self._heights, self._rows = _sorted_rows(sources, order)

    @property
    def height(self) -> int:
        return len(self._rows)

    def taking(self, rows: pl.Series, schema: Mapping[str, pl.DataType]) -> "MergedRows":
        """Returns only these rows, by number, and the columns of the schema."""
        taken = copy(self)
        taken._rows, taken.schema = self._rows.gather(rows), schema
        taken.__dict__.pop("groups", None)
        return taken

    @cached_property
    def groups(self) -> Sequence[int]:
        wide = [name for name in self.schema if self._is_wide(name)]
        if not wide:
            return usual_groups(self.height)
        return _narrow_groups(self._widths(wide).gather(self._rows), max(usual_groups(self.height)))

    @property
    def text_bytes(self) -> int:
        return sum(self._bytes(name) for name, kind in self.schema.items() if kind in TEXT)

    def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        for batch in self._batches(names):
            if self._is_wide(batch[0]):
                yield (self._gathered(batch[0], rows) for rows in divide(self._rows, self.groups))
                continue
            whole = pl.concat([self._typed(source, batch, None) for source in self._sources], rechunk=True)
            for name in batch:
                column = whole.drop_in_place(name)
                yield (column.gather(rows) for rows in divide(self._rows, self.groups))

    def _bytes(self, name: str) -> int:
        return sum(source.bytes.get(name, 0) for source in self._sources)

    def _is_wide(self, name: str) -> bool:
        return self.schema[name] in TEXT and self._bytes(name) > COLUMN_BYTES

    def _batches(self, names: Sequence[str]) -> Iterator[list[str]]:
        """Groups columns that fit into memory together. A wide one comes alone."""
        rows, batch, size = sum(self._heights), list[str](), 0
        for name in names:
            needs = self._bytes(name) + rows * (16 if self.schema[name] == pl.String() else 8)
            if batch and (size + needs > BATCH_BYTES or self._is_wide(name) or self._is_wide(batch[0])):
                yield batch
                batch, size = [], 0
            batch.append(name)
            size += needs
        if batch:
            yield batch

    def _widths(self, names: Sequence[str]) -> pl.Series:
        """Returns how long the longest text of each row is, of all rows of all sources."""
        widths = [EMPTY_LENGTHS]
        for source, height in zip(self._sources, self._heights, strict=True):
            for low in range(0, height, SLICE_ROWS):
                rows = (low, SLICE_ROWS)
                lengths = [text_lengths(source.read([name], rows).to_series()).alias(name) for name in names]
                widths.append(pl.DataFrame(lengths).select(pl.max_horizontal(names).fill_null(0)).to_series())
        return pl.concat(widths)

    def _gathered(self, name: str, rows: pl.Series) -> pl.Series:
        """Reads from each source the slice that has its rows among those of a group, then puts them in order."""
        places = pl.DataFrame({"row": rows}).with_row_index("place").sort("row")
        found, begin = list[pl.Series](), 0
        for source, height in zip(self._sources, self._heights, strict=True):
            own = places["row"].filter((places["row"] >= begin) & (places["row"] < begin + height)) - begin
            if len(own):
                low, high = cast(int, own[0]), cast(int, own[-1])
                piece = self._typed(source, [name], (low, high - low + 1)).to_series()
                found.append(piece.gather(own - low))
            begin += height
        return pl.concat(found).gather(places["place"].arg_sort())

    def _typed(self, source: Source, names: Sequence[str], rows: Slice | None) -> pl.DataFrame:
        return source.read(names, rows).select(pl.col(name).cast(self.schema[name]) for name in names)


def _sorted_rows(sources: Sequence[Source], order: Sequence[str]) -> tuple[list[int], pl.Series]:
    """Returns how many rows each source has, and the numbers of the rows to take, in order.

    Rows are numbered through all sources, including those that are not taken.
    """
    heights, keys, begin = list[int](), list[pl.DataFrame](), 0
    for source in sources:
        needs = [] if source.condition is None else source.condition.meta.root_names()
        frame = source.read(list(dict.fromkeys([*order, *needs])), None)
        numbered = frame.with_row_index("row", begin)
        taken = numbered if source.condition is None else numbered.filter(source.condition)
        keys.append(taken.select("row", *order))
        heights.append(frame.height)
        begin += frame.height
    if not keys:
        return heights, pl.Series("row", [], dtype=pl.UInt32)
    together = pl.concat(keys)
    places = together.select(pl.arg_sort_by(*order)).to_series()
    return heights, together["row"].gather(places)


def _narrow_groups(widths: pl.Series, most: int) -> list[int]:
    """Divides rows into groups of at most `most` rows and about GROUP_BYTES of their longest texts."""
    sums = widths.cast(pl.UInt64).cum_sum()
    groups, low, before = list[int](), 0, 0
    while low < len(widths):
        high = sums.search_sorted(before + GROUP_BYTES, side="right")
        rows = max(1, min(most, high - low))
        groups.append(rows)
        low += rows
        before = cast(int, sums[low - 1])
    return groups


def _read(store: Store, segment: str, section: str, names: Sequence[str], rows: Slice | None) -> pl.DataFrame:
    return store.read(segment, section, names, rows) if rows else store.read(segment, section, names)


def _added(store: Store, segment: str, section: str, name: str, rows: Slice | None) -> pl.Series:
    """Reads a column; where it was added later, what stands for it, or nulls."""
    try:
        return _read(store, segment, section, [name], rows)[name]
    except Missing:
        column = ADDED_COLUMNS.get(name)
        if column is None:
            raise
    found = _read(store, segment, section, [column.fallback or "visitor"], rows).to_series()
    nulls = pl.repeat(None, len(found), dtype=column.dtype, eager=True)
    return (found if column.fallback else nulls).alias(name)
