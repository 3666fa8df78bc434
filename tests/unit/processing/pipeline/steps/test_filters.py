from collections.abc import Sequence
from typing import Any

from configuration.ruleset.ruleset import AllOf, FilterRule, OneOf, Rule, State, Text
from processing.pipeline.process import process
from tests.support.raw_rows import ga4, raw, ruled, stepped_through


def excluding(name: str, field: str, value: str, state: State = "on") -> FilterRule:
    return FilterRule(name=name, action="exclude", when=Text(field, "equals", value), state=state)


def including(name: str, field: str, *values: str) -> FilterRule:
    return FilterRule(name=name, action="include", when=OneOf(field, values))


def pages(*paths: str) -> list[dict[str, Any]]:
    return [ga4(number, dl=f"https://example.org{path}") for number, path in enumerate(paths)]


def refused(rules: Sequence[Rule], *paths: str) -> list[tuple[str | None, str | None]]:
    return stepped_through(ruled(*rules), *pages(*paths), until="filters").select("reason", "rule").rows()


def test_it_works() -> None:
    rules = [excluding("No admin", "path", "/admin"), including("Our host", "host", "example.org")]
    assert refused(rules, "/admin", "/a") == [("filter", "No admin"), (None, None)]
    elsewhere = stepped_through(ruled(*rules), ga4(dl="https://copy.example/a"), until="filters")
    assert elsewhere.select("reason", "rule").rows() == [("filter", "Our host")]


def test_the_first_rule_that_refuses_is_named() -> None:
    rules = [including("In", "path", "/a"), excluding("Out", "path", "/b")]
    assert refused(rules, "/b", "/a") == [("filter", "In"), (None, None)]
    assert refused(rules[::-1], "/b", "/c") == [("filter", "Out"), ("filter", "In")]


def test_what_is_included_must_match_every_rule() -> None:
    rules = [including("One", "path", "/a", "/b"), including("Two", "path", "/b", "/c")]
    assert [rule for _, rule in refused(rules, "/a", "/b", "/c", "/d")] == ["Two", None, "One", "One"]


def test_conditions_on_several_fields() -> None:
    both = FilterRule(
        name="x", action="exclude", when=AllOf((Text("path", "equals", "/a"), Text("host", "ends", ".net")))
    )
    rows = [ga4(1, dl="https://x.net/a"), ga4(2, dl="https://x.org/a"), ga4(3, dl="https://x.net/b")]
    assert stepped_through(ruled(both), *rows, until="filters")["reason"].to_list() == ["filter", None, None]


def test_only_rules_that_are_on_count() -> None:
    rules = [excluding("off", "path", "/a", "off"), excluding("testing", "path", "/a", "testing")]
    assert refused(rules, "/a") == [(None, None)]


def test_the_name_of_the_rule_is_kept_with_the_rejected_hit() -> None:
    found = process(raw(pages("/a", "/b")), ruled(excluding("No a", "path", "/a")))
    assert found.rejected.select("position", "reason", "rule").rows() == [(0, "filter", "No a")]
    assert found.events["path"].to_list() == ["/b"]


def test_an_earlier_reason_stays() -> None:
    found = process(raw([ga4(user_agent="curl/8")]), ruled(excluding("All", "path", "/")))
    assert found.rejected.select("reason", "rule").rows() == [("bot", None)]


def test_of_a_hit_with_several_events_only_what_matches_is_refused() -> None:
    rows = [ga4(1, index=0, en="scroll", _ss="1"), ga4(1, index=1)]
    found = process(raw(rows), ruled(excluding("No scroll", "event", "scroll")))
    assert (found.events["event"].to_list(), len(found.dropped), found.rejected.height) == (["page_view"], 1, 0)
