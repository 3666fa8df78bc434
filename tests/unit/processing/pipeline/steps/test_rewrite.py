from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.ruleset import AllOf, InNetwork, RewriteRule, Text
from processing.pipeline.rewrites import BOUNDS
from processing.pipeline.row_ops import FEW
from processing.pipeline.steps.rewrite import rewrite
from tests.support.raw_rows import RULES, ga4, ruled, stepped_through

ROW = ga4(dl="https://example.org/Shop/A?b=1&Sid=x&c=2", cs="News Letter", cm="email", cn="May")


def lower(field: str, **more: Any) -> RewriteRule:
    return RewriteRule(**{"name": field, "field": field, "change": "lower_case", **more})


def replace(field: str, search: str, replacement: str, **more: Any) -> RewriteRule:
    named = {"name": search, "field": field, "change": "replace", "search": search, "replacement": replacement}
    return RewriteRule(**{**named, **more})


def drop(*names: str, **more: Any) -> RewriteRule:
    return RewriteRule(**{"name": "d", "field": "query", "change": "drop_parameters", "parameters": names, **more})


def rewritten(column: str, *rules: RewriteRule, row: dict[str, Any] = ROW) -> Any:
    return stepped_through(ruled(*rules), row, until="rewrite")[column].item()


def test_it_works() -> None:
    rules = [lower("path"), replace("path", "/shop", "/store"), drop("Sid")]
    assert rewritten("path", *rules) == "/store/a"
    assert rewritten("query", *rules) == "b=1&c=2"


@pytest.mark.parametrize(
    ("search", "replacement", "pattern", "expected"),
    [
        ("Shop", "x", False, "/x/A"),
        ("shop", "x", False, "/Shop/A"),
        ("/", "", False, "ShopA"),
        ("/", "$0", False, "$0Shop$0A"),
        (".", "x", False, "/Shop/A"),
        ("/[A-Z]", "", True, "hop"),
        ("^/(Shop)/(?P<rest>.*)", "/${rest}/$1$$", True, "/A/Shop$"),
        ("(?i)SHOP", "x", True, "/x/A"),
        (r"\w+$", "", True, "/Shop/"),
        (".*", "", True, "/"),
    ],
)
def test_search_and_replace(search: str, replacement: str, pattern: bool, expected: str) -> None:
    assert rewritten("path", replace("path", search, replacement, pattern=pattern)) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (drop("b", "c"), "Sid=x"),
        (drop("sid"), "b=1&Sid=x&c=2"),
        (drop("c", "b", keep_only=True), "b=1&c=2"),
        (drop("b", "c", "Sid"), None),
        (drop("z", keep_only=True), None),
    ],
)
def test_parameters_of_the_query(rule: RewriteRule, expected: str | None) -> None:
    assert rewritten("query", rule) == expected


def test_parameters_of_a_route_can_be_dropped_too() -> None:
    row = ga4(dl="https://example.org/?b=1&c=2#/a?b=3&d=4")
    assert rewritten("query", drop("b"), row=row) == "c=2#d=4"
    assert rewritten("query", drop("b", "d"), row=row) == "c=2"
    assert rewritten("query", drop("d", keep_only=True), row=row) == "#d=4"
    assert rewritten("query", drop("b", "c", "d"), row=row) is None


def test_a_literal_search_is_spelled_as_paths_are() -> None:
    row = ga4(dl="https://example.org/caf%C3%A9/a%2fb")
    assert rewritten("path", replace("path", "/caf%c3%a9/", "/x/"), row=row) == "/x/a%2Fb"
    assert rewritten("path", replace("path", "%2f", "/"), row=row) == "/café/a/b"


def test_names_of_parameters_are_compared_decoded() -> None:
    row = ga4(dl="https://example.org/?a%5B%5D=1&b+c=2&flag&d=3")
    assert rewritten("query", drop("a[]", "b c", "flag"), row=row) == "d=3"
    assert rewritten("query", drop("a"), row=ga4()) is None


def test_rules_apply_in_order_and_where_their_conditions_hold() -> None:
    once = replace("path", "/Shop", "/a", when=Text("path", "begins", "/Shop"))
    other = replace("path", "/a", "/b", when=Text("medium", "equals", "email"))
    assert rewritten("path", once, other) == "/b/A"
    assert rewritten("path", other, once) == "/a/A"
    assert rewritten("path", once, other, row=ga4(dl="https://example.org/Shop")) == "/a"
    both = AllOf((Text("path", "equals", "/Shop/A"), InNetwork(("192.0.2.0/24",))))
    assert rewritten("path", replace("path", "A", "z", when=both)) == "/Shop/A"
    assert rewritten("path", replace("path", "A", "z", when=both), row={**ROW, "address": "192.0.2.0"}) == "/Shop/z"


def test_what_depends_on_the_event_follows() -> None:
    view = replace("event", "open", "page_view", when=Text("event", "equals", "open"))
    rows = [ga4(1, en="open"), ga4(2, en="page_view"), ga4(3, en="first_visit")]
    found = stepped_through(ruled(view, replace("event", "first_visit", "hello")), *rows, until="rewrite")
    assert found.select("event", "page_view", "first_visit").rows() == [
        ("page_view", True, False),
        ("page_view", True, False),
        ("hello", False, False),
    ]


def test_what_depends_on_the_source_follows() -> None:
    paid = replace("medium", "email", "cpc")
    assert rewritten("channel") == "Email"
    assert rewritten("channel", paid) == "Paid Other"
    named = replace("campaign", "May", "found", when=Text("channel", "equals", "Paid Other"))
    assert rewritten("campaign", named, paid) == "May"
    assert rewritten("campaign", paid, named) == "found"


@pytest.mark.parametrize(
    ("field", "left"),
    [
        ("event", "(not set)"),
        ("host", None),
        ("path", "/"),
        ("query", None),
        ("source", "(not set)"),
        ("browser", None),
    ],
)
def test_what_becomes_empty(field: str, left: str | None) -> None:
    assert rewritten(field, replace(field, "(?s).*", "", pattern=True)) == left


def test_what_is_missing_stays_missing_or_is_filled() -> None:
    nowhere = ga4(dl=None)
    assert rewritten("path", lower("path"), row=nowhere) is None
    assert rewritten("path", replace("path", "^$", "/none", pattern=True), row=nowhere) == "/none"


@pytest.mark.parametrize("field", BOUNDS)
def test_what_becomes_long_is_cut(field: str) -> None:
    blown = replace(field, "", "x" * 1000, pattern=True)
    assert len(rewritten(field, blown, blown, blown, blown)) == BOUNDS[field].longest


def test_many_rows_keep_their_order() -> None:
    rows = [ga4(n, dl=f"https://example.org/A{n % 90}", cm=["x", "y"][n % 2]) for n in range(3 * FEW)]
    when = Text("medium", "equals", "y")
    rules = ruled(lower("path", when=when), replace("path", "/a", "/b", when=when), replace("path", "/A1", "/c"))
    found = stepped_through(rules, *rows, until="rewrite")["path"].to_list()
    assert found == [_plain(n % 90, odd=n % 2 == 1) for n in range(3 * FEW)]


def _plain(number: int, *, odd: bool) -> str:
    return f"/b{number}" if odd else f"/A{number}".replace("/A1", "/c")


def test_only_rules_that_are_on_count() -> None:
    frame = stepped_through(RULES, ROW, until="place")
    assert rewrite(frame, ruled(lower("path", state="testing"), drop("b", state="off"))) is frame


TEXT = st.text(st.sampled_from("/aB&=%?é"), max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT.filter(bool), TEXT), min_size=1, max_size=4), TEXT)
def test_literal_replacements_do_what_python_does(changes: list[tuple[str, str, str]], path: str) -> None:
    rules = [replace("host", search, to, name=f"{n}") for n, (_, search, to) in enumerate(changes)]
    expected = host = f"x{path.replace('/', '').replace('?', '').lower().replace('%', '')}"
    for _, search, to in changes:
        expected = expected.replace(search, to)
    assert rewritten("host", *rules, row=ga4(dl=f"https://{host}/")) == (expected[:255] or None)
