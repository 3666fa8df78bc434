"""Definitions of segments: what is refused, with advice."""

from datetime import date
from typing import Any

import pytest

from reporting.model.audience import AllOf, Audience, Events, InOneSession, Negated, Sequence, Step, conditions_of
from reporting.model.date_ranges import Days
from reporting.model.limits import DEFAULT_LIMITS, Limits
from reporting.model.report import ReportError
from reporting.query.audiences import plan_audiences
from reporting.registry.custom import NO_DEFINITIONS
from tests.support.oracle_audiences import having, named

DAYS = (Days("today", date(2026, 11, 20), date(2026, 11, 20)),)
SEEN_AND_BOUGHT = (Step(named("eventName", "see")), Step(named("eventName", "buy")))


def check(*audiences: Audience, limits: Limits = DEFAULT_LIMITS) -> None:
    plan_audiences(audiences, DAYS, NO_DEFINITIONS, limits)


def test_it_works() -> None:
    both = AllOf((Events(), Negated(InOneSession(Sequence(SEEN_AND_BOUGHT)))))
    found = list(conditions_of(Audience("user", both, exclude=having("country", "x"))))
    assert [type(each) for each in found] == [Events, InOneSession, Sequence, Events]
    check(Audience("user", both))


def test_limits_hold_for_the_conditions_of_all_audiences_together() -> None:
    wanted = [Audience("user", having("country", "x"))] * 3
    check(*wanted, limits=Limits(conditions=3))
    with pytest.raises(ReportError, match="3 conditions; at most 2"):
        check(*wanted, limits=Limits(conditions=2))
    with pytest.raises(ReportError, match="3 conditions; at most 2"):
        check(Audience("user", AllOf((Events(),) * 3)), limits=Limits(conditions=2))


@pytest.mark.parametrize(
    ("audience", "advice"),
    [
        (Audience("user"), "give it `include` or `exclude`"),
        (Audience("user", AllOf(())), "at least one"),
        (Audience("user", having("cuntry", "x")), "Did you mean country"),
        (Audience("user", having("sessions", "x")), "is a metric"),
        (Audience("user", Events(metric="nonsense", value=1)), "is not a metric"),
        (Audience("user", Events(metric="unconvertedRevenue", value=1)), "cannot be a condition"),
        (Audience("user", having("itemName", "x")), "is a dimension of items"),
        (Audience("user", Sequence(SEEN_AND_BOUGHT[:1])), "give it 2 to 10"),
        (Audience("user", Sequence(SEEN_AND_BOUGHT * 6)), "give it 2 to 10"),
        (
            Audience("user", Sequence((Step(named("country", "x"), directly=True), SEEN_AND_BOUGHT[0]))),
            "follows no other",
        ),
        (
            Audience("user", Sequence((SEEN_AND_BOUGHT[0], Step(named("country", "x"), within_seconds=0)))),
            "between 1 and",
        ),
        (Audience("event", Events()), "is a filter"),
        (Audience("event", having("country", "x", value=2)), "is a filter"),
        (Audience("event", Sequence(SEEN_AND_BOUGHT)), "no sequences"),
        (Audience("session", InOneSession(Events())), "is for segments of users"),
        (Audience("user", InOneSession(InOneSession(Events()))), "is for segments of users"),
    ],
)
def test_bad_audiences_are_answered_with_advice(audience: Audience, advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        check(audience)


def test_one_that_is_nested_too_deep() -> None:
    tree: Any = Events()
    for _ in range(21):
        tree = Negated(tree)
    with pytest.raises(ReportError, match="nested deeper than 20"):
        check(Audience("user", tree))
