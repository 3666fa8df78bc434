"""Retention, against a slow count in plain Python, and by examples."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, plan_many, render, run, tabulate
from reporting.kinds.retention.plan import plan_retention
from reporting.kinds.retention.report import Granularity, RetentionAnswer, RetentionReport
from reporting.kinds.retention.run import MORE
from reporting.model.limits import DEFAULT_LIMITS, Limits
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError
from reporting.registry.custom import NO_DEFINITIONS
from tests.support.builders import FrameView, built, view_of

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
TODAY = date(2026, 11, 20)  # a Friday
NOW = Now.at_end_of(TODAY, "Etc/UTC")
Counts = list[tuple[date, int, tuple[int, ...]]]


def visits(visitor: int, *days: date) -> list[dict[str, Any]]:
    return [
        {"visitor": visitor, "session": visitor * 1000 + n, "at": datetime.combine(day, time(12), UTC)}
        for n, day in enumerate(days)
    ]


def ask(view: FrameView, start: date, end: date, granularity: Granularity, periods: int = 12) -> RetentionAnswer:
    days = DateRange(str(start), str(end))
    answer = run(RetentionReport(date_range=days, granularity=granularity, periods=periods), view, NOW)
    assert isinstance(answer, RetentionAnswer)
    return answer


def counts(answer: RetentionAnswer) -> Counts:
    return [(cohort.start, cohort.visitors, cohort.returned) for cohort in answer.cohorts]


def test_it_works() -> None:
    view = view_of(
        *visits(1, date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 12)),
        *visits(2, date(2026, 11, 8)),
        *visits(3, date(2026, 11, 9), date(2026, 11, 20)),
        *visits(4, date(2026, 10, 30), date(2026, 11, 9)),  # came first before the range
    )
    answer = ask(view, date(2026, 11, 2), TODAY, "week")
    assert counts(answer) == [(date(2026, 11, 2), 2, (2, 1, 0)), (date(2026, 11, 9), 1, (1, 1))]
    assert list(answer.cohorts[0].rates) == [1, 0.5, 0]
    assert list(answer.rates) == [1, 2 / 3, 0]
    assert tabulate(answer).rows()[:2] == [
        (None, date(2026, 11, 2), 2, 0, 2, 1.0),
        (None, date(2026, 11, 2), 2, 1, 1, 0.5),
    ]


def test_days_and_months() -> None:
    view = view_of(*visits(1, date(2025, 12, 31), date(2026, 1, 1), date(2026, 11, 1)), *visits(2, date(2026, 11, 19)))
    assert counts(ask(view, date(2025, 12, 1), TODAY, "month")) == [
        (date(2025, 12, 1), 1, (1, 1, *[0] * 9, 1)),
        (date(2026, 11, 1), 1, (1,)),
    ]
    assert counts(ask(view, date(2025, 12, 1), TODAY, "day", periods=3)) == [
        (date(2025, 12, 31), 1, (1, 1, 0)),
        (date(2026, 11, 19), 1, (1, 0)),
    ]


def test_no_events() -> None:
    answer = ask(view_of(), date(2026, 11, 1), TODAY, "week")
    assert (answer.cohorts, answer.rates) == ((), ())


def test_a_breakdown_by_how_visitors_first_came() -> None:
    first, later = date(2026, 11, 3), date(2026, 11, 12)
    came = {1: "google", 2: "letter", 3: "google", 4: "(direct)"}
    events = [{**visit, "session_source": came[visitor]} for visitor in came for visit in visits(visitor, first)]
    again = [{**visit, "session_source": "elsewhere"} for visitor in (1, 2) for visit in visits(visitor, later)]
    view = view_of(*events, *({**each, "session": each["session"] + 500} for each in again))
    days = DateRange("2026-11-02", "2026-11-20")
    report = RetentionReport(date_range=days, periods=2, breakdown="firstUserSource", limit=1)
    answer = run(report, view, NOW)
    assert isinstance(answer, RetentionAnswer)
    assert counts(answer) == [(date(2026, 11, 2), 4, (4, 2))]
    assert [(each.value, each.cohorts[0].returned, each.rates) for each in answer.breakdown] == [
        ("google", (2, 1), (1.0, 0.5)),
        (MORE, (2, 1), (1.0, 0.5)),
    ]
    assert tabulate(answer)["breakdown"].unique(maintain_order=True).to_list() == [None, "google", MORE]


def test_it_reads_only_the_days_of_the_periods() -> None:
    def read(start: str, end: str, **fields: Any) -> tuple[date, date]:
        report = RetentionReport(date_range=DateRange(start, end), **fields)
        (days,) = plan_retention(report, NOW, NO_DEFINITIONS, DEFAULT_LIMITS).days
        return days.first, days.last

    assert read("2026-10-01", "2026-10-07", periods=3) == (date(2026, 10, 1), date(2026, 10, 25))
    assert read("2026-10-01", "2026-10-07", periods=3, granularity="day") == (date(2026, 10, 1), date(2026, 10, 9))
    assert read("2026-01-05", "2026-01-31", periods=2, granularity="month") == (date(2026, 1, 5), date(2026, 2, 28))
    assert read("2025-11-05", "2025-12-31", periods=1, granularity="month") == (date(2025, 11, 5), date(2025, 12, 31))
    assert read("2026-11-01", "today", periods=100) == (date(2026, 11, 1), TODAY)
    assert read("2026-11-01", "9999-12-31", periods=100, granularity="month") == (date(2026, 11, 1), TODAY)
    assert read("2027-01-01", "2027-12-31") == (date(2027, 1, 1), date(2027, 1, 1))


def test_cohorts_that_are_to_come_are_empty() -> None:
    view = view_of(*visits(1, date(2026, 11, 25)), *visits(2, TODAY))
    assert counts(ask(view, date(2026, 11, 25), date(2026, 12, 31), "day")) == []
    assert counts(ask(view, TODAY, date(9999, 12, 31), "month")) == [(date(2026, 11, 1), 1, (1,))]


DAYS = st.dates(TODAY - timedelta(days=70), TODAY)


@given(
    st.lists(st.lists(DAYS, min_size=1, max_size=5), max_size=6),
    DAYS,
    st.sampled_from(["day", "week", "month"]),
    st.integers(1, 6),
)
def test_retention_is_what_plain_python_counts(
    visitors: list[list[date]], first: date, granularity: Granularity, periods: int
) -> None:
    events = [event for number, days in enumerate(visitors, 1) for event in visits(number, *days)]
    answer = ask(FrameView(built(events)), first, TODAY, granularity, periods)
    assert counts(answer) == slowly(visitors, first, granularity, periods)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.lists(DAYS, min_size=1, max_size=4)), max_size=6),
    DAYS,
    st.sampled_from(["day", "week", "month"]),
    st.integers(1, 2),
)
def test_a_breakdown_is_what_plain_python_counts(
    visitors: list[tuple[str, list[date]]], first: date, granularity: Granularity, limit: int
) -> None:
    events = [
        {**visit, "session_source": source if visit["at"].date() == min(days) else "later"}
        for number, (source, days) in enumerate(visitors, 1)
        for visit in visits(number, *days)
    ]
    days = DateRange(str(first), str(TODAY))
    report = RetentionReport(
        date_range=days, granularity=granularity, periods=4, breakdown="firstUserSource", limit=limit
    )
    answer = run(report, FrameView(built(events)), NOW)
    assert isinstance(answer, RetentionAnswer)
    came = Counter(source for source, own in visitors if min(own) >= first)
    listed = [source for source, _ in sorted(came.items(), key=lambda pair: (-pair[1], pair[0]))]
    parts = [(source, {source}) for source in listed[:limit]]
    parts += [(MORE, set(listed[limit:]))] if listed[limit:] else []
    expected = [
        (name, slowly([own for source, own in visitors if source in sources], first, granularity, 4))
        for name, sources in parts
    ]
    found = [
        (each.value, [(cohort.start, cohort.visitors, cohort.returned) for cohort in each.cohorts])
        for each in answer.breakdown
    ]
    assert found == expected


def slowly(visitors: list[list[date]], first: date, granularity: Granularity, periods: int) -> Counts:
    cohorts = defaultdict(list)
    for days in visitors:
        if min(days) >= first:
            cohorts[beginning(min(days), granularity)].append({beginning(day, granularity) for day in days})
    found = list[tuple[date, int, tuple[int, ...]]]()
    for start in sorted(cohorts):
        returned, period = list[int](), start
        while period <= TODAY and len(returned) < periods:
            returned.append(sum(period in seen for seen in cohorts[start]))
            period = beginning(period + timedelta(days={"day": 1, "week": 7, "month": 31}[granularity]), granularity)
        found.append((start, len(cohorts[start]), tuple(returned)))
    return found


def beginning(day: date, granularity: Granularity) -> date:
    if granularity == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday() if granularity == "week" else 0)


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "reports.md").read_text().split("## Retention")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, view_of(*visits(1, TODAY)), NOW))
    assert answer["cohorts"] == ({"start": "2026-11-16", "visitors": 1, "returned": (1,), "rates": (1.0,)},)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"periods": 0}, "it must have 1 to 100"),
        ({"periods": 101}, "it must have 1 to 100"),
        ({"limit": 0}, "between 1 and 1000"),
        ({"breakdown": "firstUserSorce"}, "Did you mean firstUserSource"),
        ({"breakdown": "country"}, "a dimension of the first visit"),
        ({"granularity": "year"}, "granularity"),
        ({"date_range": {"start": "x", "end": "today"}}, "is not a date"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    body = {"kind": "retention", "date_range": {"start": "30daysAgo", "end": "today"}}
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changes}), view_of(), NOW)


def test_too_many_rows_are_refused() -> None:
    """A file would have a row for each value, cohort and period."""
    view = view_of(*({**visits(n, TODAY - timedelta(days=n))[0], "session_source": f"s{n % 3}"} for n in range(9)))
    report = RetentionReport(
        date_range=DateRange("2026-11-01", "today"), granularity="day", periods=10, breakdown="firstUserSource", limit=2
    )

    def ask_within(rows: int) -> RetentionAnswer:
        (answer,) = plan_many([report], view, NOW, Limits(rows=rows)).run()
        assert isinstance(answer, RetentionAnswer)
        return answer

    assert [len(each.cohorts) for each in ask_within(60).breakdown] == [3, 3, 3]
    with pytest.raises(ReportError, match="more than 59 rows: 6 cohorts of values"):
        ask_within(59)
