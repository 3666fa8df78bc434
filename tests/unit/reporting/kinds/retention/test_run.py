"""Retention, against a slow count in plain Python, and by examples."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.retention.report import Granularity, RetentionAnswer, RetentionReport
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError
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
    assert tabulate(answer).rows()[:2] == [(date(2026, 11, 2), 2, 0, 2, 1.0), (date(2026, 11, 2), 2, 1, 1, 0.5)]


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
        ({"granularity": "year"}, "granularity"),
        ({"date_range": {"start": "x", "end": "today"}}, "is not a date"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    body = {"kind": "retention", "date_range": {"start": "30daysAgo", "end": "today"}}
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changes}), view_of(), NOW)
