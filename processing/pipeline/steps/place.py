"""The country by its English name; the code was looked up while the full address was still there."""

from functools import cache
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.lists import rows
from processing.pipeline.row_ops import look_up

FOUND: Final = {"country": pl.String()}


def place(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """A code that is not ISO 3166 becomes null."""
    return frame.with_columns(look_up(frame, [pl.col("country")], FOUND, find_place))


def find_place(code: str | None) -> tuple[str | None]:
    return (_names().get((code or "").upper()),)


@cache
def _names() -> dict[str, str]:
    return dict(rows("countries"))
