"""Counts distinct visitors and sessions exactly, without a hash table for each row of a report.

Ids are random 64-bit numbers. `number_ids` makes dense numbers of them, once for all reports on the same rows. A report
puts its rows into groups, one for each of its lines, sets a byte in a bitmap for each pair of group and id that occurs,
and counts the bytes that are set:

    row      group   id                   id  0  1  2
    0        0       0
    1        0       2          group 0       1  0  1      2 distinct ids
    2        1       2          group 1       0  0  1      1 distinct id
    3        1       2

Memory: a bitmap has at most MAX_BITMAP_BYTES, or one byte per id if there are more ids than that; if the groups do not
fit into one bitmap, they take turns in batches. Beside it there are 4 bytes a row, 8 bytes an id, 4 bytes for each code
that is possible (fewer than MAX_BITMAP_BYTES), and temporary arrays of CHUNK_ROWS rows.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

IDENTITIES: Final = ("visitor", "session", "event_number")
# Columns of a plan that keep the keys beside the numbers that take their place.
KEY_COLUMNS: Final = {"visitor_key": "visitor", "session_key": "session"}
SESSION_DAY: Final = "session day"  # column: a number for each pair of session and local day
MAX_BITMAP_BYTES: Final = 2**24
MAX_BATCHES: Final = 32  # with more, a hash table is quicker
CHUNK_ROWS: Final = 2**20

Groups = NDArray[np.uint32]
RowNumbers = NDArray[np.intp]


def number_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Replaces visitors and sessions by dense numbers (UInt32), and adds SESSION_DAY if there are sessions and days."""
    numbered = rows.with_columns(_dense(rows[name]) for name in IDENTITIES if name in rows.columns)
    if not {"session", "day"} <= set(rows.columns):
        return numbered
    day = (pl.col("day") - pl.col("day").min()).cast(pl.UInt64)
    pair = pl.col("session").cast(pl.UInt64) * (day.max() + 1) + day
    return numbered.with_columns(_dense(numbered.select(pair.alias(SESSION_DAY)).to_series()))


def numbers_like(rows: pl.DataFrame, others: pl.DataFrame, numbered: pl.DataFrame) -> list[pl.Series]:
    """Returns the ids of the rows as numbers, as `number_ids` has numbered those of the others; only the columns of
    which the others have all ids.
    """
    found = list[pl.Series]()
    for name in ("visitor", "session"):
        if name in rows.columns and name in others.columns:
            known = pl.DataFrame({name: others[name], "number": numbered[name]}).unique()
            joined = rows.select(name).join(known, on=name, how="left", maintain_order="left", nulls_equal=True)
            if not joined["number"].null_count():
                found.append(joined["number"].alias(name))
    return found


class DistinctCounter:
    """Counts in groups of rows. `group_of_row` (UInt32) has a number for each row, and each number from 0 occurs."""

    def __init__(self, group_of_row: pl.Series) -> None:
        self._group_of_row: Groups = group_of_row.to_numpy()
        self._groups = _size(group_of_row)

    def count_distinct(self, ids: pl.Series, where: pl.Series | None = None) -> pl.Series:
        """Returns for each group how many different ids its rows have (Int64); `where` (Boolean) leaves rows out."""
        counts = np.zeros(self._groups, dtype=np.int64)
        for batch, bitmap in self._bitmaps(ids, None if where is None else where.fill_null(value=False).to_numpy()):
            counts[batch] = np.count_nonzero(bitmap, axis=1)
        return pl.Series(counts)

    def sum_once_per_id(self, ids: pl.Series, values: pl.Series) -> pl.Series:
        """Returns for each group the sum (Int64) of one value per different id. Rows of one id have the same value.

        Ids [0, 0, 1] with values [5, 5, 7], all in one group, give 12.
        """
        value_of_id = np.zeros(_size(ids), dtype=np.int64)
        value_of_id[ids.to_numpy()] = values.fill_null(0).to_numpy()
        sums = np.zeros(self._groups, dtype=np.int64)
        for batch, bitmap in self._bitmaps(ids, None):
            sums[batch] = [value_of_id[has_id].sum() for has_id in bitmap]
        return pl.Series(sums)

    def _bitmaps(self, ids: pl.Series, where: NDArray[np.bool_] | None) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
        """Yields batches of groups, each with its bitmap: a line for each group, a byte for each id."""
        id_of_row, size = ids.to_numpy(), _size(ids)
        step = max(MAX_BITMAP_BYTES // max(size, 1), 1)
        for start in range(0, self._groups, step):
            batch = slice(start, min(start + step, self._groups))
            bitmap = np.zeros((batch.stop - batch.start, size), dtype=np.bool_)
            for lines, rows in self._rows_of(batch, where):
                bitmap[lines, id_of_row[rows]] = True
            yield batch, bitmap

    def _rows_of(self, batch: slice, where: NDArray[np.bool_] | None) -> Iterator[tuple[Groups, slice | RowNumbers]]:
        """Yields the rows of a batch of groups chunk by chunk, with each row's line in the bitmap."""
        whole = (batch.start, batch.stop) == (0, self._groups)
        for start in range(0, len(self._group_of_row), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            groups = self._group_of_row[chunk]
            if whole and where is None:
                yield groups, chunk  # all rows: the usual case, without a copy
                continue
            chosen = np.ones(len(groups), dtype=np.bool_) if where is None else where[chunk]
            if not whole:
                chosen = chosen & (groups >= batch.start) & (groups < batch.stop)
            rows = np.flatnonzero(chosen)
            yield groups[rows] - np.uint32(batch.start), rows + start


def group_of_row(row_codes: pl.Series, codes: pl.Series) -> pl.Series:
    """Returns for each row's code its place in `codes`: of [7, 9, 7] in [9, 7] -> [1, 0, 1] (UInt32)."""
    places = np.zeros(_size(codes), dtype=np.uint32)
    places[codes.to_numpy()] = np.arange(len(codes), dtype=np.uint32)
    return pl.Series(places[row_codes.to_numpy()])


def bitmaps_are_quicker(ids: pl.Series, codes: pl.Series) -> bool:
    """Returns whether all groups have their turn in a few batches; else a hash table is quicker."""
    return _size(codes) <= MAX_BITMAP_BYTES and len(codes) * _size(ids) <= MAX_BITMAP_BYTES * MAX_BATCHES


def _dense(ids: pl.Series) -> pl.Series:
    """Returns numbers (UInt32) that are equal where the ids are. Null, as an id of its own, is 0.

    The rows of a session lie together, so that it is quicker to rank runs of equal ids than rows.
    """
    runs = ids.rle().struct.unnest()
    numbers = runs["value"].rank("dense").fill_null(0).cast(pl.UInt32)
    return pl.Series(ids.name, np.repeat(numbers.to_numpy(), runs["len"].to_numpy()))


def _size(numbers: pl.Series) -> int:
    """Returns the length of an array that all of these numbers index; 0 for no numbers."""
    largest = numbers.max()
    return largest + 1 if isinstance(largest, int) else 0
