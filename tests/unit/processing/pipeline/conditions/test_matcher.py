"""Conditions on frames: every test and field, and random ones against plain Python, row by row."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.fields import FIELDS
from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, OneOf, Text
from processing.pipeline.conditions.matcher import LONGEST, Matcher, UnknownField
from processing.pipeline.process import STEPS, add_undecided_columns
from processing.pipeline.steps.page import page
from tests.support import oracle_rules
from tests.support.random_conditions import ADDRESSES, WORDS, conditions
from tests.support.raw_rows import CHROME, RULES, ga4, line, raw


def matcher(*rows: dict[str, Any]) -> Matcher:
    """On rows after all steps."""
    frame = add_undecided_columns(raw(rows))
    for step in STEPS:
        frame = step.function(frame, RULES)
    return Matcher(frame)


def mask(condition: Condition, *rows: dict[str, Any]) -> list[bool]:
    return matcher(*rows).mask(condition).to_list()


def on_titles(condition: Condition, *titles: str | None) -> list[bool]:
    return mask(condition, *(ga4(number, dt=title) for number, title in enumerate(titles)))


def test_it_works() -> None:
    shop = AllOf((Text("path", "begins", "/shop"), OneOf("country", ("Germany", "France"))))
    rows = [ga4(1, dl="https://example.org/Shop/a", country="DE"), ga4(2, dl="https://example.org/shop", country="US")]
    assert mask(shop, *rows) == [True, False]
    assert matcher(*rows).first([Text("path", "ends", "/a"), shop, Text("path", "contains", "shop")]).to_list() == [
        0,
        2,
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Text("title", "equals", "ab"), [True, True, False, False]),
        (Text("title", "equals", "Ab", case_sensitive=True), [True, False, False, False]),
        (Text("title", "equals", ""), [False, False, False, True]),
        (Text("title", "contains", "B"), [True, True, True, False]),
        (Text("title", "begins", "a"), [True, True, True, False]),
        (Text("title", "ends", "b"), [True, True, False, False]),
        (Text("title", "pattern", "^A.$"), [True, True, False, False]),
        (Text("title", "pattern", "^A.$", case_sensitive=True), [True, False, False, False]),
        (Text("title", "contains", "b", negated=True), [False, False, False, True]),
        (OneOf("title", ("ab", "x")), [True, True, False, False]),
        (OneOf("title", ("Ab", ""), case_sensitive=True), [True, False, False, True]),
        (OneOf("title", ("ab", ""), negated=True), [False, False, True, False]),
        (AllOf((Text("title", "contains", "b"), Text("title", "contains", "c"))), [False, False, True, False]),
        (AnyOf((Text("title", "contains", "c"), Text("title", "equals", ""))), [False, False, True, True]),
        (AllOf((Text("title", "contains", "b"),), negated=True), [False, False, False, True]),
        (AllOf(()), [True] * 4),
        (AnyOf(()), [False] * 4),
        (AnyOf((), negated=True), [True] * 4),
    ],
)
def test_conditions_on_one_field(condition: Condition, expected: list[bool]) -> None:
    assert on_titles(condition, "Ab", "aB", "abc", None) == expected
    assert on_titles(AllOf((condition, Text("device", "equals", "desktop"))), "Ab", "aB", "abc", None) == expected


@pytest.mark.parametrize(
    "condition",
    [
        *(Text("host", "equals", value) for value in ("xn--mller-kva.example", "müller.example", "Müller.example")),
        *(Text("path", "begins", value) for value in ("/caf%C3%A9", "/caf%c3%a9/", "/café")),
        *(OneOf("path", ("/x", "/caf%C3%A9/~a")), OneOf("path", ("/café/%7Ea",), case_sensitive=True)),
        *(Text("query", "contains", "a=%2f"), Text("referrer_host", "ends", ".xn--mller-kva.example")),
    ],
)
def test_values_are_spelled_as_addresses_are(condition: Condition) -> None:
    dl = "https://xn--mller-kva.example/caf%C3%A9/%7Ea?a=%2F"
    frame = add_undecided_columns(raw([ga4(dl=dl, dr="https://www.müller.example/")]))
    assert Matcher(page(frame, RULES)).mask(condition).to_list() == [True]


def test_no_condition_holds_everywhere() -> None:
    assert matcher(ga4(1), ga4(2)).mask(None).to_list() == [True, True]
    assert matcher(ga4(1)).first([]).to_list() == [None]
    assert matcher(ga4(1)).first([Text("path", "equals", "/x")]).to_list() == [None]


def test_networks() -> None:
    rows = [ga4(n, address=address) for n, address in enumerate([*ADDRESSES, None])]
    assert mask(InNetwork(("192.0.2.0/24", "2001:db8::/32")), *rows) == [True, False, False, True, False, False]
    assert mask(InNetwork(("0.0.0.0/0",), negated=True), *rows) == [False, False, False, True, True, True]
    assert mask(InNetwork(("192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/32")), *rows)[:2] == [True, True]


SENT = ga4(
    dl="https://Www.example.org/a/b?x=1&utm_source=News&utm_medium=email&utm_campaign=may#top", dt="Title",
    dr="https://Blog.example.net:80/r?a", ul="de-de", sr="10x20", tt="internal", cu="EUR", country="DE",
    region="Bavaria", city="Munich", address="192.0.2.0", rest="v=2&ep.plan=gold+%26%20b&epn.price=1.5&up.tier=%C3%A9",
)  # fmt: skip
VALUES = {
    "event": "page_view",
    "host": "www.example.org",
    "path": "/a/b",
    "query": "x=1",
    "page": SENT["dl"],
    "title": "Title",
    "referrer": SENT["dr"],
    "referrer_host": "blog.example.net",
    "source": "News",
    "medium": "email",
    "campaign": "may",
    "channel": "Email",
    "country": "Germany",
    "region": "Bavaria",
    "city": "Munich",
    "language": "de-de",
    "device": "desktop",
    "browser": "Chrome",
    "system": "Windows",
    "user_agent": CHROME,
    "screen": "10x20",
    "traffic_type": "internal",
    "protocol": "ga4",
    "currency": "EUR",
    "parameter:plan": "gold & b",
    "parameter:price": "1.5",
    "user_property:tier": "é",
}


def test_every_field_is_tested() -> None:
    assert set(FIELDS) <= set(VALUES)


@pytest.mark.parametrize(("field", "value"), VALUES.items())
def test_every_field(field: str, value: str) -> None:
    assert mask(Text(field, "equals", value, case_sensitive=True), SENT, ga4(2, en="x")) == [True, field in SAME]


SAME = {"device", "browser", "system", "user_agent", "protocol"}


def test_a_line_of_a_log_has_fields_too() -> None:
    assert mask(Text("page", "equals", "/a?b"), line(target="/a?b")) == [True]
    assert mask(Text("parameter:plan", "equals", ""), line()) == [True]


@pytest.mark.parametrize(
    ("rest", "value"),
    [
        ("ep.plan=a&ep.plan=b", "a"),
        ("xep.plan=a&ep.plan=b", "b"),
        ("ep.plan2=a", ""),
        ("up.plan=a", ""),
        ("ep.other=ep.plan%3D1", ""),
        ("epn.plan=3", "3"),
        ("ep.plan=", ""),
        ("ep.plan=%FF%zz%26", "�%zz&"),
        (None, ""),
    ],
)
def test_parameters(rest: str | None, value: str) -> None:
    assert mask(Text("parameter:plan", "equals", value), ga4(rest=rest)) == [True]


def test_names_of_parameters_in_either_encoding() -> None:
    rows = [ga4(1, rest="v=2&ep.größe=a"), ga4(2, rest="v=2&ep.gr%C3%B6%C3%9Fe=a"), ga4(3, rest="v=2")]
    assert mask(Text("parameter:größe", "equals", "a"), *rows) == [True, True, False]


def test_unknown_fields_are_a_fault() -> None:
    for name in ("nothing", "parameter:", "time", "stable"):
        with pytest.raises(UnknownField):
            matcher(ga4()).mask(Text(name, "equals", "a"))


def test_long_values_are_cut_before_they_are_matched() -> None:
    long = "x" * LONGEST + "end"
    assert on_titles(Text("title", "contains", "end"), long, "end") == [False, True]


@pytest.mark.parametrize("height", [0, 1])
def test_small_frames(height: int) -> None:
    both = AllOf((Text("title", "equals", ""), InNetwork(("192.0.2.0/24",), negated=True)))
    here = Matcher(add_undecided_columns(raw([ga4(n) for n in range(height)])))
    assert here.mask(both).to_list() == [True] * height
    assert here.first([both]).to_list() == [0] * height
    assert here.first([Text("parameter:a", "equals", "")]).to_list() == [0] * height


TITLES = [f"title {n % 700}" for n in range(5000)]


def test_a_value_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Matcher(add_undecided_columns(raw([ga4(n, dt=title) for n, title in enumerate(TITLES)])))
    assert len(here.column("title").values) == 700
    assert here.column("title").rows().to_list() == TITLES


FIELDS_TRIED = ["title", "path", "event", "country", "parameter:plan", "user_property:plan"]
TEXT = st.none() | st.sampled_from(WORDS)


@st.composite
def rows_with_fields(draw: st.DrawFn, number: int) -> tuple[dict[str, Any], oracle_rules.Row]:
    title, plan, tier = draw(TEXT), draw(TEXT), draw(TEXT)
    path, address = draw(st.sampled_from(["/", "/a", "/A/b", "/b.c"])), draw(st.none() | st.sampled_from(ADDRESSES))
    event, country = draw(st.sampled_from(["page_view", "a", "B"])), draw(st.sampled_from([None, "DE", "FR"]))
    rest = pl.Series([f"ep.plan={_quoted(plan)}", f"up.plan={_quoted(tier)}"]).sample(2, seed=draw(st.integers(0, 9)))
    row = ga4(number, dt=title, en=event, country=country, address=address, rest="&".join(rest))
    row |= {"dl": f"https://example.org{path}"}
    names = {None: None, "DE": "Germany", "FR": "France"}
    known = {"title": title, "path": path, "event": event, "country": names[country], "address": address}
    return row, {**known, "parameter:plan": plan, "user_property:plan": tier}


def _quoted(text: str | None) -> str:
    return (text or "").replace("%", "%25").replace("&", "%26").replace(" ", "+")


@settings(deadline=None)
@given(st.data(), st.lists(conditions(FIELDS_TRIED), min_size=1, max_size=4))
def test_random_conditions_find_what_plain_python_finds(data: st.DataObject, asked: list[Condition]) -> None:
    drawn = [data.draw(rows_with_fields(n)) for n in range(data.draw(st.integers(1, 6)))]
    here = matcher(*(row for row, _ in drawn))
    for condition in asked:
        assert here.mask(condition).to_list() == [oracle_rules.holds(condition, known) for _, known in drawn]
    assert here.first(asked).to_list() == [oracle_rules.first(asked, known) for _, known in drawn]


def many(draw: st.DrawFn) -> list[Condition]:
    """So many that they are sorted out before they are asked."""
    titles = st.builds(Text, st.just("title"), st.sampled_from(["contains", "begins", "ends", "equals"]), TITLED)
    patterns = st.builds(Text, st.just("title"), st.just("pattern"), st.sampled_from(PATTERNED), st.booleans())
    return draw(st.lists(titles | patterns | conditions(FIELDS_TRIED), min_size=10, max_size=40))


TITLED = st.sampled_from(["title 1", "le 2", "Title 69", "9", "title 350", "nothing", "é"])
PATTERNED = ["^title (1|2)$", "(?P<n>[0-9])9$", "(?P<n>é)", r"\b42\b", "no+thing", "[^a]{20}", "T.*7$"]
LARGE: list[tuple[dict[str, Any], oracle_rules.Row]] = [
    (
        ga4(n, dt=title, en=("a", "B")[n % 2], dl=f"https://example.org/{n % 3}", address=ADDRESSES[n % 5]),
        {"title": title, "path": f"/{n % 3}", "event": ("a", "B")[n % 2], "address": ADDRESSES[n % 5]},
    )
    for n, title in enumerate(f"title {n % 70}" if n % 11 else "é" for n in range(600))
]


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_many_conditions_on_many_rows_find_what_plain_python_finds(data: st.DataObject) -> None:
    asked = data.draw(st.composite(many)())
    here = Matcher(LARGE_FRAME)
    expected = [oracle_rules.first(asked, known) for _, known in LARGE]
    assert here.first(asked).to_list() == expected


LARGE_FRAME = add_undecided_columns(raw(row for row, _ in LARGE))
for step in STEPS:
    LARGE_FRAME = step.function(LARGE_FRAME, RULES)
