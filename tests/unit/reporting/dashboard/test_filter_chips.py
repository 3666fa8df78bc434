"""Filters in the address: address -> chips -> filter keeps the rows that plain Python keeps, for any text."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from configuration.ruleset.ruleset import ContentGroupRule, CustomDimensionRule, NamedGroup, Ruleset, Text
from reporting.dashboard.filter_chips import (
    MOST_CHIPS,
    OPERATORS,
    Chip,
    filter_of,
    read_chips,
)
from reporting.dashboard.links import link
from reporting.dashboard.page_menus import menus
from reporting.dashboard.page_request import read_page
from reporting.query.filters import LONGEST_VALUE
from reporting.registry.custom import definitions_of
from tests.support.builders import view_of
from tests.unit.reporting.kinds.table.test_run import ask

GROUP: Final = "contentGroup:My group: shops"
RULES: Final = Ruleset(
    property=1,
    rules=(
        ContentGroupRule(name="My group: shops", groups=(NamedGroup("A", Text("path", "begins", "/")),)),
        CustomDimensionRule(name="Plan", parameter="plan", scope="event"),
    ),
)
CUSTOM: Final = definitions_of(RULES).dimensions
NOW: Final = datetime(2026, 11, 20, 15, 30)  # noqa: DTZ001 - a wall clock
HOSTILE: Final = (
    "",
    "/",
    "/a:is:b",
    "a&f=country:is:x",
    "%",
    "+",
    "(",
    "\\",
    "<script>",
    "\u202e",
    "\x00",
    "é",
    "Ⅷ",
    "(not set)",
)
PATHS: Final = (*HOSTILE, "/A", "/a", "/shop/cart", "a|b", None)
COUNTRIES: Final = ("Germany", "germany", "Österreich", "")
KEYS: Final = (("pagePath", "path"), ("country", "country"))
PATTERNS: Final = ("^/", "a$", "[aA]", "/.*t", "a|G", "")

Test = Callable[[str, str], bool]
PLAIN: Final[dict[str, Test]] = {
    "is": lambda text, value: text == value,
    "not": lambda text, value: text == value,
    "has": lambda text, value: value.lower() in text.lower(),
    "hasnot": lambda text, value: value.lower() in text.lower(),
    "begins": lambda text, value: text.lower().startswith(value.lower()),
    "ends": lambda text, value: text.lower().endswith(value.lower()),
    "matches": lambda text, value: bool(re.search(value, text, re.IGNORECASE)),
    "matchesnot": lambda text, value: bool(re.search(value, text, re.IGNORECASE)),
}
Asked = tuple[str, str, str]  # dimension, operator, value

OWN: Final = (GROUP, "customEvent:plan", "country")
names = st.sampled_from(["pagePath", "country"])
texts = st.sampled_from([text for text in (*PATHS, *COUNTRIES) if text is not None]) | st.text(max_size=4)
one_filter = st.one_of(
    st.tuples(names, st.sampled_from([name for name in OPERATORS if "match" not in name]), texts),
    st.tuples(names, st.sampled_from(["matches", "matchesnot"]), st.sampled_from(PATTERNS)),
)


def parameters(asked: list[Asked]) -> list[str]:
    return [":".join(each) for each in asked]


def through_an_address(values: list[str]) -> list[str]:
    """The parameters after a browser has sent them."""
    return QueryDict(link(QueryDict(), f=values).removeprefix("?")).getlist("f")


def kept(row: dict[str, str], asked: list[Asked]) -> bool:
    """A row stays if for each dimension and operator any of the values holds, or none where these exclude."""
    by_chip: dict[tuple[str, str], list[str]] = {}
    for dimension, operator, value in asked:
        by_chip.setdefault((dimension, operator), []).append(value)
    return all(
        any(PLAIN[operator](row[dimension], value) for value in values) != ("not" in operator)
        for (dimension, operator), values in by_chip.items()
    )


def test_it_works() -> None:
    chips, complaints = read_chips(["country:is:Germany", "country:is:Austria", "pagePath:hasnot:/admin"], {})
    assert [chip.words for chip in chips] == ["Country is Germany or Austria", "Page does not contain /admin"]
    assert complaints == []


@given(st.lists(one_filter, max_size=6))
def test_the_same_rows_as_in_plain_python(asked: list[Asked]) -> None:
    rows = [{"path": path, "country": country} for path in PATHS for country in COUNTRIES]
    chips, complaints = read_chips(through_an_address(parameters(asked)), {})
    answer = ask(
        view_of(*rows),
        dimensions=("pagePath", "country"),
        metrics=("eventCount",),
        dimension_filter=filter_of(chips),
    )
    shown = [{name: row[key] or ("" if row[key] is not None else "(not set)") for name, key in KEYS} for row in rows]
    expected = [(row["pagePath"], row["country"]) for row in shown if kept(row, asked)]
    assert complaints == []
    # a path that is not set and one that says so are one row
    assert sorted(row.dimensions for row in answer.rows) == sorted(set(expected))


@given(st.lists(st.tuples(st.sampled_from(OWN), st.sampled_from(list(OPERATORS)), st.text(max_size=20)), max_size=8))
def test_chips_are_read_back_from_their_parameters(asked: list[Asked]) -> None:
    chips, complaints = read_chips(through_an_address(parameters(asked)), CUSTOM)
    again, _ = read_chips(through_an_address([each for chip in chips for each in chip.parameters()]), CUSTOM)
    assert complaints == []
    assert again == chips
    assert {each for chip in chips for each in chip.parameters()} == set(parameters(asked))


def test_names_with_colons() -> None:
    (chip,), _ = read_chips([f"{GROUP}:is:A: b"], CUSTOM)
    assert chip == Chip(GROUP, "My group: shops", "is", ("A: b",))
    (plan,), _ = read_chips(["customEvent:plan:not:free"], CUSTOM)
    assert plan.words == "Plan is not free"
    assert read_chips(["customEvent:plan:not:free"], {})[1] == [
        "The filter “customEvent:plan:not:free” names no dimension, and was left out."
    ]


@given(st.lists(one_filter, min_size=1, max_size=6), st.data())
def test_each_chip_leads_to_the_page_without_it(asked: list[Asked], data: st.DataObject) -> None:
    query = QueryDict(link(QueryDict("period=7d"), f=parameters(asked)).removeprefix("?"))
    shown = menus(read_page(query, NOW, date(2026, 1, 1), {}), query)["chips"]
    chips = read_chips(query.getlist("f"), {})[0]
    number = data.draw(st.integers(0, len(chips) - 1))
    left = QueryDict(shown[number]["without"].removeprefix("?"))
    assert read_chips(left.getlist("f"), {})[0] == chips[:number] + chips[number + 1 :]
    assert left["period"] == "7d"


@given(st.lists(st.builds("{}{}".format, st.sampled_from(["", "country:", "country:is:"]), st.text()), max_size=30))
def test_any_text_is_a_chip_or_is_named(values: list[str]) -> None:
    chips, complaints = read_chips(values, CUSTOM)
    read = {each for chip in chips for each in chip.parameters()}
    left_out = [value for value in values[:MOST_CHIPS] if value not in read]
    assert read <= set(values)
    assert len(complaints) == len(left_out) + (len(values) > MOST_CHIPS)
    assert all(complaint.isprintable() for complaint in complaints)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("", "The filter “” names no dimension, and was left out."),
        ("planet:is:Mars", "The filter “planet:is:Mars” names no dimension, and was left out."),
        ("country", "The filter “country” names no dimension, and was left out."),
        ("country:", "The filter “country:” cannot be read, and was left out."),
        ("country:was:x", "The filter “country:was:x” cannot be read, and was left out."),
    ],
)
def test_what_cannot_be_read_is_named(value: str, complaint: str) -> None:
    assert read_chips([value], {}) == ((), [complaint])


def test_values_are_as_long_as_those_of_reports() -> None:
    """A row of the longest page path can be clicked."""
    assert read_chips(["pagePath:is:" + "x" * LONGEST_VALUE], {})[1] == []
    assert len(read_chips(["pagePath:is:" + "x" * (LONGEST_VALUE + 1)], {})[1]) == 1


def test_at_most_so_many() -> None:
    chips, complaints = read_chips([f"country:is:{number}" for number in range(MOST_CHIPS + 1)], {})
    assert len(chips[0].values) == MOST_CHIPS
    assert complaints == [f"Only the first {MOST_CHIPS} filters are used."]
