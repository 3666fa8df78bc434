"""Names the country in English. Its code was looked up on receipt, while the full address was known."""

from functools import cache
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.lists import rows
from processing.pipeline.row_ops import look_up

FACTS: Final = {"country": pl.String()}


def place(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Turns ISO 3166 codes into names; any other code becomes null."""
    return frame.with_columns(look_up(frame, [pl.col("country")], FACTS, find_place))


def find_place(code: str | None) -> tuple[str | None]:
    return (_names().get((code or "").upper()),)


@cache
def _names() -> dict[str, str]:
    return dict(rows("countries"))
