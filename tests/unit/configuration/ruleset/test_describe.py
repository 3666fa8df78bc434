"""Rules in plain words, differences between rulesets, and files."""

from typing import Final

import msgspec
import pytest

from configuration.ruleset.describe import describe_condition, describe_rule
from configuration.ruleset.diff import ATTRIBUTES, SET_BY_PUBLISHING, SETTINGS, differences
from configuration.ruleset.document import decode_document, encode_document
from configuration.ruleset.kinds import BY_TAG, KINDS
from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    ChannelGroupRule,
    Condition,
    InNetwork,
    NamedGroup,
    OneOf,
    PropertySettings,
    Rule,
    Ruleset,
    Text,
    UnreadableRuleset,
)
from tests.support.rule_examples import EXAMPLES, SHOP

OFFICE: Final = EXAMPLES["filter"][0]
NAMES: Final = ("a", "b", "c", "d")


def whole(*rules: Rule) -> Ruleset:
    return Ruleset(1, 0, PropertySettings(), rules)


@pytest.mark.parametrize("kind", BY_TAG)
def test_it_works(kind: str) -> None:
    rule, words = EXAMPLES[kind]
    assert describe_rule(rule) == words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Text("event", "equals", ""), "event name is empty"),
        (Text("event", "equals", "", negated=True), "event name is not empty"),
        (
            Text("parameter:a", "pattern", "^x", case_sensitive=True),
            "event parameter “a” matches the pattern “^x” (case matters)",
        ),
        (Text("a", "contains", "x", negated=True), "“a” does not contain “x”"),
        (OneOf("a", ("x", "y"), negated=True), "“a” is none of “x” or “y”"),
        (InNetwork(("10.0.0.0/8",), negated=True), "the address is not in 10.0.0.0/8"),
        (AnyOf((AllOf((SHOP, SHOP)), SHOP)), "({0} and {0}) or {0}".format("page path begins with “/shop”")),
        (AllOf((AllOf((SHOP,)), SHOP), negated=True), "not ({0} and {0})".format("page path begins with “/shop”")),
        (AllOf(()), "always"),
        (AnyOf(()), "never"),
    ],
)
def test_conditions(condition: Condition, words: str) -> None:
    assert describe_condition(condition) == words


def test_long_lists_are_cut_in_sentences_and_whole_in_differences() -> None:
    many = tuple(f"10.0.{number}.0/24" for number in range(9))
    rule = msgspec.structs.replace(OFFICE, when=InNetwork(many))
    assert describe_rule(rule).endswith("10.0.4.0/24 and 4 more.")
    assert "10.0.8.0/24" in differences(whole(OFFICE), whole(rule))[0]


def test_differences() -> None:
    other = msgspec.structs.replace(OFFICE, name="Other")
    changed = msgspec.structs.replace(OFFICE, state="testing", when=SHOP, note="why")
    before = Ruleset(1, 3, PropertySettings(), (OFFICE, other))
    after = Ruleset(1, 0, PropertySettings(zone="Europe/Berlin", domains=("a.example",), bot_lists=False), (changed,))
    assert differences(before, before) == []
    assert differences(before, after) == [
        "Time zone: was Etc/UTC, is Europe/Berlin.",
        "Own domains: was nothing, is a.example.",
        "Exclude known robots: was yes, is no.",
        "Filter “Office” changed: condition was the address is in 192.0.2.0/24 and page path begins with “/shop”, is"
        " page path begins with “/shop”; note was nothing, is why; state was on, is testing.",
        "Filter “Other” was deleted: Do not count hits where the address is in 192.0.2.0/24 and page path begins with"
        " “/shop”.",
    ]
    assert differences(whole(), whole(changed)) == [
        "Filter “Office” was added (testing): Do not count hits where page path begins with “/shop”."
    ]


@pytest.mark.parametrize(
    ("order", "moves"),
    [
        ("abcd", []),
        ("bcda", ["Filter “a” changed: moved from 1 to 4."]),
        ("dabc", ["Filter “d” changed: moved from 4 to 1."]),
        ("bcd", ["Filter “a” was deleted"]),
        ("axbcd", ["Filter “x” was added"]),
    ],
)
def test_moves(order: str, moves: list[str]) -> None:
    before, after = (whole(*(msgspec.structs.replace(OFFICE, name=name) for name in names)) for names in (NAMES, order))
    lines = differences(before, after)
    assert len(lines) == len(moves)
    assert all(line.startswith(move) for line, move in zip(lines, moves, strict=True))


def test_differences_of_groups() -> None:
    def group(**parts: str) -> Ruleset:
        channels = tuple(NamedGroup(name, Text("source", "equals", value)) for name, value in parts.items())
        return whole(ChannelGroupRule(name="Ours", channels=channels))

    (line,) = differences(group(a="1", b="2", c="3"), group(c="3", b="4", d="5"))
    assert line == (
        "Channel group “Ours” changed: channel “a” was deleted; channel “d” was added: source is “5”;"
        " channel “b” was source is “2”, is source is “4”; order of channels is “c”, “b” and “d”."
    )


def test_lists_say_what_came_and_went() -> None:
    spam, _ = EXAMPLES["spam"]
    for domains, words in (
        (("spam.example", "new.example"), "domains: new.example was added; domains: more.example was deleted"),
        (("more.example", "spam.example"), "domains: the order is more.example and spam.example"),
    ):
        changed = msgspec.structs.replace(spam, domains=domains)
        assert differences(whole(spam), whole(changed)) == [f"Spam rule “Spam” changed: {words}."]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.tag)
def test_every_attribute_has_a_word(kind: object) -> None:
    rule: type[msgspec.Struct] = kind.rule  # type: ignore[attr-defined]
    assert set(rule.__struct_fields__) - {"name", *SET_BY_PUBLISHING} <= set(ATTRIBUTES)
    assert set(PropertySettings.__struct_fields__) == set(SETTINGS)


def test_a_file_is_read_as_it_was_written() -> None:
    rules = tuple(rule for rule, _ in EXAMPLES.values())
    written = encode_document(Ruleset(7, 3, PropertySettings(zone="Europe/Berlin"), rules[::-1]))
    assert decode_document(written, 8) == Ruleset(8, 0, PropertySettings(zone="Europe/Berlin"), rules)
    assert written.startswith(b'{\n  "format": 1,\n  "settings": {\n    "zone": "Europe/Berlin"')


def test_a_file_of_another_format() -> None:
    with pytest.raises(UnreadableRuleset, match=r"Format 2 is not 1 - at `\$\.format`"):
        decode_document(b'{"format": 2, "settings": {}, "rules": []}', 1)
