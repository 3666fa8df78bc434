"""Reads what a client says about itself: language, sizes of screen and window, and whether its user is signed in."""

from collections.abc import Callable
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import dictionary_encode, on_some

SIZE: Final = "^([1-9][0-9]{0,4}x[1-9][0-9]{0,4})$"
LANGUAGE: Final = "^([a-z]{2,8}(?:-[a-z0-9]{1,8}){0,4})(?:[.@,;]|$)"
VIEWPORT: Final = "vp="  # its parameter has no column of its own


def client(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """A text that is no language or size becomes null. The user id itself is no column."""
    return frame.with_columns(
        language=_read(frame["ul"], _language),
        screen=_read(frame["sr"], _size),
        viewport=_read(_viewport(frame["rest"]), _size),
        signed_in=pl.col("uid").fill_null("").ne(""),
    )


def _read(column: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    if column.null_count() == column.len():
        return column
    return dictionary_encode(column).map(read).rows()


def _language(texts: pl.Series) -> pl.Series:
    """`en_US.UTF-8` -> `en-us`."""
    return texts.str.to_lowercase().str.replace_all("_", "-", literal=True).str.extract(LANGUAGE, 1)


def _size(texts: pl.Series) -> pl.Series:
    return texts.str.extract(SIZE, 1)


def _viewport(rest: pl.Series) -> pl.Series:
    has_any = rest.str.contains(VIEWPORT, literal=True).fill_null(value=False)
    if not has_any.any():
        return pl.repeat(None, rest.len(), dtype=pl.String(), eager=True)
    return on_some(rest, has_any, lambda some: some.str.extract(f"(?:^|&){VIEWPORT}([^&]*)", 1))
