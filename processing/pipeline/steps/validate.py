"""Rejects hits that cannot be read, or that belong to no known property."""

from typing import Final

import polars as pl

from configuration.ruleset.context import UNKNOWN_PROPERTY
from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.event_names import LONGEST_EVENT_NAME
from processing.pipeline.protocols import IS_GA4
from processing.pipeline.row_ops import reject

GA4_VERSION: Final = "2"
OUR_FAULT: Final = "processing error"  # receiving begins an error with it if our code failed


def validate(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    unknown = pl.lit(rules.property == UNKNOWN_PROPERTY)
    return reject(
        frame,
        (pl.col("error").str.starts_with(OUR_FAULT), "processing error"),
        (pl.col("error").is_not_null(), "malformed"),
        (unknown, "unknown property"),
        (IS_GA4 & ~_sound_ga4(), "malformed"),
    )


def _sound_ga4() -> pl.Expr:
    version = pl.col("rest").str.extract("(?:^|&)v=([^&]*)").fill_null(GA4_VERSION)
    name_length = pl.col("en").str.len_chars().fill_null(0)
    return version.eq(GA4_VERSION) & name_length.is_between(1, LONGEST_EVENT_NAME)
