"""The country by its English name; the code was looked up while the full address was still there."""

from functools import cache

import polars as pl

from configuration.rules import Context, PropertySettings
from processing.lists import rows


def place(frame: pl.DataFrame, settings: PropertySettings, context: Context) -> pl.DataFrame:
    """A code that is not ISO 3166 becomes null."""
    code = pl.col("country").str.to_uppercase()
    return frame.with_columns(country=code.replace_strict(_names(), default=None, return_dtype=pl.String()))


@cache
def _names() -> dict[str, str]:
    return dict(rows("countries"))
