"""Shared moves of the steps: refusing rows, and finding out facts once per distinct value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from processing.schema import Reason


def refuse(frame: pl.DataFrame, *causes: tuple[pl.Expr, Reason]) -> pl.DataFrame:
    """Sets `reason`, where still null, to that of the first condition that holds; null does not hold."""
    found = [pl.when(condition).then(pl.lit(reason)) for condition, reason in causes]
    return frame.with_columns(reason=pl.coalesce("reason", *found))


def derive(
    frame: pl.DataFrame, keys: Sequence[str], facts: Mapping[str, pl.DataType], find: Callable[..., tuple[Any, ...]]
) -> pl.DataFrame:
    """Adds the columns `facts`: `find(*keys)` gives their values, and is called once a distinct combination of keys."""
    wanted = frame.select(keys)
    distinct = wanted.unique()
    found = pl.DataFrame([find(*row) for row in distinct.iter_rows()], schema=facts, orient="row")
    if distinct.height == 1:
        return frame.with_columns(pl.lit(found[name][0], dtype=kind).alias(name) for name, kind in facts.items())
    known = distinct.hstack(found.rename({name: f"found {name}" for name in facts}))
    joined = wanted.join(known, on=list(keys), how="left", nulls_equal=True, maintain_order="left")
    return frame.with_columns(joined[f"found {name}"].alias(name) for name in facts)
