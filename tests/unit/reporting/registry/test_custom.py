"""Dimensions and metrics that a property's rules define: their values in reports, and names that no rule defines."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from configuration.ruleset.ruleset import (
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    NamedGroup,
    Ruleset,
    Text,
)
from processing.pipeline.custom_values import LARGEST
from reporting.ga4.responses import metadata_reply
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, NumericFilter, Report, ReportError, StringFilter
from reporting.registry.custom import NO_DEFINITIONS, definitions_of
from tests.support.builders import FrameView, built

PARTS = (NamedGroup("a", Text("path", "equals", "/")),)
RULES = Ruleset(
    1,
    3,
    rules=(
        ChannelGroupRule(name="By team", channels=PARTS),
        ContentGroupRule(name="Section", groups=PARTS),
        ContentGroupRule(name="Author", groups=PARTS),
        CustomDimensionRule(name="Plan", parameter="plan"),
        CustomDimensionRule(name="User plan", parameter="plan", scope="user"),
        CustomDimensionRule(name="Gone", parameter="gone", state="off"),
        CustomMetricRule(name="Price", parameter="price", unit="currency"),
        CustomMetricRule(name="Wait", parameter="wait", unit="seconds"),
        CustomMetricRule(name="Score", parameter="score"),
    ),
)
EVENTS: tuple[dict[str, Any], ...] = (
    {
        "custom": "c:Section=Shop&c:Author=Ann%20%26%20Bob&e:plan=gold&u:plan=x&m:price=1.10",
        "session_groups": "By+team=Ours",
    },
    {"custom": "e:plan=gold&m:price=2.20&m:score=-3", "session_groups": "By+team=Ours"},
    {"custom": "c:Section=Blog&e:plan=silver&m:price=0.000001", "session": 2},
    {"session": 2},
)


@pytest.fixture(params=[pl.Categorical, pl.String], ids=["categories", "text"])
def view(request: pytest.FixtureRequest) -> FrameView:
    return FrameView(built(EVENTS, texts=request.param), rules=RULES)


def ask(view: FrameView, **fields: Any) -> Answer:
    return run(
        Report(**{"date_ranges": (DateRange("30daysAgo", "today"),), **fields}),
        view,
        Now.at_end_of(date(2026, 11, 20), "Etc/UTC"),
    )


def counted(view: FrameView, dimension: str) -> dict[str, float]:
    answer = ask(view, dimensions=(dimension,), metrics=("eventCount",))
    return {row.dimensions[0]: row.metrics[0] for row in answer.rows}


def test_it_works(view: FrameView) -> None:
    answer = ask(view, dimensions=("customEvent:plan",), metrics=("customEvent:price", "eventCount"))
    assert [(*row.dimensions, *row.metrics) for row in answer.rows] == [
        ("gold", 3.3, 2),
        ("silver", 0.000001, 1),
        ("(not set)", 0.0, 1),
    ]
    assert [(header.name, header.type) for header in answer.metrics] == [
        ("customEvent:price", "CURRENCY"),
        ("eventCount", "INTEGER"),
    ]


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("sessionCustomChannelGroup:By team", {"Ours": 2, "(not set)": 2}),
        ("firstUserCustomChannelGroup:By team", {"Ours": 4}),
        ("contentGroup:Section", {"Shop": 1, "Blog": 1, "(not set)": 2}),
        ("contentGroup", {"Shop": 1, "Blog": 1, "(not set)": 2}),
        ("contentGroup:Author", {"Ann & Bob": 1, "(not set)": 3}),
        ("customUser:plan", {"x": 1, "(not set)": 3}),
    ],
)
def test_dimensions(view: FrameView, dimension: str, expected: dict[str, float]) -> None:
    assert counted(view, dimension) == expected


def test_metrics(view: FrameView) -> None:
    metrics = ("customEvent:price", "customEvent:wait", "customEvent:score")
    answer = ask(view, metrics=metrics, aggregations={"TOTAL"}, keep_empty_rows=True)
    assert answer.rows[0].metrics == answer.totals[0].metrics == (3.300001, 0.0, -3.0)
    assert [header.type for header in answer.metrics] == ["CURRENCY", "SECONDS", "FLOAT"]


def test_the_sum_of_no_events_is_0(view: FrameView) -> None:
    nothing = StringFilter("pagePath", "/none")
    answer = ask(view, metrics=("customEvent:price", "keyEventValue"), dimension_filter=nothing, keep_empty_rows=True)
    assert answer.rows[0].metrics == (0.0, 0.0)


def test_own_fields_can_be_filtered_and_calculated_with(view: FrameView) -> None:
    gold = StringFilter("customEvent:plan", "GOLD")
    dear = NumericFilter("customEvent:price", "GREATER_THAN", 1)
    answer = ask(
        view,
        dimensions=("customEvent:plan", "contentGroup:Section"),
        metrics=("each",),
        expressions={"each": "customEvent:price / eventCount"},
        dimension_filter=gold,
        metric_filter=dear,
    )
    assert [(*row.dimensions, *row.metrics) for row in answer.rows] == [
        ("gold", "(not set)", 2.2),
        ("gold", "Shop", 1.1),
    ]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"dimensions": ("customEvent:pln",)}, "Defined are: customEvent:plan."),
        ({"dimensions": ("customEvent:gone",)}, "Defined are: customEvent:plan."),
        ({"dimensions": ("contentGroup:Nothing",)}, "Defined are: contentGroup:Author, contentGroup:Section."),
        ({"dimensions": ("sessionCustomChannelGroup:x",)}, "Defined are: sessionCustomChannelGroup:By team."),
        ({"metrics": ("customEvent:plan",)}, "Defined are: customEvent:price, customEvent:score, customEvent:wait."),
        ({"metrics": ("x",), "expressions": {"x": "customEvent:none * 2"}}, "Defined are: customEvent:price"),
        ({"dimensions": ("nothing:x",)}, "define none of this kind"),
        ({"dimensions": ("contentGroups",)}, "Did you mean contentGroup"),
    ],
)
def test_names_that_no_rule_defines(view: FrameView, fields: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice.replace(".", r"\.")):
        ask(view, **fields)


def test_without_rules_nothing_is_defined(view: FrameView) -> None:
    plain = view._replace(rules=None)
    assert definitions_of(None) == NO_DEFINITIONS
    assert counted(plain, "contentGroup") == {"(not set)": 4}
    with pytest.raises(ReportError, match="define none of this kind"):
        ask(plain, dimensions=("customEvent:plan",))


def test_key_events_have_a_value() -> None:
    events = (
        {"key_event": True, "key_value": 1_500_000},
        {"key_value": 9_000_000},
        {"key_event": True, "key_value": 1},
    )
    answer = ask(FrameView(built(events)), metrics=("keyEventValue", "keyEvents"))
    assert answer.rows[0].metrics == (1.500001, 2)
    assert answer.metrics[0].type == "CURRENCY"


def test_sums_of_huge_numbers_stay_huge() -> None:
    events = [{"key_event": True, "key_value": LARGEST}] * 3
    assert ask(FrameView(built(events)), metrics=("keyEventValue",)).rows[0].metrics == (LARGEST / 1_000_000,)


def test_page_path_and_query() -> None:
    events = ({"path": "/a", "query": "b=1"}, {"path": "/a"}, {"path": None, "query": "c"})
    for texts in (pl.Categorical, pl.String):
        counts = counted(FrameView(built(events, texts=texts)), "pagePathPlusQueryString")
        assert counts == {"/a?b=1": 1, "/a": 1, "(not set)?c": 1}


def test_the_queries_of_page_and_route_are_behind_what_they_belong_to() -> None:
    shown = {
        "/a#/b": ("/a#/b", None),
        "/a?x#/b": ("/a#/b", "x"),
        "/a#/b?y": ("/a#/b", "#y"),
        "/a?x#/b?y": ("/a#/b", "x#y"),
    }
    shown |= {"/a?x": ("/a", "x"), "/a#/b#c": ("/a#/b#c", None)}
    events = [{"path": path, "query": query} for path, query in shown.values()]
    assert counted(FrameView(built(events)), "pagePathPlusQueryString") == dict.fromkeys(shown, 1)


def test_metadata_marks_the_propertys_own_fields() -> None:
    reply = metadata_reply(1, definitions_of(RULES))
    own = {
        field["apiName"]: field
        for group in ("dimensions", "metrics")
        for field in reply[group]
        if "customDefinition" in field
    }
    assert len(own) == 9
    assert own["customEvent:price"] | {"description": ""} == {
        "apiName": "customEvent:price",
        "uiName": "Price",
        "description": "",
        "category": "Event",
        "type": "TYPE_CURRENCY",
        "customDefinition": True,
    }
    assert own["customUser:plan"]["uiName"] == "User plan"
    assert "customDefinition" not in next(field for field in reply["dimensions"] if field["apiName"] == "pagePath")
