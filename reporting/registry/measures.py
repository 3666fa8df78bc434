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
    `of_items`: the column has the item's own number in rows of items, and that of all items in rows of events.
    """

    name: str
    columns: tuple[str, ...]
    value: pl.Expr
    wide: bool = False
    of_items: bool = False


class Distinct(NamedTuple):
    """Counts the different values of the column `identity`, one of distinct.IDENTITIES, where the condition holds."""

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


class Whole(NamedTuple):
    """Adds up `value` over all rows of the date range that the dimension filter keeps: the same in each report row."""

    name: str
    columns: tuple[str, ...]
    value: pl.Expr


class Trailing(NamedTuple):
    """Counts like Distinct, over the `days` that end with a day: in a report by date with the row's own date, in others
    with the last day of the date range. They may begin before the date range.
    """

    name: str
    columns: tuple[str, ...]
    identity: str
    where: pl.Expr
    days: int


Measure: TypeAlias = Sum | Distinct | PerSessionDay | Quantile | Whole | Trailing


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


def active_visitors_of(days: int) -> Trailing:
    columns = ("visitor", "active", "day")
    return Trailing(f"active_visitors of {days} days", columns, "visitor", pl.col("active"), days)


def visitors_with(event: str) -> Distinct:
    return Distinct(f"visitors {event}", ("visitor", "event"), "visitor", _is_named(event))


def key_events_named(event: str) -> Sum:
    return Sum(f"key_events {event}", ("key", "event"), _is_key_event(event))


def key_visitors_with(event: str) -> Distinct:
    return Distinct(f"key_visitors {event}", ("visitor", "key", "event"), "visitor", _is_key_event(event))


def key_sessions_with(event: str) -> Distinct:
    return Distinct(f"key_sessions {event}", ("session", "key", "event"), "session", _is_key_event(event))


def units(event: str) -> Sum:
    """Adds up the quantities of the items of these events."""
    return _of_items(f"units {event}", ("event", "item_quantity"), _is_named(event))


def events_with_items(event: str) -> Distinct:
    """Counts the events that name an item; a row of items has it once, however many of its items are in it."""
    columns = ("event", "item_quantity", "event_number")
    return Distinct(f"events_with_items {event}", columns, "event_number", _names_items(event))


def visitors_with_items(event: str) -> Distinct:
    columns = ("event", "item_quantity", "visitor")
    return Distinct(f"visitors_with_items {event}", columns, "visitor", _names_items(event))


def of_purchases(column: str, *, of_items: bool = False) -> Sum:
    """Adds up a column of the purchases that count."""
    value = pl.when("counted_purchase").then(column)
    return Sum(f"{column} purchase", ("counted_purchase", column), value, wide=True, of_items=of_items)


def of_refunds(column: str, *, of_items: bool = False) -> Sum:
    value = pl.when(_is_named("refund")).then(column)
    return Sum(f"{column} refund", ("event", column), value, wide=True, of_items=of_items)


def _of_items(name: str, columns: tuple[str, ...], where: pl.Expr) -> Sum:
    return Sum(name, columns, pl.when(where).then("item_quantity"), wide=True, of_items=True)


def _names_items(event: str) -> pl.Expr:
    return _is_named(event) & pl.col("item_quantity").is_not_null()


PURCHASES: Final = Sum("purchases", ("counted_purchase",), pl.col("counted_purchase"))
PAID_PURCHASES: Final = Sum(
    "paid_purchases",
    ("counted_purchase", "value", "item_value"),
    pl.col("counted_purchase") & (pl.coalesce("value", "item_value") > 0),
)
PURCHASERS: Final = Distinct("purchasers", ("visitor", "counted_purchase"), "visitor", pl.col("counted_purchase"))
PURCHASERS_OF_ITEMS: Final = Distinct(
    "purchasers_of_items",
    ("visitor", "counted_purchase", "item_quantity"),
    "visitor",
    pl.col("counted_purchase") & pl.col("item_quantity").is_not_null(),
)
PURCHASED_UNITS: Final = of_purchases("item_quantity", of_items=True)


def _is_named(event: str) -> pl.Expr:
    return pl.col("event") == event  # condensed rows have no names, so that such reports read events


def _is_key_event(event: str) -> pl.Expr:
    return _is_named(event) & pl.col("key").cast(pl.Boolean)


def is_additive(measure: Measure) -> bool:
    """Returns whether the counts of disjoint sets of visitors add up to that of all of them."""
    return not isinstance(measure, Quantile | Whole)


def without_repeats(measures: Iterable[Measure]) -> tuple[Measure, ...]:
    return tuple({measure.name: measure for measure in measures}.values())


def can_condense(columns: Collection[str]) -> bool:
    """Returns whether condensed rows have all of these columns."""
    return stored_columns(columns) <= {*STEADY, *SUMMED}
