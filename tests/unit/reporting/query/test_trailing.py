"""Users of the days before: windows that begin before the date range, by date and without it, against a slow count."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.kinds import parse, plan_many, run, run_many
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, NumericFilter, Report, ReportError, StringFilter
from tests.support.builders import NOON, FrameView, view_of
from tests.support.oracle_reports import SlowReport, answer
from tests.support.oracle_windows import ACTIVE_DAYS, WINDOWED

DAY = NOON.date()
NOW = Now.at_end_of(DAY, "Etc/UTC")
TODAY = (DateRange("today", "today"),)
USERS = tuple(ACTIVE_DAYS)


def seen(visitor: int, days_ago: int, **fields: Any) -> dict[str, Any]:
    return {"visitor": visitor, "session": visitor * 100 + days_ago, "at": NOON - timedelta(days=days_ago), **fields}


def ask(view: FrameView, **fields: Any) -> Answer:
    report: dict[str, Any] = {"date_ranges": TODAY, "metrics": USERS}
    return run(Report(**{**report, **fields}), view, NOW)


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


def test_it_works() -> None:
    """Today one user, within a week two, 28 days three, 30 days four; one came 30 days ago, one is not active."""
    view = view_of(
        *(seen(*each) for each in [(1, 0), (1, 3), (2, 6), (3, 7), (3, 27), (4, 28), (4, 29), (6, 30)]),
        seen(5, 1, active=False),
    )
    assert rows(ask(view)) == [(1, 2, 3)]
    ratios = ask(view, metrics=("dauPerMau", "dauPerWau", "wauPerMau", "totalUsers", "activeUsers"))
    assert rows(ratios) == [(1 / 4, 1 / 2, 2 / 4, 1, 1)]


def test_by_date_the_window_ends_with_the_date() -> None:
    view = view_of(seen(1, 9), seen(1, 5), seen(2, 5), seen(3, 0, active=False))
    days = ask(view, date_ranges=(DateRange("6daysAgo", "today"),), dimensions=("date",), aggregations={"TOTAL"})
    assert sorted(rows(days)) == [
        ("20261104", 0, 1, 1),
        ("20261105", 2, 2, 2),
        *((f"2026110{day}", 0, 2, 2) for day in (6, 7, 8, 9)),
        ("20261110", 0, 2, 2),
    ]
    assert days.totals[0].metrics == (0, 2, 2)


def test_a_row_may_be_due_to_the_days_before_alone() -> None:
    view = view_of(seen(1, 3, country="France"), seen(2, 0))
    answer = ask(view, dimensions=("country",), metrics=("active7DayUsers", "eventCount"))
    assert rows(answer) == [("France", 1, 0), ("Germany", 1, 1)]


def test_what_follows_from_the_date_is_that_of_the_row() -> None:
    view = view_of(seen(1, 12))
    asked = ask(view, date_ranges=(DateRange("11daysAgo", "9daysAgo"),), dimensions=("date", "month"))
    assert sorted(rows(asked)) == [
        ("20261030", "10", 0, 1, 1),
        ("20261031", "10", 0, 1, 1),
        ("20261101", "11", 0, 1, 1),
    ]


def test_several_ranges_filters_and_empty_days() -> None:
    view = view_of(seen(1, 30, path="/a"), seen(2, 1, path="/b"), seen(2, 0, path="/a"))
    ranges = (DateRange("today", "today", "now"), DateRange("10daysAgo", "3daysAgo", "then"))
    answer = ask(view, date_ranges=ranges, dimension_filter=StringFilter("pagePath", "/a"))
    assert rows(answer) == [("now", 1, 1, 1), ("then", 0, 0, 1)]
    empty = ask(view, date_ranges=(DateRange("1daysAgo", "today"),), dimensions=("date",), keep_empty_rows=True)
    assert sorted(rows(empty)) == [("20261109", 1, 1, 1), ("20261110", 1, 1, 1)]


def test_nothing() -> None:
    assert rows(ask(view_of(), keep_empty_rows=True)) == [(0, 0, 0)]
    assert rows(ask(view_of(seen(1, 40)), dimensions=("country",))) == []


def test_beside_other_reports_on_one_read() -> None:
    view = view_of(seen(1, 20), seen(2, 0))
    plain = Report(date_ranges=TODAY, metrics=("totalUsers",))
    back = Report(date_ranges=TODAY, metrics=("active28DayUsers", "eventCount"))
    assert [rows(each) for each in run_many([plain, back, plain], view, NOW)] == [[(1,)], [(2, 1)], [(1,)]]


def test_shares_are_those_of_all_rows() -> None:
    events = [seen(n, 0, path=f"/{n}", engagement_ms=n * 1000) for n in (1, 2, 5)] + [seen(9, 1, engagement_ms=9)]
    more = NumericFilter("engagementTimeShare", "GREATER_THAN", 0.2)
    metrics = ("engagementTimeShare", "viewsShare")
    asked: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": metrics, "aggregations": {"TOTAL"}}
    answer = ask(view_of(*events), **asked, metric_filter=more)
    assert rows(answer) == [("/5", 0.625, 1 / 3), ("/2", 0.25, 1 / 3)]
    assert answer.totals[0].metrics == (0.875, 2 / 3)
    assert rows(ask(view_of(*events), **asked, limit=1)) == [("/5", 0.625, 1 / 3)]
    only = ask(view_of(*events), **asked, dimension_filter=StringFilter("pagePath", "/2"))
    assert (rows(only), only.totals[0].metrics) == ([("/2", 1, 1)], (1, 1))
    assert rows(ask(view_of(*events, seen(3, 0, path="/2")), **{**asked, "metrics": ("active1DayUsers", *metrics)}))


def test_average_times() -> None:
    view = view_of(seen(1, 0, engagement_ms=3000), seen(1, 0, engagement_ms=1000, page_view=False), seen(2, 0))
    names = ("averageEngagementTime", "averageEngagementTimePerView")
    assert rows(ask(view, metrics=names)) == [(2, 2)]


@pytest.mark.parametrize(("scope", "expected"), [("user", (1, 1, 1)), ("session", (1, 1, 1)), ("event", (1, 1, 2))])
def test_a_segment_is_that_of_the_date_range(scope: str, expected: tuple[int, ...]) -> None:
    """Users who are in it then count for the days before as well; a filter on events holds on all days."""
    french = {"country": "France"}
    view = view_of(seen(1, 0, **french), seen(1, 3), seen(3, 0), seen(8, 20, **french))
    condition = {"type": "events", "filter": {"type": "string", "field": "country", "value": "France"}}
    body = {"date_ranges": [{"start": "today", "end": "today"}], "metrics": list(USERS)}
    answer = run(parse({**body, "segment": {"scope": scope, "include": condition}}), view, NOW)
    assert rows(answer) == [expected]


def test_a_pivot_says_that_it_cannot_look_back() -> None:
    body = {"kind": "pivot", "date_ranges": [{"start": "today", "end": "today"}], "metrics": ["dauPerMau"]}
    with pytest.raises(ReportError, match="'dauPerMau' looks back"):
        run(parse({**body, "pivots": [{"dimensions": ["country"]}]}), view_of(), NOW)


EVENT = st.fixed_dictionaries(
    {
        "visitor": st.integers(1, 4),
        "days_ago": st.integers(0, 40),
        "path": st.sampled_from(["/a", "/b"]),
        "active": st.booleans(),
        "engagement_ms": st.integers(0, 3),
    }
)
DIMENSIONS = [(), ("date",), ("pagePath",), ("date", "pagePath"), ("pagePath", "date", "month"), ("dayOfWeek",)]


@settings(max_examples=60)
@given(
    st.lists(EVENT, max_size=12),
    st.sampled_from(DIMENSIONS),
    st.integers(0, 12),
    st.integers(0, 12),
    st.sampled_from([-1, 0, 1]),
    st.booleans(),
)
def test_random_events(
    events: list[dict[str, Any]], by: tuple[str, ...], end: int, length: int, more_than: int, filtered: bool
) -> None:
    first, last = DAY - timedelta(days=end + length), DAY - timedelta(days=end)
    built = [seen(e.pop("visitor"), e.pop("days_ago"), **e) for e in events]
    facts = [
        {**event, "local": event["at"], "day": str(event["at"].date()), "page_view": True, "event": "page_view"}
        for event in built
    ]
    metrics = (*WINDOWED, "eventCount")
    answered = ask(
        view_of(*(dict(event) for event in built)),
        date_ranges=(DateRange(str(first), str(last)),),
        dimensions=by,
        metrics=metrics,
        dimension_filter=StringFilter("pagePath", "/a") if filtered else None,
        metric_filter=NumericFilter("eventCount", "GREATER_THAN", more_than),
        aggregations={"TOTAL"},
    )
    wanted = SlowReport(
        by,
        metrics,
        (str(first), str(last)),
        lambda fact: not filtered or fact["path"] == "/a",
        lambda values: values["eventCount"] > more_than,
    )
    expected, total = answer(facts, wanted)
    assert sorted(rows(answered)) == sorted((*key, *values) for key, values in expected)
    assert answered.totals[0].metrics == total[1]


BY_DATE_AND_PATH = Report(
    date_ranges=(DateRange("27daysAgo", "today"),), dimensions=("date", "pagePath"), metrics=("active28DayUsers",)
)


def test_too_many_rows_are_refused_before_they_are_made() -> None:
    view = view_of(*(seen(n, 27, path=f"/{n}") for n in range(3)))

    def rows_within(most: int) -> int:
        (answer,) = plan_many([BY_DATE_AND_PATH], view, NOW, Limits(rows=most)).run()
        return len(rows(answer))

    assert rows_within(3 * 28) == 3 * 28
    with pytest.raises(ReportError, match="whoever was active counts on 28 days"):
        rows_within(3 * 28 - 1)


def test_the_days_before_cost_as_much_as_those_of_the_range() -> None:
    def steps(**fields: Any) -> int:
        report = Report(**{"date_ranges": TODAY, "limit": 1, **fields})
        return plan_many([report], view_of(), NOW).steps(lambda first, last: 1000 * ((last - first).days + 1))

    assert steps(metrics=("active28DayUsers",)) > 20 * steps(metrics=("activeUsers",))
    by_path = {"metrics": ("active28DayUsers",), "dimensions": ("pagePath",)}
    assert steps(**by_path | {"dimensions": ("date", "pagePath")}) > 10 * steps(**by_path)
