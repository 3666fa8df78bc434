from typing import Any

import pytest

from configuration.ruleset.ruleset import KeyEventRule, Text
from processing.pipeline.custom_values import LARGEST
from processing.pipeline.process import process
from processing.pipeline.steps.key_events import key_events
from tests.support.raw_rows import RULES, ga4, raw, ruled, stepped_through

BUY = KeyEventRule(name="Bought", event="buy", value="12.5", value_parameter="price")
LETTER = KeyEventRule(name="Letter", event="sign_up", once="session", slot=63)
SHOP = KeyEventRule(name="Saw the shop", event="page_view", when=Text("path", "begins", "/shop"), value="0.000001")


def found(*rules: KeyEventRule, **named: Any) -> tuple[Any, ...]:
    frame = stepped_through(ruled(*rules), ga4(**named), until="key_events")
    return frame.select("key_event", "once", "key_value").row(0)


def test_it_works() -> None:
    rules = (BUY, LETTER, SHOP)
    assert found(*rules, en="buy") == (True, None, 12_500_000)
    assert found(*rules, en="sign_up") == (False, 1 << 63, 0)
    assert found(*rules, dl="https://example.org/shop") == (True, None, 1)
    assert found(*rules) == (False, None, 0)


@pytest.mark.parametrize(
    ("rest", "value"),
    [
        ("epn.price=3.25", 3_250_000),
        ("ep.price=4", 4_000_000),
        ("epn.price=0", 0),
        ("epn.price=-1", -1_000_000),
        ("epn.price=free", 12_500_000),
        ("epn.price=1e400", 12_500_000),
        ("epn.price=1e30", LARGEST),
        ("v=2", 12_500_000),
        (None, 12_500_000),
    ],
)
def test_the_value_is_the_parameters_or_else_the_rules(rest: str | None, value: int) -> None:
    assert found(BUY, en="buy", rest=rest) == (True, None, value)


def test_names_of_events_are_compared_letter_by_letter() -> None:
    assert found(BUY, en="Buy") == found(BUY, en="buy2") == (False, None, 0)


def test_own_rules_add_to_what_the_client_marks() -> None:
    assert found(BUY, en="scroll", _c="1") == (True, None, 0)
    assert found(LETTER, en="sign_up", _c="1") == (True, 1 << 63, 0)


def test_an_event_may_match_several_rules_and_the_first_says_its_worth() -> None:
    once = [KeyEventRule(name=f"k{n}", event="buy", once="session", slot=n, value=str(n)) for n in (3, 5)]
    assert found(*once, BUY, en="buy") == (True, 1 << 3 | 1 << 5, 3_000_000)


def test_implied_events_may_be_key_events() -> None:
    first = KeyEventRule(name="First", event="first_visit", value="2")
    events = process(raw([ga4(_fv="1", _ss="1")]), ruled(first, SHOP)).events
    assert events.select("event", "key_event", "key_value").sort("event").rows() == [
        ("first_visit", True, 2_000_000),
        ("page_view", False, 0),
        ("session_start", False, 0),
    ]


def test_what_is_implied_is_no_key_event_because_its_event_is() -> None:
    view = KeyEventRule(name="View", event="page_view", once="session", slot=0, value="1")
    events = process(raw([ga4(_ss="1")]), ruled(view)).events
    assert events.select("event", "once", "key_value").sort("event").rows() == [
        ("page_view", 1, 1_000_000),
        ("session_start", None, 0),
    ]


def test_a_rule_without_a_slot_is_a_fault() -> None:
    with pytest.raises(ValueError, match="without a slot"):
        found(KeyEventRule(name="x", event="buy", once="session"), en="buy")


def test_only_rules_that_are_on_count() -> None:
    tested = KeyEventRule(name="x", event="page_view", state="testing")
    frame = stepped_through(RULES, ga4(), until="channel_groups")
    assert key_events(frame, ruled(tested)) is frame
