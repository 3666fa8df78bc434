"""Segments and comparisons in requests: one report on each, side by side."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.audiences import ComparedAnswer
from reporting.model.audience import Audience, AudienceReport, Compared
from reporting.model.now import Now
from reporting.model.report import Answer, ByDimension, ByMetric, DateRange, NumericFilter, Report, ReportError, Row
from tests.support.builders import NOON, FrameView, view_of
from tests.support.oracle_audiences import having

MANUAL = Path(__file__).parents[4] / "docs" / "manual" / "segments.md"
TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
MONTH = DateRange("30daysAgo", "today", "month")
TENTH = DateRange("2026-11-10", "2026-11-10", "tenth")
SPAIN, CHAD = (Audience("user", having("country", name)) for name in ("Spain", "Chad"))
BOTH = (Compared("All"), Compared("From Spain", SPAIN))
BY_PAGE: dict[str, Any] = {"date_ranges": (MONTH,), "dimensions": ("pagePath",), "metrics": ("totalUsers",)}
BODY: dict[str, Any] = {
    "date_ranges": [{"start": "30daysAgo", "end": "today"}],
    "dimensions": ["pagePath"],
    "metrics": ["totalUsers"],
}
SPAIN_AS_JSON = {
    "scope": "user",
    "include": {"type": "events", "filter": {"type": "string", "field": "country", "value": "Spain"}},
}


def visit(visitor: int, country: str, path: str = "/") -> dict[str, Any]:
    return {"visitor": visitor, "session": visitor, "country": country, "path": path}


VIEW = view_of(visit(1, "Spain"), visit(1, "Chad", "/a"), visit(2, "Spain"), visit(3, "Chad"), visit(4, "Chad", "/a"))


def rows(answer: Any) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    return [(row.dimensions, row.metrics) for row in answer.rows]


def test_it_works() -> None:
    answer = run(AudienceReport(Report(**BY_PAGE, aggregations=frozenset({"TOTAL"})), None, BOTH), VIEW, NOW)
    assert answer.dimensions == ("pagePath", "comparison")
    assert rows(answer) == [
        *((("/", "All"), (3,)), (("/", "From Spain"), (2,))),
        *((("/a", "All"), (2,)), (("/a", "From Spain"), (1,))),
    ]
    assert answer.totals == (Row(("RESERVED_TOTAL", "All"), (4,)), Row(("RESERVED_TOTAL", "From Spain"), (2,)))
    assert (answer.row_count, tabulate(answer).columns) == (4, ["pagePath", "comparison", "totalUsers"])


def test_a_segment_and_comparisons_hold_together() -> None:
    answer = run(AudienceReport(Report(**BY_PAGE), CHAD, BOTH), VIEW, NOW)
    assert rows(answer) == [
        *((("/", "All"), (2,)), (("/a", "All"), (2,))),
        *((("/", "From Spain"), (1,)), (("/a", "From Spain"), (1,))),
    ]


def test_other_kinds_have_an_answer_for_each() -> None:
    body = {"kind": "paths", "date_range": {"start": "30daysAgo", "end": "today"}, "dimension": "country", "steps": 2}
    answer = run(
        parse({**body, "comparisons": [{"name": "Spain", "segment": SPAIN_AS_JSON}, {"name": "All"}]}), VIEW, NOW
    )
    assert isinstance(answer, ComparedAnswer)
    assert [(each["comparison"], each["sessions"]) for each in render(answer)["comparisons"]] == [
        ("Spain", 2),
        ("All", 4),
    ]
    assert tabulate(answer)["comparison"].unique(maintain_order=True).to_list() == ["Spain", "All"]


def test_requests_as_json() -> None:
    answer = run(parse({**BODY, "segment": SPAIN_AS_JSON}), VIEW, NOW)
    assert rows(answer) == [(("/",), (2,)), (("/a",), (1,))]
    assert parse({**BODY, "segment": "Buyers"}) == AudienceReport(parse(BODY), "Buyers")
    assert parse({**BODY, "segment": None}) == parse(BODY)


def test_the_examples_of_the_manual() -> None:
    text = MANUAL.read_text()
    examples = [json.loads(block.split("```")[0]) for block in text.split("```json")[1:]]
    assert [set(each) & {"segment", "comparisons"} for each in examples] == [{"segment"}, {"segment"}, {"comparisons"}]
    events = [{"event": name, "device": "mobile"} for name in ("add_to_cart", "purchase", "purchase")]
    view = view_of(*({**event, "at": NOON + timedelta(minutes=n)} for n, event in enumerate(events)))
    for example in examples:
        asked = parse(example)
        saved = tuple(each if each.segment != "Buyers" else Compared("Buyers", SPAIN) for each in asked.comparisons)
        answer = run(AudienceReport(asked.report, asked.audience, saved), view, NOW)
        assert tabulate(answer).height > 0


COUNTRIES = st.sampled_from(["Spain", "Chad", "Italy"])
VISITS = st.lists(st.builds(visit, st.integers(1, 5), COUNTRIES, st.sampled_from(["/", "/a", "/b"])), max_size=15)
REPORTS = st.builds(
    Report,
    date_ranges=st.sampled_from([(MONTH,), (MONTH, TENTH)]),
    dimensions=st.sampled_from([("pagePath",), ("country", "pagePath"), ()]),
    metrics=st.sampled_from([("totalUsers", "eventCount"), ("eventCount", "sessions")]),
    metric_filter=st.none() | st.just(NumericFilter("eventCount", "GREATER_THAN", 1)),
    keep_empty_rows=st.booleans(),
    aggregations=st.just(frozenset({"TOTAL", "MINIMUM", "MAXIMUM"})),
)


@given(VISITS, REPORTS, st.lists(COUNTRIES, min_size=1, max_size=4, unique=True))
def test_each_comparison_has_the_rows_of_a_report_on_it_alone(
    visits: list[dict[str, Any]], report: Report, countries: list[str]
) -> None:
    view = view_of(*visits)
    compared = tuple(Compared(name, Audience("user", having("country", name))) for name in countries)
    answer = run(AudienceReport(report, None, compared), view, NOW)
    alone = {each.name: run(AudienceReport(report, each.segment), view, NOW) for each in compared}
    for name, each in alone.items():
        for part in ("rows", "totals", "minimums", "maximums"):
            found = [row for row in getattr(answer, part) if row.dimensions[-1] == name]
            assert [(row.dimensions[:-1], row.metrics) for row in found] == rows_of(each, part)
    assert answer.row_count == sum(each.row_count for each in alone.values())


def rows_of(answer: Answer, part: str) -> list[Any]:
    return [(row.dimensions, row.metrics) for row in getattr(answer, part)]


def test_pages_go_through_the_rows_of_all_comparisons() -> None:
    asked = [AudienceReport(Report(**BY_PAGE, limit=1, offset=n), None, BOTH) for n in range(4)]
    pages = [rows(run(each, VIEW, NOW)) for each in asked]
    assert sum(pages, []) == rows(run(AudienceReport(Report(**BY_PAGE), None, BOTH), VIEW, NOW))


def test_rows_are_ordered_by_comparison() -> None:
    orders = (ByDimension("comparison", descending=True), ByMetric("totalUsers"))
    answer = run(AudienceReport(Report(**BY_PAGE, orders=orders), None, BOTH), VIEW, NOW)
    assert [row.dimensions[1] for row in answer.rows] == ["From Spain", "From Spain", "All", "All"]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"segment": "Buyers"}, "'Buyers' is not a segment"),
        ({"segment": {"scope": "visitor"}}, "scope"),
        ({"segment": {"scope": "user", "colour": "red"}}, "colour"),
        ({"segment": 7}, "segment"),
        ({"comparisons": [{"name": "A"}, {"name": "A"}]}, "a name of its own"),
        ({"comparisons": [{}]}, "a name of its own"),
        ({"comparisons": [{"name": str(n)} for n in range(5)]}, "at most 4"),
        ({"comparisons": "A"}, "comparisons"),
    ],
)
def test_bad_requests_are_answered_with_advice(fields: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        run(parse({**BODY, **fields}), FrameView(VIEW.frame), NOW)
