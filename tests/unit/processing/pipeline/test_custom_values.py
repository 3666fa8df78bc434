"""How `custom` and `groups` hold what rules make of events: what goes in comes out, of text and of categories."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.pipeline.custom_values import LARGEST, LONGEST, METRIC, encode, extract, join, number, pair, without


def encoded(**values: str | None) -> str | None:
    frame = pl.DataFrame([values], schema=dict.fromkeys(values, pl.String))
    found: str | None = frame.select(encode({name: pl.col(name) for name in values})).item()
    return found


def test_it_works() -> None:
    text = encoded(**{"e:plan": "gold & silver", "u:tier": None, "m:price": "1.5", "c:My group": "Shoes"})
    assert text == "e:plan=gold%20%26%20silver&m:price=1.5&c:My+group=Shoes"
    frame = pl.DataFrame({"custom": [text, None, "e:plan=x"]})
    for kind in (pl.String(), pl.Categorical()):
        held = frame.cast(kind)
        assert held.select(extract("custom", "e:plan")).to_series().to_list() == ["gold & silver", None, "x"]
        assert held.select(extract("custom", "c:My group")).to_series().to_list() == ["Shoes", None, None]


def test_nothing_is_null() -> None:
    assert encoded(a=None, b="") is None
    assert encoded(a=None, b="x") == "b=x"
    frame = pl.DataFrame({"a": [None, "x"]}, schema={"a": pl.String})
    assert frame.select(join(pl.lit(None, dtype=pl.String), pair("a", pl.col("a")))).to_series().to_list() == [
        None,
        "a=x",
    ]


def test_names_that_end_alike_are_told_apart() -> None:
    frame = pl.DataFrame({"custom": ["e:a=1&e:ba=2&u:a=3&c:a.b=4&c:axb=5"]})
    found = [frame.select(extract("custom", name)).item() for name in ("e:a", "e:ba", "u:a", "c:a.b", "c:axb", "a")]
    assert found == ["1", "2", "3", "4", "5", None]


def test_values_are_cut() -> None:
    assert encoded(a="&" * 1000) == "a=" + "%26" * LONGEST


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("m:a=1&e:b=m:c", "e:b=m:c"),
        ("e:b=1&m:a=1&m:c=2&c:x=y", "e:b=1&c:x=y"),
        ("m:a=1&m:b=2", None),
        ("e:a=1", "e:a=1"),
        (None, None),
    ],
)
def test_without_metrics(text: str | None, left: str | None) -> None:
    assert (
        pl.DataFrame({"custom": [text]}, schema={"custom": pl.String}).select(without("custom", METRIC)).item() == left
    )


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("1", 1_000_000),
        ("12.34", 12_340_000),
        ("-0.000001", -1),
        ("0.1", 100_000),
        ("1e3", 1_000_000_000),
        ("99999999.123456", 99_999_999_123_456),
        ("1e300", LARGEST),
        ("-1e300", -LARGEST),
        ("inf", None),
        ("nan", None),
        ("1,5", None),
        ("", None),
        ("a", None),
        (None, None),
    ],
)
def test_numbers(text: str | None, millionths: int | None) -> None:
    assert pl.DataFrame({"a": [text]}, schema={"a": pl.String}).select(number(pl.col("a"))).item() == millionths


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
HOSTILE = st.text(st.sampled_from('%&=+;# "<>\\\n\x002356aem:'), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.dictionaries(TEXT | HOSTILE, TEXT | HOSTILE, min_size=1, max_size=4))
def test_what_goes_in_comes_out(values: dict[str, str]) -> None:
    frame = pl.DataFrame({"row": [0]}).with_columns(custom=encode({n: pl.lit(v) for n, v in values.items()}))
    text = frame["custom"].item()
    assert text is None or not set(text) & set('\n\x00 "<>;#')
    for kind in (pl.String(), pl.Categorical()):
        held = frame.cast({"custom": kind})
        assert {name: held.select(extract("custom", name)).item() for name in values} == values


@settings(deadline=None)
@given(st.floats(-1e9, 1e9))
def test_numbers_are_rounded_to_millionths(value: float) -> None:
    found = pl.DataFrame({"a": [repr(value)]}).select(number(pl.col("a"))).item()
    assert math.isclose(found / 1_000_000, value, abs_tol=6e-7)
