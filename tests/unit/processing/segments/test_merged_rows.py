"""Rows of several sources, in order, read column by column."""

import polars as pl
import pytest

from processing.segments import merged_rows
from processing.segments.merged_rows import MergedRows, in_memory

SCHEMA = {"position": pl.UInt64(), "content": pl.String()}


@pytest.mark.parametrize("column_bytes", [10, 10**6])
@pytest.mark.parametrize("empty_first", [True, False])
def test_it_works(monkeypatch: pytest.MonkeyPatch, column_bytes: int, *, empty_first: bool) -> None:
    """Also beside an empty source, and with texts that are too long to be read as a whole."""
    monkeypatch.setattr(merged_rows, "COLUMN_BYTES", column_bytes)
    frames = [
        pl.DataFrame(schema=SCHEMA),
        pl.DataFrame({"position": [3, 1], "content": ["x" * 50, "y" * 30]}, schema=SCHEMA),
        pl.DataFrame({"position": [2], "content": [None]}, schema=SCHEMA),
    ]
    rows = MergedRows([in_memory(frame) for frame in (frames if empty_first else frames[::-1])], SCHEMA, ["position"])
    columns = [[value for piece in column for value in piece] for column in rows.columns([*SCHEMA])]
    assert columns == [[1, 2, 3], ["y" * 30, None, "x" * 50]]
