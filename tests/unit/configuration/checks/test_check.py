"""Every check of a ruleset: what it finds, where, and that a sound ruleset has nothing."""

from typing import Any

import pytest

from configuration.checks.check import MOST_RULES, Finding, check
from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    BotRule,
    ChannelGroupRule,
    Condition,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InNetwork,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    OneOf,
    PropertySettings,
    ReferralRule,
    RewriteRule,
    Rule,
    Ruleset,
    SpamRule,
    Text,
    TextTest,
)

SETTINGS = PropertySettings()
SHOP = Text("path", "begins", "/shop")


def found(*rules: Rule, settings: PropertySettings = SETTINGS) -> list[Finding]:
    return check(Ruleset(1, 1, settings, rules))


def only(*rules: Rule, settings: PropertySettings = SETTINGS) -> Finding:
    [finding] = found(*rules, settings=settings)
    return finding


def excluding(when: Condition, name: str = "x") -> FilterRule:
    return FilterRule(name=name, action="exclude", when=when)


def lower(field: str = "path", **more: Any) -> RewriteRule:
    return RewriteRule(**{"name": "x", "field": field, "change": "lower_case", **more})


def replacing(search: str, replacement: str, **more: Any) -> RewriteRule:
    return RewriteRule(
        **{"name": "x", "field": "path", "change": "replace", "search": search, "replacement": replacement, **more}
    )


SOUND: tuple[Rule, ...] = (
    excluding(AllOf((SHOP, AnyOf((InNetwork(("192.0.2.0/24", "2001:db8::/32")), OneOf("event", ("a", "b"))))))),
    lower(),
    replacing("^/(en)/(?P<rest>.*)", "/${1}x/$rest", name="y", pattern=True, when=SHOP),
    RewriteRule(name="z", field="query", change="drop_parameters", parameters=("sid",)),
    BotRule(name="x", action="block", user_agent="^Spy/", test="pattern"),
    SpamRule(name="x", domains=("spam.example",)),
    InternalRule(name="x", networks=("192.0.2.0/24",), traffic_type="internal"),
    ReferralRule(name="x", domains=("pay.example.com",)),
    ContentGroupRule(name="Section", groups=(NamedGroup("Shop", SHOP),), otherwise="Other"),
    ContentGroupRule(name="Deep", groups=(NamedGroup("Shop", Text("content_group:Section", "equals", "Shop")),)),
    ChannelGroupRule(name="x", channels=(NamedGroup("Ours", Text("parameter:plan", "equals", "")),)),
    KeyEventRule(name="x", event="buy", once="session", value="12.5", value_parameter="price", slot=0),
    CustomDimensionRule(name="x", parameter="plan"),
    CustomDimensionRule(name="y", parameter="plan", scope="user"),
    CustomMetricRule(name="x", parameter="price", unit="currency"),
)


def test_it_works() -> None:
    assert found(*SOUND) == []
    assert only(excluding(Text("pth", "contains", "a"), "My filter")) == Finding(
        "filter",
        "My filter",
        "rules[0].when.field",
        found(excluding(Text("pth", "contains", "a")))[0].message,
    )


def test_places_lead_to_what_is_wrong() -> None:
    deep = AnyOf((SHOP, AllOf((SHOP, Text("path", "pattern", "(")))))
    rules = (lower(), excluding(deep), ContentGroupRule(name="x", groups=(NamedGroup("a", SHOP), NamedGroup("", SHOP))))
    places = [(finding.kind, finding.place) for finding in found(*rules) if finding.severity == "error"]
    assert places == [("filter", "rules[1].when.of[1].of[1].value"), ("content group", "rules[2].groups[1].name")]


@pytest.mark.parametrize(
    ("condition", "place", "said"),
    [
        (Text("parameter:", "equals", "a"), ".field", "is not a field"),
        (Text("parameter:a b", "equals", "a"), ".field", "name of a parameter"),
        (OneOf("user_property:" + "a" * 41, ("a",)), ".field", "name of a parameter"),
        (Text("content_group:None", "equals", "a"), ".field", "no content group"),
        (Text("path", "contains", ""), ".value", "every event"),
        (Text("path", "equals", "a" * 1025), ".value", "at most 1024"),
        (Text("path", "pattern", "a" * 257), ".value", "at most 256"),
        (Text("path", "pattern", r"\pL{100}"), ".value", "too large"),
        (OneOf("path", ()), ".values", "empty"),
        (OneOf("path", tuple(map(str, range(1001)))), ".values", "at most 1000"),
        (OneOf("path", ("a", "b" * 1025)), ".values[1]", "at most 1024"),
        (InNetwork(()), ".networks", "empty"),
        (InNetwork(("192.0.2.0/24", "example.org")), ".networks[1]", "not a network"),
        (InNetwork(("192.0.2.7/24",)), ".networks[0]", "write 192.0.2.0/24"),
        (AllOf(()), ".of", "no conditions"),
        (AnyOf((SHOP,) * 101), "", "101 conditions"),
        (AllOf((AnyOf((AllOf((AnyOf((AllOf((AnyOf((SHOP,)),)),)),)),)),)), ".of[0].of[0].of[0].of[0].of[0]", "deeper"),
    ],
)
def test_conditions(condition: Condition, place: str, said: str) -> None:
    finding = only(excluding(condition))
    assert (finding.place, finding.severity) == (f"rules[0].when{place}", "error")
    assert said in finding.message


def test_a_network_that_is_smaller_than_what_is_kept_is_a_warning() -> None:
    for text in ("192.0.2.7/32", "192.0.2.7", "2001:db8::/64"):
        assert only(excluding(InNetwork((text,)))).severity == "warning"


def test_conditions_that_are_nested_a_thousand_deep_are_refused_and_no_fault() -> None:
    condition: Condition = SHOP
    for _ in range(5000):
        condition = AllOf((condition,))
    assert "deeper than 5" in only(excluding(condition)).message


@pytest.mark.parametrize(
    ("rule", "place", "said"),
    [
        (lower(name=" "), ".name", "empty"),
        (lower(name="a" * 101), ".name", "at most 100"),
        (lower("user_agent"), ".field", "cannot be rewritten"),
        (lower("parameter:plan"), ".field", "cannot be rewritten"),
        (replacing("", "a"), ".search", "empty"),
        (replacing("(", "$9", pattern=True), ".search", "cannot be read"),
        (replacing("(a)", "$2", pattern=True), ".replacement", "no group '2'"),
        (replacing("a", "b" * 1025), ".replacement", "at most 1024"),
        (RewriteRule(name="x", field="path", change="drop_parameters", parameters=("a",)), ".field", "query only"),
        (RewriteRule(name="x", field="query", change="drop_parameters"), ".parameters", "empty"),
        (BotRule(name="x", action="allow", user_agent=""), ".user_agent", "empty"),
        (BotRule(name="x", action="block", user_agent="[", test="pattern"), ".user_agent", "cannot be read"),
        (SpamRule(name="x", domains=()), ".domains", "empty"),
        (SpamRule(name="x", domains=("https://",)), ".domains[0]", "not a domain"),
        (ReferralRule(name="x", domains=("pay.example.com", "pay example")), ".domains[1]", "not a domain"),
        (InternalRule(name="x"), "", "neither"),
        (InternalRule(name="x", networks=("1.2.3.4/33",)), ".networks[0]", "not a network"),
        (ChannelGroupRule(name="x", channels=()), "", "at least one"),
        (
            ContentGroupRule(name="x", groups=(NamedGroup("a", Text("path", "ends", "")),)),
            ".groups[0].when.value",
            "empty",
        ),
        (KeyEventRule(name="x", event=""), ".event", "1 to 40"),
        (KeyEventRule(name="x", event="a" * 41), ".event", "1 to 40"),
        (KeyEventRule(name="x", event="a", when=AllOf(())), ".when.of", "no conditions"),
        (KeyEventRule(name="x", event="a", value="1,5"), ".value", "12.50"),
        (KeyEventRule(name="x", event="a", value="-1"), ".value", "12.50"),
        (KeyEventRule(name="x", event="a", value="1.0000001"), ".value", "6 decimals"),
        (KeyEventRule(name="x", event="a", value_parameter="a-b"), ".value_parameter", "name of a parameter"),
        (KeyEventRule(name="x", event="a", slot=64), ".slot", "64"),
        (CustomDimensionRule(name="x", parameter="1st"), ".parameter", "name of a parameter"),
        (CustomMetricRule(name="x", parameter=""), ".parameter", "name of a parameter"),
    ],
)
def test_rules(rule: Rule, place: str, said: str) -> None:
    places = {finding.place: finding.message for finding in found(rule) if finding.severity == "error"}
    assert said in places[f"rules[0]{place}"]


def test_rewrites_know_no_content_groups() -> None:
    asking = lower(when=Text("content_group:Section", "equals", "Shop"))
    section = ContentGroupRule(name="Section", groups=(NamedGroup("Shop", SHOP),))
    assert "after the rewrites" in only(asking, section).message


def test_names_are_used_once_within_a_kind() -> None:
    assert found(lower(), excluding(SHOP)) == []
    again = only(lower(), lower("host"))
    assert (again.place, "another name" in again.message) == ("rules[1].name", True)


def test_custom_definitions_name_a_parameter_once() -> None:
    twice = CustomDimensionRule(name="y", parameter="plan")
    assert only(CustomDimensionRule(name="x", parameter="plan"), twice).place == "rules[1].parameter"
    assert found(CustomDimensionRule(name="x", parameter="plan"), CustomMetricRule(name="y", parameter="plan")) == []


def test_there_are_only_so_many_rules() -> None:
    rules = [CustomMetricRule(name=f"m{n}", parameter=f"m{n}") for n in range(MOST_RULES + 1)]
    assert found(*rules[:-1]) == []
    assert "at most 500" in only(*rules).message


def test_there_are_only_so_many_key_events_once_a_session() -> None:
    rules = [KeyEventRule(name=f"k{n}", event="a", once="session") for n in range(65)]
    assert found(*rules[:-1]) == []
    assert only(*rules).place == "rules[64].once"


def test_a_slot_belongs_to_one_rule() -> None:
    rules = [KeyEventRule(name=f"k{n}", event="a", once="session", slot=3) for n in range(2)]
    assert [finding.place for finding in found(*rules)] == ["rules[0].slot", "rules[1].slot"]


def group(name: str, *asked: str) -> ContentGroupRule:
    return ContentGroupRule(name=name, groups=(NamedGroup("a", AnyOf(tuple(_equals(each) for each in asked))),))


def _equals(name: str) -> Text:
    return Text(f"content_group:{name}", "equals", "x")


def test_content_groups_do_not_ask_in_a_circle() -> None:
    circle = found(group("A", "B"), group("B", "C"), group("C", "A"), group("D", "A"))
    assert [finding.rule for finding in circle] == ["A", "B", "C"]
    assert "A → B → C → A" in circle[0].message
    assert "A → A" in only(group("A", "A")).message


def test_content_groups_ask_for_those_above_them() -> None:
    assert found(group("Top", "Top2"), ContentGroupRule(name="Top2", groups=(NamedGroup("a", SHOP),)))[0].message == (
        "The content group 'Top2' is defined further down; move it above this one."
    )


def test_a_content_group_that_is_off_is_a_warning() -> None:
    off = ContentGroupRule(name="Section", groups=(NamedGroup("a", SHOP),), state="off")
    finding = only(off, excluding(_equals("Section")))
    assert (finding.severity, finding.kind) == ("warning", "filter")


def test_rewrites_that_undo_each_other_are_a_warning() -> None:
    undone = only(replacing("/a", "/b"), replacing("/b", "/a", name="y"))
    assert (undone.rule, undone.severity) == ("y", "warning")
    assert found(replacing("/a", "/b"), replacing("/b", "/a", name="y", field="host")) == []


@pytest.mark.parametrize(
    ("above", "below", "dead"),
    [
        (SHOP, SHOP, True),
        (Text("path", "pattern", ".*"), SHOP, True),
        (Text("path", "contains", "shop"), SHOP, True),
        (SHOP, Text("path", "begins", "/Shop/shoes"), True),
        (SHOP, Text("path", "equals", "/shop"), True),
        (SHOP, OneOf("path", ("/shop/a", "/shop/b")), True),
        (Text("path", "ends", ".html"), Text("path", "equals", "/a.html"), True),
        (SHOP, Text("path", "contains", "/shop"), False),
        (SHOP, OneOf("path", ("/shop/a", "/blog")), False),
        (SHOP, Text("host", "begins", "/shop/a"), False),
        (Text("path", "equals", "/shop"), SHOP, False),
        (Text("path", "contains", "a", negated=True), Text("path", "contains", "ab"), False),
        (Text("path", "contains", "a"), Text("path", "contains", "ab", negated=True), False),
        (Text("path", "contains", "a", case_sensitive=True), Text("path", "contains", "ab"), False),
        (SHOP, InNetwork(("192.0.2.0/24",)), False),
    ],
)
def test_rules_that_never_match_are_a_warning(above: Condition, below: Condition, dead: bool) -> None:
    parts = ContentGroupRule(name="x", groups=(NamedGroup("a", above), NamedGroup("b", below)))
    for rules in ((excluding(above), excluding(below, "y")), (parts,)):
        assert [finding.severity for finding in found(*rules)] == (["warning"] if dead else [])


def test_bots_that_are_blocked_already_are_a_warning() -> None:
    def blocking(name: str, test: TextTest, text: str) -> BotRule:
        return BotRule(name=name, action="block", user_agent=text, test=test)

    assert only(blocking("x", "contains", "spy"), blocking("y", "begins", "SpyBot")).rule == "y"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (PropertySettings(zone="Mars/Olympus"), "settings.zone"),
        (PropertySettings(currency="eur"), "settings.currency"),
        (PropertySettings(session_timeout_s=299), "settings.session_timeout_s"),
        (PropertySettings(session_timeout_s=28_501), "settings.session_timeout_s"),
        (PropertySettings(engaged_s=0), "settings.engaged_s"),
        (PropertySettings(engaged_s=3_601), "settings.engaged_s"),
        (PropertySettings(domains=("example.org", "-")), "settings.domains[1]"),
    ],
)
def test_settings(settings: PropertySettings, place: str) -> None:
    finding = only(settings=settings)
    assert (finding.kind, finding.rule, finding.place) == ("settings", "", place)
