"""The measures of reports: what is counted in each row of a report. Metrics are arithmetic on measures.

A measure is counted over events, or over condensed rows, which stand for several events (EVENT_COUNT).
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from processing.sessions.condensed import EVENT_COUNT, STEADY, SUMMED
from reporting.registry.history_columns import stored_columns


class Sum(NamedTuple):
    """Adds up `value` over rows, in 64 bits.

    `wide`: values are whole millionths of numbers that clients choose; they are added in 128 bits, and the sum is cut
    off at what 64 bits hold.
    """

    name: str
    columns: tuple[str, ...]
    value: pl.Expr
    wide: bool = False


class Distinct(NamedTuple):
    """Counts the different values of the column `identity`, "visitor" or "session", in the rows that meet `where`."""

    name: str
    columns: tuple[str, ...]
    identity: str
    where: pl.Expr | None = None  # Boolean; null counts as false


class PerSessionDay(NamedTuple):
    """Adds up the column `name`, which is the same on all rows of a session's day, once for each session and day."""

    name: str
    columns: tuple[str, ...]


class Quantile(NamedTuple):
    """The smallest of the values that at least `percent` of 100 of them do not exceed; null is no value. 0 if there are
    none.

    The quantile of a whole is not known from those of its parts.
    """

    name: str
    columns: tuple[str, ...]
    value: pl.Expr
    percent: int


Measure: TypeAlias = Sum | Distinct | PerSessionDay | Quantile


def _total(name: str, column: str) -> Sum:
    return Sum(name, (column,), pl.col(column))


def _distinct(name: str, identity: str, flag: str) -> Distinct:
    """Counts identities of rows whose flag is true, or, in condensed rows, more than 0."""
    return Distinct(name, (identity, flag), identity, pl.col(flag).cast(pl.Boolean))


EVENTS: Final = Sum("events", (), pl.col(EVENT_COUNT))
PAGE_VIEWS: Final = _total("page_views", "page_view")
ENTRANCES: Final = _total("entrances", "entrance")
EXITS: Final = _total("exits", "last_view")  # of whole sessions: see query/whole_sessions.py
ENGAGEMENT_MS: Final = _total("engagement_ms", "engagement_ms")
KEY_EVENTS: Final = _total("key_events", "key")
VISITORS: Final = Distinct("visitors", ("visitor",), "visitor")
ACTIVE_VISITORS: Final = _distinct("active_visitors", "visitor", "active")
NEW_VISITORS: Final = _distinct("new_visitors", "visitor", "first_visit")
KEY_VISITORS: Final = _distinct("key_visitors", "visitor", "key")
RETURNING_VISITORS: Final = Distinct(
    "returning_visitors", ("visitor", "in_first_session"), "visitor", ~pl.col("in_first_session")
)
FIRST_PURCHASES: Final = Sum("first_purchases", ("is_first_purchase",), pl.col("is_first_purchase"))
SESSIONS: Final = Distinct("sessions", ("session",), "session")
ENGAGED_SESSIONS: Final = _distinct("engaged_sessions", "session", "engaged")
KEY_SESSIONS: Final = _distinct("key_sessions", "session", "key")
DURATION_MS: Final = PerSessionDay("duration_ms", ("session", "day", "duration_ms"))


def events_named(event: str) -> Sum:
    return Sum(f"events {event}", ("event",), _is_named(event))


def visitors_with(event: str) -> Distinct:
    return Distinct(f"visitors {event}", ("visitor", "event"), "visitor", _is_named(event))


def key_events_named(event: str) -> Sum:
    return Sum(f"key_events {event}", ("key", "event"), _is_key_event(event))


def key_visitors_with(event: str) -> Distinct:
    return Distinct(f"key_visitors {event}", ("visitor", "key", "event"), "visitor", _is_key_event(event))


def key_sessions_with(event: str) -> Distinct:
    return Distinct(f"key_sessions {event}", ("session", "key", "event"), "session", _is_key_event(event))


def _is_named(event: str) -> pl.Expr:
    return pl.col("event") == event  # condensed rows have no names, so that such reports read events


def _is_key_event(event: str) -> pl.Expr:
    return _is_named(event) & pl.col("key").cast(pl.Boolean)


def is_additive(measure: Measure) -> bool:
    """Returns whether the counts of disjoint sets of visitors add up to that of all of them."""
    return not isinstance(measure, Quantile)


def without_repeats(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    return tuple({measure.name: measure for measure in measures}.values())


def can_condense(columns: Collection[str]) -> bool:
    """Returns whether condensed rows have all of these columns."""
    return stored_columns(columns) <= {*STEADY, *SUMMED}
