"""Reads what happened, and what the client says about its engagement."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.event_names import PAGE_VIEW, implied_by_name
from processing.pipeline.protocols import IS_SERVER_LOG, LACKS_ENGAGEMENT_SIGNALS
from processing.schema import DAY_MS


def activity(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`engagement_ms` is 0 unless the client sends a number, and at most a day, so that no sum overflows.

    Fractions of a millisecond are cut off: clients whose clock is finer send `1500.7`. `visit_number` is null unless
    the client sends a number from 1.
    """
    return frame.with_columns(
        **FACTS, engagement_ms=_whole_milliseconds(frame["_et"]), visit_number=_visit_number(frame["sct"])
    )


def _whole_milliseconds(sent: pl.Series) -> pl.Series:
    if sent.str.contains(".", literal=True).any():
        sent = sent.str.splitn(".", 2).struct[0]
    return sent.str.to_integer(strict=False, dtype=pl.Int64()).fill_null(0).clip(0, DAY_MS)


def _visit_number(sent: pl.Series) -> pl.Series:
    number = sent.str.to_integer(strict=False, dtype=pl.UInt32())
    return number.set(number == 0, None)


def _flag(name: str) -> pl.Expr:
    return pl.col(name).eq("1").fill_null(False)


EVENT: Final = pl.when(IS_SERVER_LOG).then(pl.lit(PAGE_VIEW)).otherwise(pl.col("en"))
FACTS: Final = {
    **implied_by_name(EVENT),
    "key_event": _flag("_c"),
    "client_engaged": _flag("seg"),
    "signals": ~LACKS_ENGAGEMENT_SIGNALS,
}
