"""Counts rows into measures: sums, and exact counts of distinct visitors and sessions."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import polars as pl

from processing.pipeline.custom_values import LARGEST
from reporting.query.distinct import SESSION_DAY, DistinctCounter, bitmaps_are_quicker, group_of_row
from reporting.registry.metrics import Measure, Sum
from reporting.registry.source_columns import SUMS

CODE: Final = "row code"  # column: equal for rows that belong to the same report row
_CODE_LIMIT: Final = 2**32


class DistinctMeasure(NamedTuple):
    identity: str  # the column whose different values are counted
    flag: str | None = None  # the column that must be true, or more than 0, for a row to count


_DISTINCT: Final[dict[Measure, DistinctMeasure]] = {
    "visitors": DistinctMeasure("visitor"),
    "active_visitors": DistinctMeasure("visitor", "active"),
    "new_visitors": DistinctMeasure("visitor", "first_visit"),
    "key_visitors": DistinctMeasure("visitor", "key"),
    "sessions": DistinctMeasure("session"),
    "engaged_sessions": DistinctMeasure("session", "engaged"),
    "key_sessions": DistinctMeasure("session", "key"),
}
# All that is not a sum over rows: the duration of a session's day is on each of its rows, and counts once.
_PER_IDENTITY: Final[tuple[Measure, ...]] = (*_DISTINCT, "duration_ms")


def with_code(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Adds CODE (UInt32), one number for each combination of the keys: quicker to group by than the keys themselves.

    Keys are texts or integers, none null. They are the digits of the code: with 3 countries, numbered 0 to 2, a row
    with path 4 and country 1 has the code 4 * 3 + 1 = 13.
    """
    if not keys:
        return rows.with_columns(pl.lit(0, dtype=pl.UInt32).alias(CODE))
    code = _number(rows[keys[0]])
    code, size = _dense_if_large(code, _largest(code) + 1)
    for key in keys[1:]:
        number = _number(rows[key])
        radix = _largest(number) + 1
        code, size = _dense_if_large(code.cast(pl.UInt64) * radix + number, size * radix)
    return rows.with_columns(code.cast(pl.UInt32).alias(CODE))


def measure(
    rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure], sums: Collection[Sum] = ()
) -> pl.DataFrame:
    """Counts rows that have a CODE. Returns one row per code: CODE, its keys, the measures and sums."""
    return saturated(count(rows, keys, measures, sums), sums)


def count(
    rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure], sums: Collection[Sum] = ()
) -> pl.DataFrame:
    """Like `measure`, but `sums` are in 128 bits, so that they can be added to those of other rows before the cut."""
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *_sums(rows.schema, measures, sums)).collect()
    by_bitmap, by_hash = list[Measure](), list[Measure]()
    for name in _PER_IDENTITY:
        if name in measures:
            identity = _DISTINCT[name].identity if name in _DISTINCT else SESSION_DAY
            quicker = bitmaps_are_quicker(rows[identity], table[CODE])
            (by_bitmap if quicker else by_hash).append(name)
    return _with_hashed(rows, _with_bitmaps(rows, table, by_bitmap), by_hash)


def nonzero_flags(
    rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure], sums: Collection[Sum] = ()
) -> pl.DataFrame:
    """Like `measure` in a fraction of the time: a measure that is not a sum is 1 if it is more than 0, else 0.

    A row of 20 events of 3 visitors, none of them active, has events 20, visitors 1, active_visitors 0.
    """
    flags = [
        (pl.col(flag).cast(pl.Boolean).any() if flag else pl.lit(value=True)).cast(pl.Int64).alias(name)
        for name, (_, flag) in _DISTINCT.items()
        if name in measures
    ]
    if "duration_ms" in measures:
        flags.append((pl.col("duration_ms") > 0).any().cast(pl.Int64))
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *_sums(rows.schema, measures, sums), *flags).collect()
    return saturated(table, sums)


def saturated(table: pl.DataFrame, sums: Collection[Sum]) -> pl.DataFrame:
    """Cuts sums off at what 64 bits hold: a single hit may carry a number as large as that."""
    return table.with_columns(pl.col(sum_.name).clip(-LARGEST, LARGEST).cast(pl.Int64) for sum_ in sums)


def _sums(schema: pl.Schema, measures: Collection[Measure], sums: Collection[Sum]) -> list[pl.Expr]:
    """Adds up in 64 bits, own sums in 128. Polars adds UInt32, the type of the counts of condensed rows, in 32 bits:
    2**32 events in one row of a report would be 0.
    """
    exprs = [sum_.value.cast(pl.Int128).sum().alias(sum_.name) for sum_ in sums]
    for name, column in SUMS.items():
        if name in measures:
            values = pl.col(column).cast(pl.Int64) if schema[column] == pl.UInt32 else pl.col(column)
            exprs.append(values.sum().cast(pl.Int64).alias(name))
    return exprs


def _with_bitmaps(rows: pl.DataFrame, table: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
    if not measures:
        return table
    counter, columns = DistinctCounter(group_of_row(rows[CODE], table[CODE])), list[pl.Series]()
    for name in measures:
        if name in _DISTINCT:
            identity, flag = _DISTINCT[name]
            values = counter.count_distinct(rows[identity], rows[flag].cast(pl.Boolean) if flag else None)
        else:
            values = counter.sum_once_per_id(rows[SESSION_DAY], rows[name])
        columns.append(values.alias(name))
    return table.with_columns(columns)


def _with_hashed(rows: pl.DataFrame, table: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
    lazy = rows.lazy()
    counts = [_distinct(lazy, name) if name in _DISTINCT else _durations(lazy) for name in measures]
    for counted in pl.collect_all(counts):
        table = table.join(counted, on=CODE, how="left", validate="1:1")
    return table.with_columns(pl.col(name).fill_null(0) for name in measures)


def _distinct(rows: pl.LazyFrame, name: Measure) -> pl.LazyFrame:
    """Returns per code the distinct ids. Equal neighbours drop out first, since the rows of a session lie together."""
    identity, flag = _DISTINCT[name]
    flagged = rows.filter(pl.col(flag).cast(pl.Boolean)) if flag else rows
    changed = flagged.select(CODE, identity).filter(_changes(CODE) | _changes(identity))
    return changed.group_by(CODE).agg(pl.col(identity).n_unique().cast(pl.Int64).alias(name))


def _durations(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Returns per code the sum of duration_ms over the distinct days of sessions."""
    row_id = [CODE, SESSION_DAY]
    changed = rows.select(*row_id, "duration_ms").filter(_changes(CODE) | _changes(SESSION_DAY))
    return changed.unique(row_id, keep="any").group_by(CODE).agg(pl.col("duration_ms").sum())


def _changes(column: str) -> pl.Expr:
    return pl.col(column).ne_missing(pl.col(column).shift())


def _number(key: pl.Series) -> pl.Series:
    """Returns numbers from 0 that are equal where the keys are: categories, or the distance from the least key."""
    if key.dtype == pl.String:
        key = key.cast(pl.Categorical)
    if key.dtype == pl.Categorical:
        return key.to_physical()
    return (key - key.min()).cast(pl.UInt64)


def _largest(numbers: pl.Series) -> int:
    largest = numbers.max()
    return largest if isinstance(largest, int) else 0


def _dense_if_large(code: pl.Series, size: int) -> tuple[pl.Series, int]:
    """Returns the code and its size; ranks of the codes that occur, if the size outgrows 32 bits."""
    if size <= _CODE_LIMIT:
        return code, size
    dense = code.rank("dense").cast(pl.UInt64)
    return dense, _largest(dense) + 1
