"""Distinct visitors and sessions are counted in marks as sets count them, however little room there is."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.query import distinct
from reporting.query.aggregate import CODE, measure
from reporting.query.distinct import PART, DistinctCounter, affordable, numbered
from reporting.registry.metrics import Measure

ROW = st.tuples(
    st.sampled_from([0, 7, 4_000]),  # code
    st.sampled_from([1, 2, 2**63, 2**64 - 1]),  # visitor
    st.sampled_from([5, 2**64 - 2]),  # session
    st.integers(20_000, 20_003),  # day
    st.booleans(),
)


def frame(rows: list[tuple[int, int, int, int, bool]]) -> pl.DataFrame:
    kinds = {CODE: pl.UInt32, "visitor": pl.UInt64, "session": pl.UInt64, "day": pl.Int32, "active": pl.Boolean}
    length = (pl.col("session") % 100 + pl.col("day").cast(pl.UInt64)).cast(pl.Int64).alias("duration_ms")
    return pl.DataFrame(rows, schema=kinds, orient="row").with_columns(length)


@pytest.mark.parametrize("room", [1, 8, 2**24])
@pytest.mark.parametrize("chunk", [3, 2**20])
@given(rows=st.lists(ROW, max_size=30))
def test_it_works(rows: list[tuple[int, int, int, int, bool]], room: int, chunk: int) -> None:
    before = frame(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MOST_MARKS", room)
        patch.setattr(distinct, "CHUNK_ROWS", chunk)
        after, codes = numbered(before), before[CODE].unique().sort()
        marks = DistinctCounter(after[CODE], codes)
        found = marks.distinct(after["visitor"], None), marks.distinct(after["session"], after["active"])
        durations = marks.once(after[PART], after["duration_ms"])
    of = defaultdict[int, list[tuple[int, int, int, int, bool]]](list)
    for row in rows:
        of[row[0]].append(row)
    assert found[0].to_list() == [len({row[1] for row in of[code]}) for code in codes]
    assert found[1].to_list() == [len({row[2] for row in of[code] if row[4]}) for code in codes]
    assert durations.to_list() == [
        sum({row[2:4]: row[2] % 100 + row[3] for row in of[code]}.values()) for code in codes
    ]


@given(rows=st.lists(ROW, max_size=30))
def test_where_there_is_no_room_a_hash_finds_the_same(rows: list[tuple[int, int, int, int, bool]]) -> None:
    wanted: list[Measure] = ["visitors", "active_visitors", "sessions", "duration_ms"]
    known = numbered(frame(rows))
    marked = measure(known, [], wanted).sort(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MOST_GROUPS", 0)
        assert rows == [] or not affordable(known["visitor"], known[CODE].unique())
        assert measure(known, [], wanted).sort(CODE).equals(marked)


def test_rows_that_have_neither() -> None:
    rows = pl.DataFrame({"day": [1, 2], "path": ["/a", "/b"]})
    assert numbered(rows).equals(rows)


def test_each_measure_by_itself_is_marked_where_there_is_room_for_it() -> None:
    """Many days of sessions do not make it dear to count few visitors."""
    known = numbered(frame([(0, 1, session, 20_000, True) for session in range(50)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MOST_MARKS", 10)
        patch.setattr(distinct, "MOST_GROUPS", 1)
        marked = [name for name in ("visitor", "session", PART) if affordable(known[name], known[CODE].unique())]
        assert marked == ["visitor"]
        table = measure(known, [], ["visitors", "sessions", "duration_ms"])
    durations = sum(session % 100 + 20_000 for session in range(50))
    assert table.select("visitors", "sessions", "duration_ms").row(0) == (1, 50, durations)
