"""Stored rows stay readable when a column is added: the table of columns says what older rows lack."""

from typing import Final

import polars as pl

from processing.columns.column import Steady, Summed
from processing.schema import (
    ADDED_COLUMNS,
    AGAIN_COLUMN,
    BUILT,
    BUILT_COLUMNS,
    OPEN_SESSION_COLUMNS,
    REJECTED_COLUMNS,
)
from processing.sessions.condensed import CONDENSED, CONDENSED_VERSION, EVENT_COUNT

COLUMNS: Final = (*BUILT_COLUMNS, *REJECTED_COLUMNS, AGAIN_COLUMN, *OPEN_SESSION_COLUMNS)
FIRST_VERSION: Final = {
    *("position", "index", "time", "received_us", "stable", "visitor", "hit", "client_session", "sequence"),
    *("event", "host", "path", "source", "medium", "campaign", "channel", "country", "device", "browser", "system"),
    *("page_view", "first_visit", "key_event", "client_engaged", "signals", "engagement_ms"),
    *("session", "session_source", "session_medium", "session_campaign", "session_channel"),
    *("day", "engaged", "active", "duration_ms"),
    *("reason", "content", "again"),
    *("start", "last", "page_views", "engagement", "key_events"),
}
FIRST_CONDENSED: Final = (
    *("day", "visitor", "session", "engaged", "active", "duration_ms", "country", "device", "browser", "system"),
    *("session_source", "session_medium", "session_campaign", "session_channel", "session_groups"),
    *("page_view", "engagement_ms", "key"),
)


def test_it_works() -> None:
    """Every column that the first version did not store is marked. If this fails for yours, set `added=True`."""
    assert {column.name for column in COLUMNS if not column.added} == FIRST_VERSION


def test_a_name_means_the_same_in_every_table() -> None:
    kinds: dict[str, set[pl.DataType]] = {}
    added: dict[str, set[bool]] = {}
    for column in COLUMNS:
        kinds.setdefault(column.name, set()).add(column.dtype)
        added.setdefault(column.name, set()).add(column.added)
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}
    later_for_rejected_hits = {"host", "path", "country"}  # events have always had them
    assert {name for name, kind in added.items() if len(kind) > 1} == later_for_rejected_hits


def test_a_fallback_is_a_column_of_the_first_version() -> None:
    fallbacks = {column.name: column.fallback for column in ADDED_COLUMNS.values() if column.fallback}
    assert fallbacks == {"key": "key_event"}
    assert set(fallbacks.values()) <= FIRST_VERSION
    assert all(BUILT[name] == BUILT[fallback] for name, fallback in fallbacks.items())


def test_condensed_rows_have_a_version_for_every_set_of_columns() -> None:
    """If this fails for a new column, give it the next version: stored condensed rows do not have it."""
    flags = [(column.name, column.condensed) for column in BUILT_COLUMNS if column.condensed]
    assert {name for name, flag in flags if flag.version == 1} == set(FIRST_CONDENSED)
    assert tuple(CONDENSED)[-1] == EVENT_COUNT
    assert CONDENSED_VERSION != 1 or tuple(CONDENSED) == (*FIRST_CONDENSED, EVENT_COUNT)


def test_no_two_condensed_columns_have_the_same_place() -> None:
    flags = [column.condensed for column in BUILT_COLUMNS if column.condensed]
    for kind in (Steady, Summed):
        places = [(flag.version, flag.place) for flag in flags if isinstance(flag, kind)]
        assert len(places) == len(set(places))
