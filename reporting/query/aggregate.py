"""Counts rows into measures: sums, and exact counts of distinct visitors and sessions."""

from collections.abc import Collection, Sequence
from typing import Final

import polars as pl

from processing.pipeline.custom_values import LARGEST
from reporting.query.distinct import PART, DistinctCounter, affordable
from reporting.registry.metrics import Measure, Sum
from reporting.registry.source_columns import SUMS

CODE: Final = "row code"  # equal for rows that belong to the same report row
_CODE_LIMIT: Final = 2**32
# measure: (what is counted, the flag that a row needs to count)
_DISTINCT: Final[dict[Measure, tuple[str, str | None]]] = {
    "visitors": ("visitor", None),
    "active_visitors": ("visitor", "active"),
    "sessions": ("session", None),
    "engaged_sessions": ("session", "engaged"),
}


def with_code(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Adds CODE, a number for each combination of the keys (texts or integers, none null): quicker to group by."""
    if not keys:
        return rows.with_columns(pl.lit(0, dtype=pl.UInt32).alias(CODE))
    code = _number(rows[keys[0]])
    code, size = _small(code, _top(code) + 1)
    for key in keys[1:]:
        number = _number(rows[key])
        radix = _top(number) + 1
        code, size = _small(code.cast(pl.UInt64) * radix + number, size * radix)
    return rows.with_columns(code.cast(pl.UInt32).alias(CODE))


def measure(
    rows: pl.DataFrame, keys: Sequence[str], wanted: Collection[Measure], more: Collection[Sum] = ()
) -> pl.DataFrame:
    """Rows with CODE -> one row per code: CODE, its keys, the measures, and `more` sums."""
    return saturated(count(rows, keys, wanted, more), more)


def count(
    rows: pl.DataFrame, keys: Sequence[str], wanted: Collection[Measure], more: Collection[Sum] = ()
) -> pl.DataFrame:
    """Like `measure`, but the sums are in 128 bits, so that they can be added to others."""
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *_sums(rows.schema, wanted, more)).collect()
    slow = [name for name in (*_DISTINCT, "duration_ms") if name in wanted]
    few = [name for name in slow if affordable(rows[_identity(name)], table[CODE])]
    return _hashed(rows, _marked(rows, table, few), [name for name in slow if name not in few])


def _identity(name: Measure) -> str:
    return _DISTINCT[name][0] if name in _DISTINCT else PART


def _marked(rows: pl.DataFrame, table: pl.DataFrame, slow: Sequence[Measure]) -> pl.DataFrame:
    if not slow:
        return table
    marks, found = DistinctCounter(rows[CODE], table[CODE]), list[pl.Series]()
    for name in slow:
        ids, (_, flag) = rows[_identity(name)], _DISTINCT.get(name, (PART, None))
        flags = rows[flag] if flag else None
        found.append((marks.distinct(ids, flags) if name in _DISTINCT else marks.once(ids, rows[name])).alias(name))
    return table.with_columns(found)


def _hashed(rows: pl.DataFrame, table: pl.DataFrame, slow: Sequence[Measure]) -> pl.DataFrame:
    lazy = rows.lazy()
    for each in pl.collect_all(_distinct(lazy, name) if name in _DISTINCT else _durations(lazy) for name in slow):
        table = table.join(each, on=CODE, how="left", validate="1:1")
    return table.with_columns(pl.col(name).fill_null(0) for name in slow)


def nonzero_flags(
    rows: pl.DataFrame, keys: Sequence[str], wanted: Collection[Measure], more: Collection[Sum] = ()
) -> pl.DataFrame:
    """Like `measure` in a fraction of the time: in place of each measure that is no sum, 1 where it is more than 0."""
    present = [_present(*_DISTINCT[name]).alias(name) for name in _DISTINCT if name in wanted]
    present += [(pl.col("duration_ms") > 0).any().cast(pl.Int64)] if "duration_ms" in wanted else []
    sums = _sums(rows.schema, wanted, more)
    table = rows.lazy().group_by(CODE).agg(pl.col(keys).first(), *sums, *present).collect()
    return saturated(table, more)


def _sums(schema: pl.Schema, wanted: Collection[Measure], more: Collection[Sum]) -> list[pl.Expr]:
    own = [each.value.cast(pl.Int128).sum().alias(each.name) for each in more]
    return own + [_sum(schema, column).alias(name) for name, column in SUMS.items() if name in wanted]


def _sum(schema: pl.Schema, column: str) -> pl.Expr:
    """Adds up in 64 bits. Polars adds UInt32, the type of the counts of condensed rows, in 32 bits: 2**32 events in one
    row of a report would be 0.
    """
    values = pl.col(column).cast(pl.Int64) if schema[column] == pl.UInt32 else pl.col(column)
    return values.sum().cast(pl.Int64)


def _present(identity: str, flag: str | None) -> pl.Expr:
    return (pl.col(flag).any() if flag else pl.lit(value=True)).cast(pl.Int64)


def saturated(table: pl.DataFrame, sums: Collection[Sum]) -> pl.DataFrame:
    """Hits may say numbers as large as 64 bits hold; sums above that are cut off."""
    return table.with_columns(pl.col(each.name).clip(-LARGEST, LARGEST).cast(pl.Int64) for each in sums)


def _distinct(rows: pl.LazyFrame, name: Measure) -> pl.LazyFrame:
    """Per code: distinct ids. Neighbours that are equal drop out first, since the rows of a session lie together."""
    identity, flag = _DISTINCT[name]
    flagged = rows.filter(flag) if flag else rows
    changed = flagged.select(CODE, identity).filter(_changes(CODE) | _changes(identity))
    return changed.group_by(CODE).agg(pl.col(identity).n_unique().cast(pl.Int64).alias(name))


def _durations(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Per code: the sum of duration_ms over its distinct days of sessions."""
    part = [CODE, PART]
    changed = rows.select(*part, "duration_ms").filter(pl.any_horizontal(_changes(name) for name in part))
    return changed.unique(part, keep="any").group_by(CODE).agg(pl.col("duration_ms").sum())


def _changes(column: str) -> pl.Expr:
    return pl.col(column).ne_missing(pl.col(column).shift())


def _number(key: pl.Series) -> pl.Series:
    """Numbers from 0 that are equal where the keys are."""
    if key.dtype == pl.String:
        key = key.cast(pl.Categorical)
    if key.dtype == pl.Categorical:
        return key.to_physical()
    return (key - key.min()).cast(pl.UInt64)


def _top(numbers: pl.Series) -> int:
    top = numbers.max()
    return top if isinstance(top, int) else 0


def _small(code: pl.Series, size: int) -> tuple[pl.Series, int]:
    """The code and its size, made dense where it would outgrow 32 bits."""
    if size <= _CODE_LIMIT:
        return code, size
    dense = code.rank("dense").cast(pl.UInt64)
    return dense, _top(dense) + 1
