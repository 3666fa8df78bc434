import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.pipeline.row_ops import FEW, look_up, reject


def test_it_works() -> None:
    frame = pl.DataFrame({"n": [1, 2, None], "reason": ["asset", None, None]}, schema_overrides={"reason": pl.String})
    found = reject(frame, (pl.col("n") > 1, "bot"), (pl.col("n") > 0, "status"))
    assert found["reason"].to_list() == ["asset", "bot", None]


def test_the_first_reason_stays() -> None:
    frame = pl.DataFrame({"reason": ["asset", None]})
    assert reject(frame, (pl.lit(True), "bot"))["reason"].to_list() == ["asset", "bot"]


@pytest.mark.parametrize("height", [0, 1, FEW, FEW + 1, 5 * FEW])
def test_facts_keep_the_order_of_the_rows(height: int) -> None:
    frame = pl.DataFrame({"a": [at % 7 for at in range(height)], "b": ["x"] * height})
    found = look_up(frame, [pl.col("a"), pl.col("b")], {"c": pl.String()}, lambda a, b: (f"{a}{b}",))
    assert found["c"].to_list() == [f"{at % 7}x" for at in range(height)]


def test_a_large_frame_asks_once_a_distinct_value() -> None:
    asked: list[int | None] = []
    frame = pl.DataFrame({"a": [1, None, 2] * FEW})

    def find(value: int | None) -> tuple[int | None]:
        asked.append(value)
        return (value,)

    look_up(frame, [pl.col("a")], {"c": pl.Int64()}, find)
    assert sorted(asked, key=str) == [1, 2, None]


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), max_size=3 * FEW))
def test_any_values_are_found_again(values: list[str | None]) -> None:
    frame = pl.DataFrame({"a": values}, schema={"a": pl.String()})
    found = look_up(frame, [pl.col("a")], {"a": pl.String()}, lambda a: (a,))
    assert found["a"].to_list() == values
