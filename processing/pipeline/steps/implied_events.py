"""Adds the events that a hit's flags imply: `_fv` a first_visit, `_ss` a session_start."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.custom_values import METRIC, without
from processing.schema import EVENTS

# (event name, flag), in the order in which the implied events come before the hit's own ones.
IMPLIED: Final = (("first_visit", "_fv"), ("session_start", "_ss"))

# Facts of the flagged event alone. Everything else (page, source, device …) holds for the implied event as well.
OF_THE_FLAGGED_EVENT: Final = {
    "page_view": False,
    "key_event": False,
    "engagement_ms": 0,
    "once": None,
    "key_value": 0,
    "interaction": None,
}


def implied_events(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Puts the implied events before the hits' own events, whose `index` moves up to make room.

    A hit gets each of them once, however many of its events carry the flag, and not at all if it sends the event
    itself: index 0 is kept for first_visit, 1 for session_start, and the hit's events have 2, 3 …
    """
    implied = [_copies(frame, index, event, flag) for index, (event, flag) in enumerate(IMPLIED)]
    own = frame.with_columns(index=pl.col("index") + len(IMPLIED))
    return pl.concat([*(rows for rows in implied if not rows.is_empty()), own])


def _copies(frame: pl.DataFrame, index: int, event: str, flag: str) -> pl.DataFrame:
    """Turns a copy of the first flagged event of each hit into the implied event."""
    flagged = frame.filter(pl.col(flag) == "1")
    if flagged.is_empty():
        return flagged
    sent = frame.filter(pl.col("event") == event)
    rows = _first_of_each_hit(flagged if sent.is_empty() else flagged.join(sent, on="position", how="anti"))
    facts = {"index": index, "event": event, "first_visit": event == "first_visit", **OF_THE_FLAGGED_EVENT}
    rows = rows.with_columns(pl.lit(value, dtype=EVENTS[name]).alias(name) for name, value in facts.items())
    # Metrics stay with the flagged event: reports add them up, and a copy would be counted twice.
    return rows if rows["custom"].null_count() == rows.height else rows.with_columns(without("custom", METRIC))


def _first_of_each_hit(rows: pl.DataFrame) -> pl.DataFrame:
    if rows["position"].n_unique() == rows.height:  # most hits have one event
        return rows
    return rows.sort("position", "index").unique("position", keep="first")
