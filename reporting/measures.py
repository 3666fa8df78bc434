"""Counts rows into measures: sums, and exact counts of distinct visitors and sessions.

Distinct counts sort one packed 64-bit number per row, [row code | id | flag], instead of hashing pairs: about half the
time; and equal neighbours, since the rows of a session lie together, drop out before the sort.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import polars as pl

from reporting.metrics import Measure

CODE: Final = "row code"  # equal for events that belong to the same report row
_CODE_LIMIT: Final = 2**31
_ID_LIMIT: Final = 2**32
_VISITOR: Final = "visitor code"
_SESSION: Final = "session code"
_PART: Final = "part code"

COLUMNS: Final[Mapping[Measure, tuple[str, ...]]] = {
    "events": (),
    "page_views": ("page_view",),
    "engagement_ms": ("engagement_ms",),
    "key_events": ("key_event",),
    "visitors": ("visitor",),
    "active_visitors": ("visitor", "active"),
    "sessions": ("session",),
    "engaged_sessions": ("session", "engaged"),
    "duration_ms": ("session", "day", "duration_ms"),
}
_SUMS: Final[Mapping[Measure, pl.Expr]] = {
    "events": pl.len(),
    "page_views": pl.col("page_view").sum(),
    "engagement_ms": pl.col("engagement_ms").sum(),
    "key_events": pl.col("key_event").sum(),
}
# (all, those with the flag): both come out of the same sort
_DISTINCT: Final[Sequence[tuple[str, Measure, Measure, str]]] = (
    (_VISITOR, "visitors", "active_visitors", "active"),
    (_SESSION, "sessions", "engaged_sessions", "engaged"),
)


def prepare(events: pl.DataFrame, wanted: Collection[Measure]) -> pl.DataFrame:
    """Adds small numbers beside the 64-bit keys that `wanted` needs: once per frame, however many reports read it."""
    needed = {column for measure in wanted for column in COLUMNS[measure]}
    codes = [
        pl.col(key).rank("dense").cast(pl.UInt64).alias(code)
        for key, code in (("visitor", _VISITOR), ("session", _SESSION))
        if key in needed
    ]
    return _with_parts(events.with_columns(codes)) if "duration_ms" in needed else events.with_columns(codes)


def with_code(events: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Adds CODE, a small number for each combination of the keys (texts or integers, none null)."""
    code, size = pl.zeros(events.height, pl.UInt64, eager=True), 1
    for key in keys:
        number = _number(events[key])
        code, size = _small(code * (_top(number) + 1) + number, size * (_top(number) + 1), _CODE_LIMIT)
    return events.with_columns(code.alias(CODE))


def measure(events: pl.DataFrame, keys: Sequence[str], wanted: Collection[Measure]) -> pl.DataFrame:
    """Prepared rows with CODE -> one row per code: CODE, its keys, and the measures."""
    sums = [_SUMS[name].cast(pl.Int64).alias(name) for name in _SUMS if name in wanted]
    table = events.group_by(CODE).agg(pl.col(keys).first(), *sums)
    for found in _tables(events, wanted):
        table = table.join(found, on=CODE, how="left", validate="1:1")
    return table


def _tables(events: pl.DataFrame, wanted: Collection[Measure]) -> list[pl.DataFrame]:
    tables = [
        _distinct(events, *spec, flagged=spec[2] in wanted) for spec in _DISTINCT if {spec[1], spec[2]} & set(wanted)
    ]
    return [*tables, _durations(events)] if "duration_ms" in wanted else tables


def _distinct(events: pl.DataFrame, identity: str, every: str, some: str, flag: str, *, flagged: bool) -> pl.DataFrame:
    """Per code: distinct ids, and distinct ids with the flag on one of their rows."""
    bit = pl.col(flag).cast(pl.UInt64) if flagged else pl.lit(0, dtype=pl.UInt64)
    packed = events.select((pl.col(CODE) * (2 * _ID_LIMIT) + pl.col(identity) * 2 + bit).alias("packed"))
    ordered = packed.filter(_differs(pl.col("packed"), 1)).to_series().sort().to_frame()
    last_of_id = ordered.filter(
        _differs(pl.col("packed") // 2, -1)
    )  # the flag is the lowest bit: the last one has it if any has
    pairs = last_of_id.select(
        (pl.col("packed") // (2 * _ID_LIMIT)).set_sorted().alias(CODE), (pl.col("packed") % 2).alias(some)
    )
    return pairs.group_by(CODE).agg(pl.len().cast(pl.Int64).alias(every), pl.col(some).sum().cast(pl.Int64))


def _durations(events: pl.DataFrame) -> pl.DataFrame:
    """Per code: the sum of duration_ms over its distinct (session, day)."""
    packed = events.select((pl.col(CODE) * _ID_LIMIT + pl.col(_PART)).alias("packed"), "duration_ms")
    ordered = packed.filter(_differs(pl.col("packed"), 1)).sort("packed")
    parts = ordered.filter(_differs(pl.col("packed"), 1))
    code = (pl.col("packed") // _ID_LIMIT).set_sorted().alias(CODE)
    return parts.select(code, "duration_ms").group_by(CODE).agg(pl.col("duration_ms").sum())


def _differs(value: pl.Expr, step: int) -> pl.Expr:
    return value.ne_missing(value.shift(step))


def _with_parts(events: pl.DataFrame) -> pl.DataFrame:
    day = _number(events["day"])
    days = _top(day) + 1
    part, _ = _small(events[_SESSION] * days + day, (_top(events[_SESSION]) + 1) * days, _ID_LIMIT)
    return events.with_columns(part.alias(_PART))


def _number(key: pl.Series) -> pl.Series:
    """Numbers from 0 that are equal where the keys are."""
    if key.dtype == pl.String:
        key = key.cast(pl.Categorical)
    if key.dtype == pl.Categorical:
        return key.to_physical().cast(pl.UInt64)
    return (key - key.min()).cast(pl.UInt64)


def _top(numbers: pl.Series) -> int:
    top = numbers.max()
    return top if isinstance(top, int) else 0


def _small(code: pl.Series, size: int, limit: int) -> tuple[pl.Series, int]:
    """The code and its size, made dense where it would outgrow the limit."""
    if size < limit:
        return code, size
    dense = code.rank("dense").cast(pl.UInt64)
    return dense, _top(dense) + 1
