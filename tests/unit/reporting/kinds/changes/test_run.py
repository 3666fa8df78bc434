"""Changes between two periods, against a slow count in plain Python, and by examples."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.changes.report import Change, ChangesAnswer, ChangesReport
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError, StringFilter
from tests.support.builders import FrameView, built, view_of
from tests.support.oracle_kinds import changes

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
NOW = Now.at_end_of(date(2026, 11, 20), "Etc/UTC")
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
TENTH, ELEVENTH = (DateRange(f"2026-11-{day}", f"2026-11-{day}") for day in (10, 11))


def views(path: str, before: int, after: int, visitor: int = 1) -> list[dict[str, Any]]:
    facts = {"path": path, "visitor": visitor, "session": visitor}
    return [{**facts, "at": NOON}] * before + [{**facts, "at": NOON + timedelta(days=1)}] * after


EVENTS = [*views("/", 10, 12), *views("/new", 0, 7), *views("/old", 3, 0), *views("/same", 2, 2)]


def ask(view: FrameView, **fields: Any) -> ChangesAnswer:
    names = {"before": TENTH, "after": ELEVENTH, "dimension": "pagePath", "metric": "screenPageViews"}
    answer = run(ChangesReport(**{**names, **fields}), view, NOW)
    assert isinstance(answer, ChangesAnswer)
    return answer


def lines(answer: ChangesAnswer) -> list[tuple[Any, ...]]:
    return [(each.value, each.status, each.change.before, each.change.after) for each in answer.values]


def test_it_works() -> None:
    answer = ask(view_of(*map(dict, EVENTS)), limit=2)
    assert lines(answer) == [("/new", "new", 0, 7), ("/old", "gone", 3, 0)]
    assert [each.change for each in answer.values] == [Change(0, 7, 7, None), Change(3, 0, -3, -1.0)]
    assert (answer.others, answer.total) == (Change(12, 14, 2, 1 / 6), Change(15, 21, 6, 0.4))
    assert (answer.row_count, answer.new, answer.gone, answer.metric.name) == (4, 1, 1, "screenPageViews")
    assert tabulate(answer).rows() == [
        ("/new", "new", 0, 7, 7, None),
        ("/old", "gone", 3, 0, -3, -1.0),
        (None, None, 12, 14, 2, 1 / 6),
    ]


def test_a_visitor_with_two_other_values_is_one_of_the_others() -> None:
    events = [*views("/a", 0, 1), *views("/b", 0, 1), *views("/c", 0, 1, visitor=2), *views("/c", 0, 1, visitor=3)]
    answer = ask(view_of(*events), metric="totalUsers", limit=1)
    assert (lines(answer), answer.others.after, answer.total.after) == ([("/c", "new", 0, 2)], 1, 3)


def test_values_that_came_and_went_are_among_the_others() -> None:
    answer = ask(view_of(*map(dict, EVENTS), *views("/small", 0, 1)), limit=1)
    assert (lines(answer), answer.others) == ([("/new", "new", 0, 7)], Change(15, 15, 0, 0.0))


def test_periods_that_overlap_and_filters() -> None:
    both = DateRange("2026-11-10", "2026-11-11")
    answer = ask(view_of(*map(dict, EVENTS)), after=both, dimension_filter=StringFilter("pagePath", "/"))
    assert (lines(answer), answer.total) == ([("/", "kept", 10, 22)], Change(10, 22, 12, 1.2))


def test_no_events() -> None:
    answer = ask(view_of())
    nothing = Change(0, 0, 0, None)
    assert (answer.values, answer.others, answer.total) == ((), nothing, nothing)


FACTS = st.builds(
    lambda visitor, path, country, day: {"visitor": visitor, "session": visitor, "path": path, "country": country,
                                         "page_view": path != "/b", "at": NOON + timedelta(days=day)},
    st.integers(1, 3), st.sampled_from(["/", "/a", "/b", "/c"]), st.sampled_from(["Italy", "Spain"]), st.integers(0, 2),
)  # fmt: skip


@given(
    st.lists(FACTS, max_size=16),
    st.sampled_from(["pagePath", "country"]),
    st.sampled_from(["screenPageViews", "totalUsers", "sessions", "screenPageViewsPerSession"]),
    st.integers(1, 4),
)
def test_changes_are_those_that_plain_python_counts(
    events: list[dict[str, Any]], dimension: str, metric: str, limit: int
) -> None:
    after = DateRange("2026-11-11", "2026-11-12")
    view = FrameView(built([dict(each) for each in events]))
    answer = ask(view, after=after, dimension=dimension, metric=metric, limit=limit)
    facts = [{**each, "day": each["at"].date()} for each in events]
    early = [fact for fact in facts if fact["day"] == NOON.date()]
    late = [fact for fact in facts if fact["day"] > NOON.date()]
    listed, others, total = changes(early, late, dimension, metric, limit)
    assert lines(answer) == listed
    assert (answer.others.before, answer.others.after) == others
    assert (answer.total.before, answer.total.after) == total
    if metric == "screenPageViews":
        differences = [each.change.difference for each in answer.values]
        assert sum(differences) + answer.others.difference == answer.total.difference


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "more-reports.md").read_text().split("## Changes")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    old, new = ({"at": datetime(2026, 11, day, 12, tzinfo=UTC)} for day in (8, 14))
    answer = render(run(request, view_of(old, new, dict(new)), NOW))
    assert answer["values"][0]["value"] == "/"
    assert answer["values"][0]["change"] == {"before": 1, "after": 2, "difference": 1, "relative": 1.0}


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"limit": 0}, "The limit is 0"),
        ({"limit": 10_001}, "between 1 and 10000"),
        ({"dimension": "pagepath"}, "Did you mean pagePath"),
        ({"dimension": "dateRange"}, "does not divide a period"),
        ({"metric": "active7DayUsers"}, "which only tables can"),
        ({"metric": "unconvertedRevenue", "dimension": "currencyCode"}, "ask for no totals"),
        ({"metric": "pageviews"}, "is not a metric"),
        ({"after": {"start": "today", "end": "yesterday"}}, "ends before that"),
    ],
)
def test_bad_requests_are_answered_with_advice(changed: dict[str, Any], advice: str) -> None:
    days = {"start": "30daysAgo", "end": "today"}
    body = {"kind": "changes", "before": days, "after": days, "dimension": "pagePath", "metric": "sessions"}
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changed}), view_of(), NOW)
