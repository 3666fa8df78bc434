"""Sums of rows, and their limits."""

import polars as pl

from processing.sessions.condensed import LENGTH
from reporting.query.aggregate import measure, nonzero_flags, with_code


def test_sums_of_condensed_rows_may_outgrow_32_bits() -> None:
    half = 2**31
    columns = dict.fromkeys([LENGTH, "page_view", "key"], [half, half, 1])
    rows = with_code(pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.UInt32)), [])
    for count in (measure, nonzero_flags):
        found = count(rows, [], ["events", "page_views", "key_events"])
        assert found.select("events", "page_views", "key_events").row(0) == (2**32 + 1,) * 3
