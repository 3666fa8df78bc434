"""Sums of rows and their limits, flags in place of counts, and codes for combinations of keys."""

from itertools import product

import polars as pl

from processing.sessions.condensed import EVENT_COUNT
from reporting.query.aggregate import CODE, measure, nonzero_flags, with_code
from reporting.registry.measures import ACTIVE_VISITORS, DURATION_MS, EVENTS, KEY_EVENTS, PAGE_VIEWS, VISITORS


def test_it_works() -> None:
    """A sum may outgrow the 32 bits of its addends."""
    half = 2**31
    columns = dict.fromkeys([EVENT_COUNT, "page_view", "key"], [half, half, 1])
    rows = with_code(pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.UInt32)), [])
    for count in (measure, nonzero_flags):
        table = count(rows, [], [EVENTS, PAGE_VIEWS, KEY_EVENTS])
        assert table.select("events", "page_views", "key_events").row(0) == (2**32 + 1,) * 3


def test_flags_say_which_counts_are_more_than_0() -> None:
    columns = {"visitor": [0, 1, 2], "active": [False, False, False], EVENT_COUNT: [5, 10, 5], "duration_ms": [0, 7, 9]}
    rows = with_code(pl.DataFrame(columns), [])
    table = nonzero_flags(rows, [], [EVENTS, VISITORS, ACTIVE_VISITORS, DURATION_MS])
    assert table.select("events", "visitors", "active_visitors", "duration_ms").row(0) == (20, 1, 0, 1)


def test_codes_differ_where_keys_differ_and_are_equal_where_they_are_equal() -> None:
    keys = list(product(["/a", "/b"], [-3, 2**40], ["x", "", "(not set)"])) * 2
    rows = pl.DataFrame(keys, schema=["path", "number", "text"], orient="row")
    codes = with_code(rows, rows.columns)[CODE].to_list()
    assert len(set(zip(codes, keys, strict=True))) == len(set(codes)) == len(set(keys))
