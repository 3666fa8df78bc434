"""First sightings do not depend on how the events are ordered, cut or layered."""

from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from processing.schema import BUILT
from processing.sessions.condensed import condensed_rows
from processing.sessions.first_sightings import (
    ORDER,
    PURCHASES,
    SIGHTINGS,
    VISITORS,
    FirstSightings,
    Sighting,
    first_of_condensed,
    first_sightings,
    merge_sightings,
    sightings_of,
)
from processing.sessions.layers import ROW_ORDER

# What commerce needs of transactions: a key that several visitors may share, or that is null.
ORDERS = Sighting("first_orders", "client_session", ("session_source",), where=pl.col("event") == "purchase")
KINDS = [VISITORS, PURCHASES, ORDERS]
EVENT: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "visitor": st.integers(1, 3) | st.just(2**64 - 1),
        "client_session": st.none() | st.integers(1, 2),
        "time": st.integers(-2, 3),
        "hit": st.sampled_from([0, 1, 2**63]),
        "index": st.integers(0, 2),
        "event": st.sampled_from(["page_view", "purchase", None]),
        "session": st.integers(1, 3),
        "session_source": st.none() | st.sampled_from(["google", "letter"]),
    }
)


def with_day(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "day": event["time"] // 2}


EVENTS = st.lists(
    EVENT.map(with_day),
    max_size=25,
    unique_by=lambda event: tuple(event[name] for name in ORDER),
)


def built(events: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(events, schema=BUILT).with_columns(pl.col(pl.String).cast(pl.Categorical))


def slowly(events: list[dict[str, Any]], kind: Sighting) -> dict[int, dict[str, Any]]:
    first: dict[int, dict[str, Any]] = {}
    for event in sorted(events, key=lambda event: tuple(event[name] for name in ORDER)):
        if event[kind.key] is not None and (kind is VISITORS or event["event"] == "purchase"):
            first.setdefault(event[kind.key], event)
    return first


def found(sightings: FirstSightings, events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    keys = sorted({event[sightings.kind.key] for event in events} - {None})
    rows = sightings.of(pl.Series(keys, dtype=pl.UInt64)).to_dicts()
    return {key: row for key, row in zip(keys, rows, strict=True) if row["visitor"] is not None}


def expected(events: list[dict[str, Any]], kind: Sighting) -> dict[int, dict[str, Any]]:
    first = slowly(events, kind)
    return {key: {name: event.get(name) for name in kind.columns} for key, event in first.items()}


def test_it_works() -> None:
    plain = {"visitor": 7, "index": 0, "event": "page_view", "day": 0}
    events = [
        {**plain, "time": 20, "hit": 1, "session_source": "letter"},
        {**plain, "time": 10, "hit": 3, "session_source": "news"},
        {**plain, "time": 10, "hit": 2, "session_source": "google"},
        {**plain, "time": 5, "hit": 4, "visitor": 8},
    ]
    sightings = sightings_of(built(events), VISITORS)
    first = sightings.of(pl.Series([8, 7, 9, None], dtype=pl.UInt64))
    assert first.select("day", "session_source").rows() == [(0, None), (0, "google"), (None, None), (None, None)]


@given(EVENTS, st.sampled_from(KINDS), st.lists(st.integers(0, 25), max_size=6))
def test_any_order_and_any_cut_give_the_same(events: list[dict[str, Any]], kind: Sighting, cuts: list[int]) -> None:
    """Cut into layers of which some are merged to a part; two parts or more are looked up together.

    Events of a visitor and day are in one layer.
    """
    if kind.order == ("day",):
        pieces = [[event for event in events if event["day"] == day] for day in (1, -1, 0)]
    else:
        bounds = sorted({0, len(events), *(min(cut, len(events)) for cut in cuts)})
        pieces = [events[low:high] for low, high in pairwise(bounds)]
    layers = [first_sightings(built(piece), kind) for piece in pieces]
    parts = [merge_sightings(layers[number::2], kind) for number in range(2)]
    assert found(FirstSightings(kind, parts), events) == expected(events, kind)


@given(EVENTS)
def test_condensed_rows_of_ordered_events_say_who_came_first(events: list[dict[str, Any]]) -> None:
    assert VISITORS.is_condensed
    ordered = built(events).sort(ROW_ORDER["events"])
    rows = first_of_condensed(condensed_rows(ordered, VISITORS.columns))
    assert rows.equals(first_sightings(built(events), VISITORS))


@given(EVENTS, st.sampled_from(KINDS))
def test_a_layer_has_one_row_for_each_key_and_visitor(events: list[dict[str, Any]], kind: Sighting) -> None:
    """So that the rows of some visitors can be hidden, and what others say of the same key remains."""
    rows = first_sightings(built(events), kind)
    assert rows.select({kind.key, "visitor"}).is_duplicated().sum() == 0
    for hidden in (1, 2):
        shown = merge_sightings([rows.filter(pl.col("visitor") != hidden)], kind)
        others = [event for event in events if event["visitor"] != hidden]
        assert found(FirstSightings(kind, [shown]), events) == expected(others, kind)


def test_every_kind_keeps_columns_of_events() -> None:
    names = [kind.section for kind in SIGHTINGS]
    assert len(set(names)) == len(names)
    for kind in SIGHTINGS:
        assert set(kind.source_columns) <= set(BUILT)
        assert BUILT[kind.key].is_integer()
