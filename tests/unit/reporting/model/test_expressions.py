"""Arithmetic on metrics gives what plain Python gives, to the last digit, in a table of any height."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporting.model.expressions import ratio, read

NAMES = ("a", "b")
Values = dict[str, float]
Slow = Callable[[Values], float]


def table(*rows: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.Int64), orient="row")


def values_of(expression: str, rows: pl.DataFrame) -> list[Any]:
    value = read(expression, lambda name: pl.col(name).cast(pl.Float64))
    return rows.select(pl.first().alias("row"), value.alias("value"))["value"].to_list()


# Numbers whose quotient is not what multiplying with the inverse gives.
@pytest.mark.parametrize(("part", "whole"), [(1001, 1000), (5, 3), (7, 3), (3, 1_000_000), (6122850511437328, 10**6)])
@pytest.mark.parametrize("height", [1, 2, 100])
def test_it_works(part: int, whole: int, height: int) -> None:
    rows = table(*[(part, whole)] * height)
    by_number, by_column, of_number = (
        rows.select(ratio(*operands)).to_series().to_list()
        for operands in ((pl.col("a"), whole), (pl.col("a"), pl.col("b")), (pl.lit(part), pl.col("b")))
    )
    assert by_number == by_column == of_number == [part / whole] * height
    assert rows.with_columns(b=whole).select(ratio(pl.col("a"), pl.col("b"))).to_series().to_list() == by_number


@given(st.integers(0, 2**53), st.integers(1, 2**53))
def test_a_ratio_is_the_nearest_double(part: int, whole: int) -> None:
    quotient = table((part, whole), (1, 1)).select(ratio(pl.col("a"), pl.col("b")))[0, 0]
    assert quotient == float(Fraction(part, whole))


def test_a_division_by_0_gives_0() -> None:
    assert values_of("a / b", table((1, 0), (0, 0), (1, 2))) == [0.0, 0.0, 0.5]
    assert values_of("a / (b - b)", table((1, 2))) == [0.0]


def test_an_expression_of_numbers_only_has_a_value_in_every_row() -> None:
    assert values_of("1 / 3", table((1, 2), (3, 4))) == [1 / 3] * 2
    assert values_of("1 / 3", table()) == values_of("a / 3", table()) == []
    assert values_of("2 * (1 / 3) + a", table((1, 2), (3, 4))) == [2 * (1 / 3) + 1, 2 * (1 / 3) + 3]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Slow]:
    """An expression, and the same in plain Python."""
    kind = draw(st.sampled_from(["name", "number", *(["-", "+", "*", "/", "negative"] if depth else [])]))
    if kind == "name":
        name = draw(st.sampled_from(NAMES))
        return name, lambda values: values[name]
    if kind == "number":
        text = draw(st.sampled_from(["0", "3", "0.1", "1000", "1.001", "999999999999999.9"]))
        return text, lambda _: float(text)
    left, of_left = draw(expressions(depth - 1))
    if kind == "negative":
        return f"-({left})", lambda values: -of_left(values)
    right, of_right = draw(expressions(depth - 1))
    return f"({left}) {kind} ({right})", lambda values: _applied(kind, of_left(values), of_right(values))


def _applied(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left / right if right else 0.0


@given(
    expressions(),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)), min_size=1, max_size=4),
)
@example(("a / 3 + b * 0.1", lambda of: of["a"] / 3 + of["b"] * 0.1), [(5, 7), (5, 7)])
def test_expressions_count_as_plain_python_does(expression: tuple[str, Slow], rows: list[tuple[int, int]]) -> None:
    text, slowly = expression
    expected = [slowly({"a": float(a), "b": float(b)}) for a, b in rows]
    assert values_of(text, table(*rows)) == expected
    assert [values_of(text, table(row))[0] for row in rows] == expected
