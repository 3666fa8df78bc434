"""Operations that the steps share: rejecting rows, and looking up facts once per distinct value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from processing.schema import Reason

FEW: Final = 200  # so few rows are looked up one by one: finding their distinct values would cost more


def reject(frame: pl.DataFrame, *causes: tuple[pl.Expr, Reason]) -> pl.DataFrame:
    """Sets `reason`, where it is null, to the reason of the first condition that holds; null does not hold."""
    reasons = [pl.when(condition).then(pl.lit(reason)) for condition, reason in causes]
    return frame.with_columns(reason=pl.coalesce("reason", *reasons))


def reject_by_rule(frame: pl.DataFrame, reason: Reason, number: pl.Series, names: Sequence[str | None]) -> pl.DataFrame:
    """Rejects the rows that have the number of a rule, and records the rule's name; null rejects nothing."""
    if number.null_count() == frame.height:
        return frame
    undecided = pl.col("reason").is_null() & pl.lit(number).is_not_null()
    name = pl.lit(pl.Series(names, dtype=pl.String).gather(number))
    return frame.with_columns(
        reason=pl.when(undecided).then(pl.lit(reason)).otherwise("reason"),
        rule=pl.when(undecided).then(name).otherwise("rule"),
    )


def look_up(
    frame: pl.DataFrame,
    keys: Sequence[pl.Expr],
    facts: Mapping[str, pl.DataType],
    find: Callable[..., tuple[Any, ...]],
) -> pl.DataFrame:
    """Returns the columns `facts` for each row of the frame: `find(*keys)` returns their values.

    In a frame of more than FEW rows `find` is called once per distinct combination of the keys.
    """
    requested = frame.select(key.alias(f"key {number}") for number, key in enumerate(keys))
    if requested.height <= FEW:
        return _find_all(requested, facts, find)
    distinct = requested.unique()
    known = distinct.hstack(_find_all(distinct, facts, find))
    joined = requested.join(known, on=requested.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(*facts)


def _find_all(
    keys: pl.DataFrame, facts: Mapping[str, pl.DataType], find: Callable[..., tuple[Any, ...]]
) -> pl.DataFrame:
    return pl.DataFrame([find(*row) for row in keys.iter_rows()], schema=facts, orient="row")
