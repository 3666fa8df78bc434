"""Shared moves of the steps: refusing rows, and finding out facts once per distinct value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from processing.schema import Reason

FEW: Final = 200  # so many rows are looked up one by one sooner than their distinct values are found


def refuse(frame: pl.DataFrame, *causes: tuple[pl.Expr, Reason]) -> pl.DataFrame:
    """Sets `reason`, where still null, to that of the first condition that holds; null does not hold."""
    found = [pl.when(condition).then(pl.lit(reason)) for condition, reason in causes]
    return frame.with_columns(reason=pl.coalesce("reason", *found))


def refuse_by_rule(frame: pl.DataFrame, reason: Reason, number: pl.Series, names: Sequence[str | None]) -> pl.DataFrame:
    """Refuses the rows that have the number of a rule, and records its name; where it is null nothing happens."""
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
    """The columns `facts` for each row of the frame: `find(*keys)` gives their values.

    In a frame of more than FEW rows it is called once for each distinct combination of the keys.
    """
    wanted = frame.select(key.alias(f"key {number}") for number, key in enumerate(keys))
    if wanted.height <= FEW:
        return _found(wanted, facts, find)
    distinct = wanted.unique()
    known = distinct.hstack(_found(distinct, facts, find))
    joined = wanted.join(known, on=wanted.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.select(*facts)


def _found(keys: pl.DataFrame, facts: Mapping[str, pl.DataType], find: Callable[..., tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame([find(*row) for row in keys.iter_rows()], schema=facts, orient="row")
