from typing import Any

import pytest

from configuration.ruleset.ruleset import ContentGroupRule, CustomDimensionRule, CustomMetricRule, NamedGroup, Text
from processing.pipeline.custom_values import extract
from processing.pipeline.process import process
from processing.pipeline.steps.custom import custom
from tests.support.raw_rows import RULES, ga4, line, raw, ruled, stepped_through

PLAN = CustomDimensionRule(name="Plan", parameter="plan")
TIER = CustomDimensionRule(name="Tier", parameter="tier", scope="user")
PRICE = CustomMetricRule(name="Price", parameter="price", unit="currency")
SENT = ga4(rest="v=2&ep.plan=gold%20%26+x&up.tier=%C3%A9&epn.price=1.50&epn.plan=7")


def held(*rules: Any, row: dict[str, Any] = SENT) -> str | None:
    text: str | None = stepped_through(ruled(*rules), row, until="custom")["custom"].item()
    return text


def test_it_works() -> None:
    assert held(PLAN, TIER, PRICE) == "e:plan=gold%20%26%20x&u:tier=é&m:price=1.50"
    frame = stepped_through(ruled(PLAN), SENT, until="custom")
    assert frame.select(extract("custom", "e:plan")).item() == "gold & x"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.50", "m:price=1.50"),
        ("-2", "m:price=-2"),
        ("1e3", "m:price=1e3"),
        ("free", None),
        ("Infinity", None),
        ("NaN", None),
        ("", None),
        ("1%2C5", None),
    ],
)
def test_a_metric_is_kept_as_it_was_sent_if_it_is_a_number(sent: str, kept: str | None) -> None:
    for kind in ("ep", "epn"):
        assert held(PRICE, row=ga4(rest=f"v=2&{kind}.price={sent}")) == kept


def test_scopes_are_told_apart() -> None:
    same = CustomDimensionRule(name="User plan", parameter="plan", scope="user")
    assert held(PLAN, same, row=ga4(rest="ep.plan=a")) == "e:plan=a"
    assert held(PLAN, same, row=ga4(rest="up.plan=b&ep.plan=a")) == "e:plan=a&u:plan=b"


def test_a_parameter_may_be_both_dimension_and_metric() -> None:
    text = CustomDimensionRule(name="Price", parameter="price")
    assert held(text, PRICE) == "e:price=1.50&m:price=1.50"


def test_nothing_sent_is_null() -> None:
    assert held(PLAN, TIER, PRICE, row=ga4()) is None
    assert held(PLAN, row=line()) is None
    assert held(PLAN, row=ga4(rest=None)) is None


def test_it_adds_to_the_content_groups() -> None:
    section = ContentGroupRule(name="Section", groups=(NamedGroup("Home", Text("path", "equals", "/")),))
    assert held(section, PRICE) == "c:Section=Home&m:price=1.50"


def test_long_values_are_cut() -> None:
    assert held(PLAN, row=ga4(rest=f"ep.plan={'x' * 1000}")) == "e:plan=" + "x" * 255


def test_implied_events_have_the_dimensions_but_not_the_metrics() -> None:
    events = process(raw([{**SENT, "_ss": "1"}, ga4(2, rest="epn.price=2", _fv="1")]), ruled(PLAN, PRICE)).events
    assert events.select("event", "custom").sort("event", "custom").rows() == [
        ("first_visit", None),
        ("page_view", "e:plan=gold%20%26%20x&m:price=1.50"),
        ("page_view", "m:price=2"),
        ("session_start", "e:plan=gold%20%26%20x"),
    ]


def test_only_rules_that_are_on_count() -> None:
    off = CustomMetricRule(name="x", parameter="price", state="off")
    frame = stepped_through(RULES, SENT, until="key_events")
    assert custom(frame, ruled(off)) is frame
