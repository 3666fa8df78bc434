"""Orders report rows."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from reporting.model.report import ByDimension


class SortKey(NamedTuple):
    value: pl.Expr
    descending: bool = False
    nulls_last: bool = False


def dimension_sort_key(order: ByDimension, column: str) -> SortKey:
    """Returns the sort key of a dimension whose texts are in the column."""
    text = pl.col(column)
    match order.order:
        case "ALPHANUMERIC":
            value = text
        case "CASE_INSENSITIVE_ALPHANUMERIC":
            value = text.str.to_lowercase()
        case "NUMERIC":  # texts that are not numbers are null, and below all numbers
            number = text.cast(pl.Float64, strict=False)
            value = pl.when(number.is_finite()).then(number)
    return SortKey(value, order.descending, nulls_last=order.descending)


def ordered(table: pl.DataFrame, keys: Sequence[SortKey]) -> pl.DataFrame:
    values, descending, nulls_last = zip(*keys, strict=True)
    return table.sort(values, descending=descending, nulls_last=nulls_last)
