"""Exact counts of distinct visitors and sessions without a hash for each row.

Their ids become small numbers once for all reports on the same rows. A report then marks the numbers that it meets in
one byte each, and counts the marks.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

IDENTITIES: Final = ("visitor", "session")
PART: Final = "part"  # the number of a session's day
MOST_MARKS: Final = 2**24  # at a time
MOST_GROUPS: Final = 32
CHUNK_ROWS: Final = 2**20

Numbers = NDArray[np.uint32]
Rows = NDArray[np.intp]


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with numbers from 0 in place of visitors and sessions; PART is added where there are days as well."""
    numbers = [_number(rows[name]) for name in IDENTITIES if name in rows.columns]
    known = rows.with_columns(numbers)
    if not {"session", "day"} <= set(rows.columns):
        return known
    first, end = _whole(rows["day"].min()), _end(rows["day"])
    days = (pl.col("day") - first).cast(pl.UInt64)
    part = known.select((pl.col("session").cast(pl.UInt64) * (end - first) + days).alias(PART)).to_series()
    return known.with_columns(_number(part))


class DistinctCounter:
    """Rows of so many codes: `codes` are the different ones of `of_rows`. A group of codes at a time, so that memory
    has a limit.
    """

    def __init__(self, of_rows: pl.Series, codes: pl.Series) -> None:
        places = np.zeros(_end(codes), dtype=np.uint32)
        places[codes.to_numpy()] = np.arange(len(codes), dtype=np.uint32)
        self._places: Numbers = places[of_rows.to_numpy()]
        self._codes = len(codes)

    def distinct(self, numbers: pl.Series, flags: pl.Series | None) -> pl.Series:
        """For each code: how many different numbers its rows have, of those rows whose flag is set."""
        wanted = None if flags is None else flags.fill_null(value=False).to_numpy()
        counts = np.zeros(self._codes, dtype=np.int64)
        for group, marks in self._marked(numbers, wanted):
            counts[group] = np.count_nonzero(marks, axis=1)
        return pl.Series(numbers.name, counts)

    def once(self, numbers: pl.Series, values: pl.Series) -> pl.Series:
        """For each code: the sum of the values, which are the same wherever the numbers are, once a number."""
        of_numbers = np.zeros(_end(numbers), dtype=np.int64)
        of_numbers[numbers.to_numpy()] = values.fill_null(0).to_numpy()
        sums = np.zeros(self._codes, dtype=np.int64)
        for group, marks in self._marked(numbers, None):
            sums[group] = [of_numbers[each].sum() for each in marks]
        return pl.Series(values.name, sums)

    def _marked(
        self, numbers: pl.Series, wanted: NDArray[np.bool_] | None
    ) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
        """A group of codes, and which numbers each of them has."""
        ids, end = numbers.to_numpy(), _end(numbers)
        for group in self._groups(end):
            marks = np.zeros((group.stop - group.start, end), dtype=np.bool_)
            for places, rows in self._rows(group, wanted):
                marks[places, ids[rows]] = True
            yield group, marks

    def _groups(self, end: int) -> Iterator[slice]:
        step = max(MOST_MARKS // max(end, 1), 1)
        for low in range(0, self._codes, step):
            yield slice(low, min(low + step, self._codes))

    def _rows(self, group: slice, wanted: NDArray[np.bool_] | None) -> Iterator[tuple[Numbers, slice | Rows]]:
        """The rows of a group of codes, with the place of each in it."""
        whole = (group.start, group.stop) == (0, self._codes)
        for low in range(0, len(self._places), CHUNK_ROWS):
            chunk = slice(low, low + CHUNK_ROWS)
            places = self._places[chunk]
            if whole and wanted is None:
                yield places, chunk
                continue
            here = np.ones(len(places), dtype=np.bool_) if wanted is None else wanted[chunk]
            rows = np.flatnonzero(here if whole else here & (places >= group.start) & (places < group.stop))
            yield places[rows] - np.uint32(group.start), rows + low


def affordable(numbers: pl.Series, codes: pl.Series) -> bool:
    """Whether all codes have their turn in a few groups; else a hash is quicker."""
    return _end(codes) <= MOST_MARKS and len(codes) * _end(numbers) <= MOST_MARKS * MOST_GROUPS


def _number(ids: pl.Series) -> pl.Series:
    """Neighbours are often equal: each run of them is looked at once."""
    runs = ids.rle().struct.unnest()
    numbers = (runs["value"].rank("dense").fill_null(0)).cast(pl.UInt32)
    return pl.Series(ids.name, np.repeat(numbers.to_numpy(), runs["len"].to_numpy()))


def _end(numbers: pl.Series) -> int:
    return _whole(numbers.max(), -1) + 1


def _whole(value: object, of_nothing: int = 0) -> int:
    return value if isinstance(value, int) else of_nothing
