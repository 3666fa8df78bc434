"""Distinct visitors and sessions are counted in bitmaps as sets count them, however little memory there is."""

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.query import distinct
from reporting.query.aggregate import CODE, measure
from reporting.query.distinct import SESSION_DAY, DistinctCounter, bitmaps_are_quicker, group_of_row, number_ids
from reporting.registry.measures import ACTIVE_VISITORS, DURATION_MS, SESSIONS, VISITORS, Measure

Fact = tuple[int, int, int, int, bool]

ROW = st.tuples(
    st.sampled_from([0, 7, 4_000]),  # code
    st.sampled_from([1, 2, 2**63, 2**64 - 1]),  # visitor
    st.sampled_from([5, 2**64 - 2]),  # session
    st.integers(20_000, 20_003),  # day
    st.booleans(),
)


def frame(rows: list[Fact]) -> pl.DataFrame:
    schema = {CODE: pl.UInt32, "visitor": pl.UInt64, "session": pl.UInt64, "day": pl.Int32, "active": pl.Boolean}
    duration = (pl.col("session") % 100 + pl.col("day").cast(pl.UInt64)).cast(pl.Int64).alias("duration_ms")
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(duration)


def test_it_works() -> None:
    """The example at the top of the module."""
    counter = DistinctCounter(pl.Series([0, 0, 1, 1], dtype=pl.UInt32))
    ids = pl.Series([0, 2, 2, 2], dtype=pl.UInt32)
    assert counter.count_distinct(ids).to_list() == [2, 1]
    assert counter.count_distinct(ids, where=pl.Series([False, True, False, None])).to_list() == [1, 0]
    assert counter.sum_once_per_id(ids, pl.Series([5, 7, 7, 7])).to_list() == [12, 7]


def test_a_code_becomes_its_place_among_the_codes() -> None:
    assert group_of_row(pl.Series([7, 9, 7]), pl.Series([9, 7])).to_list() == [1, 0, 1]


@pytest.mark.parametrize("bitmap_bytes", [1, 8, 2**24])
@pytest.mark.parametrize("chunk_rows", [3, 2**20])
@given(rows=st.lists(ROW, max_size=30))
def test_random_rows_are_counted_as_sets_count_them(rows: list[Fact], bitmap_bytes: int, chunk_rows: int) -> None:
    facts = frame(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MAX_BITMAP_BYTES", bitmap_bytes)
        patch.setattr(distinct, "CHUNK_ROWS", chunk_rows)
        numbered, codes = number_ids(facts), facts[CODE].unique().sort()
        counter = DistinctCounter(group_of_row(numbered[CODE], codes))
        visitors = counter.count_distinct(numbered["visitor"])
        active_sessions = counter.count_distinct(numbered["session"], numbered["active"])
        durations = counter.sum_once_per_id(numbered[SESSION_DAY], numbered["duration_ms"])
    of_code = defaultdict[int, list[Fact]](list)
    for row in rows:
        of_code[row[0]].append(row)
    assert visitors.to_list() == [len({row[1] for row in of_code[code]}) for code in codes]
    assert active_sessions.to_list() == [len({row[2] for row in of_code[code] if row[4]}) for code in codes]
    assert durations.to_list() == [
        sum({row[2:4]: row[2] % 100 + row[3] for row in of_code[code]}.values()) for code in codes
    ]


@given(rows=st.lists(ROW, max_size=30))
def test_a_hash_finds_the_same_if_bitmaps_would_be_too_large(rows: list[Fact]) -> None:
    measures: list[Measure] = [VISITORS, ACTIVE_VISITORS, SESSIONS, DURATION_MS]
    numbered = number_ids(frame(rows))
    by_bitmap = measure(numbered, [], measures).sort(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MAX_BATCHES", 0)
        assert rows == [] or not bitmaps_are_quicker(numbered["visitor"], numbered[CODE].unique())
        assert measure(numbered, [], measures).sort(CODE).equals(by_bitmap)


def test_rows_without_ids_stay_as_they_are() -> None:
    rows = pl.DataFrame({"day": [1, 2], "path": ["/a", "/b"]})
    assert number_ids(rows).equals(rows)


def test_each_measure_chooses_bitmaps_or_a_hash_by_itself() -> None:
    """Many days of sessions do not make it slow to count few visitors."""
    numbered = number_ids(frame([(0, 1, session, 20_000, True) for session in range(50)]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "MAX_BITMAP_BYTES", 10)
        patch.setattr(distinct, "MAX_BATCHES", 1)
        codes = numbered[CODE].unique()
        by_bitmap = [name for name in ("visitor", "session", SESSION_DAY) if bitmaps_are_quicker(numbered[name], codes)]
        assert by_bitmap == ["visitor"]
        table = measure(numbered, [], [VISITORS, SESSIONS, DURATION_MS])
    durations = sum(session % 100 + 20_000 for session in range(50))
    assert table.select("visitors", "sessions", "duration_ms").row(0) == (1, 50, durations)
