"""Counts rows into measures: sums, and exact counts of distinct visitors and sessions."""

from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

import polars as pl

from processing.pipeline.custom_values import LARGEST
from reporting.query.distinct import SESSION_DAY, DistinctCounter, bitmaps_are_quicker, group_of_row
from reporting.registry.measures import Distinct, Measure, PerSessionDay, Quantile, Sum, Whole

CODE: Final = "row code"  # column: equal for rows that belong to the same report row
WHOLE: Final = "whole "  # columns: the sums of measures over all rows
_CODE_LIMIT: Final = 2**32
# A visitor, a session or a session's day is on several rows, and counts once in each row of the report.
CountedOnce: TypeAlias = Distinct | PerSessionDay


def with_wholes(rows: pl.DataFrame, measures: Collection[Measure], counted: pl.Expr | None = None) -> pl.DataFrame:
    """Adds the sums over all rows, or over those that are `counted`, which must be known before rows are left out."""
    wholes = [measure for measure in measures if isinstance(measure, Whole)]
    if not wholes:
        return rows
    some = rows if counted is None else rows.filter(counted)
    sums = some.select(measure.value.cast(pl.Int64).sum().alias(WHOLE + measure.name) for measure in wholes)
    return rows.with_columns(
        pl.lit(value, dtype=pl.Int64).alias(name) for name, value in sums.row(0, named=True).items()
    )


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


def measure(rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure]) -> pl.DataFrame:
    """Counts rows that have a CODE. Returns one row per code: CODE, its keys and the measures."""
    return saturated(count(rows, keys, measures), measures)


def count(rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure]) -> pl.DataFrame:
    """Like `measure`, but wide sums are in 128 bits: they can be added to those of other rows before the cut."""
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *_sums(measures)).collect()
    by_bitmap, by_hash = list[CountedOnce](), list[CountedOnce]()
    for measure in measures:
        if isinstance(measure, Distinct | PerSessionDay):
            quicker = bitmaps_are_quicker(rows[_identity(measure)], table[CODE])
            (by_bitmap if quicker else by_hash).append(measure)
    quantiles = [measure for measure in measures if isinstance(measure, Quantile)]
    return _with_quantiles(rows, _with_hashed(rows, _with_bitmaps(rows, table, by_bitmap), by_hash), quantiles)


def nonzero_flags(rows: pl.DataFrame, keys: Sequence[str], measures: Collection[Measure]) -> pl.DataFrame:
    """Like `measure` in a fraction of the time: a measure that is not a sum is 1 if it is more than 0, else 0.

    A row of 20 events of 3 visitors, none of them active, has events 20, visitors 1, active_visitors 0.
    """
    flags = [
        _nonzero(measure).cast(pl.Int64).alias(measure.name)
        for measure in measures
        if isinstance(measure, Distinct | PerSessionDay | Quantile)
    ]
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *_sums(measures), *flags).collect()
    return saturated(table, measures)


def saturated(table: pl.DataFrame, measures: Collection[Measure]) -> pl.DataFrame:
    """Cuts wide sums off at what 64 bits hold: a single hit may carry a number as large as that."""
    wide = [measure.name for measure in measures if isinstance(measure, Sum) and measure.wide]
    return table.with_columns(pl.col(name).clip(-LARGEST, LARGEST).cast(pl.Int64) for name in wide)


def _identity(measure: CountedOnce) -> str:
    return measure.identity if isinstance(measure, Distinct) else SESSION_DAY


def _nonzero(measure: CountedOnce | Quantile) -> pl.Expr:
    if isinstance(measure, Quantile):
        return (measure.value > 0).any()
    if isinstance(measure, PerSessionDay):
        return (pl.col(measure.name) > 0).any()
    return pl.lit(value=True) if measure.where is None else measure.where.any()


def _sums(measures: Collection[Measure]) -> list[pl.Expr]:
    """Adds up in 64 bits, wide sums in 128. Polars adds UInt32, the type of the counts of condensed rows, in 32 bits:
    2**32 events in one row of a report would be 0.
    """
    exprs = list[pl.Expr]()
    for measure in measures:
        if isinstance(measure, Sum):
            total = measure.value.cast(pl.Int128 if measure.wide else pl.Int64).sum()
            exprs.append(total.alias(measure.name))
        elif isinstance(measure, Whole):
            exprs.append(pl.col(WHOLE + measure.name).first().alias(measure.name))
    return exprs


def _with_bitmaps(rows: pl.DataFrame, table: pl.DataFrame, measures: Sequence[CountedOnce]) -> pl.DataFrame:
    if not measures:
        return table
    counter, columns = DistinctCounter(group_of_row(rows[CODE], table[CODE])), list[pl.Series]()
    for measure in measures:
        if isinstance(measure, Distinct):
            where = None if measure.where is None else rows.select(measure.where).to_series()
            values = counter.count_distinct(rows[measure.identity], where)
        else:
            values = counter.sum_once_per_id(rows[SESSION_DAY], rows[measure.name])
        columns.append(values.alias(measure.name))
    return table.with_columns(columns)


def _with_hashed(rows: pl.DataFrame, table: pl.DataFrame, measures: Sequence[CountedOnce]) -> pl.DataFrame:
    lazy = rows.lazy()
    counts = [_distinct(lazy, each) if isinstance(each, Distinct) else _once_a_day(lazy, each) for each in measures]
    for counted in pl.collect_all(counts):
        table = table.join(counted, on=CODE, how="left", validate="1:1")
    return table.with_columns(pl.col(measure.name).fill_null(0) for measure in measures)


def _with_quantiles(rows: pl.DataFrame, table: pl.DataFrame, measures: Sequence[Quantile]) -> pl.DataFrame:
    """Of n values in order, the one number ceil(n * percent / 100), counted from 1."""
    for measure in measures:
        values = rows.select(CODE, measure.value.cast(pl.Int64).alias(measure.name)).drop_nulls(measure.name)
        place = (pl.len() * measure.percent + 99) // 100 - 1
        found = values.group_by(CODE).agg(pl.col(measure.name).sort().get(place))
        table = table.join(found, on=CODE, how="left", validate="1:1").with_columns(pl.col(measure.name).fill_null(0))
    return table


def _distinct(rows: pl.LazyFrame, measure: Distinct) -> pl.LazyFrame:
    """Returns per code the distinct ids. Equal neighbours drop out first, since the rows of a session lie together."""
    counted = rows if measure.where is None else rows.filter(measure.where)
    changed = counted.select(CODE, measure.identity).filter(_changes(CODE) | _changes(measure.identity))
    return changed.group_by(CODE).agg(pl.col(measure.identity).n_unique().cast(pl.Int64).alias(measure.name))


def _once_a_day(rows: pl.LazyFrame, measure: PerSessionDay) -> pl.LazyFrame:
    """Returns per code the sum over the distinct days of sessions."""
    row_id = [CODE, SESSION_DAY]
    changed = rows.select(*row_id, measure.name).filter(_changes(CODE) | _changes(SESSION_DAY))
    return changed.unique(row_id, keep="any").group_by(CODE).agg(pl.col(measure.name).sum())


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
