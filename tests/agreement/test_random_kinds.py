"""Reports that are no tables on random hits, which went their whole way and lived through seals, folds and replays, are
those that plain Python counts.
"""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.segments.read_view import ReadView
from reporting.kinds import run
from reporting.kinds.changes.report import ChangesReport
from reporting.kinds.pivot.report import Pivot, PivotReport
from reporting.kinds.realtime.report import MinuteRange, RealtimeReport
from reporting.kinds.sessions.report import SessionsReport
from reporting.kinds.visitor.report import VisitorReport
from reporting.model.now import Now
from reporting.model.report import DateRange
from tests.agreement.test_random_hits import WHOLE_WAY, installation, live_through
from tests.support import oracle_kinds, oracle_reports
from tests.support.oracle_kinds import SlowPivot
from tests.support.oracle_reports import Fact
from tests.support.random_hits import arrivals
from tests.support.random_site import Sent, Site, sites

pytestmark = pytest.mark.django_db
METRICS: Final = ("eventCount", "totalUsers", "sessions", "activeUsers")
EVER: Final = (date(2026, 1, 1), date(2026, 12, 31))


@st.composite
def stories(draw: st.DrawFn) -> tuple[Site, list[Sent], int]:
    site = draw(sites())
    return site, draw(arrivals(site)), draw(st.integers(0, 2**32))


@settings(WHOLE_WAY, max_examples=2)
@given(stories())
def test_it_works(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    with installation(site) as here:
        live_through(here, sent, random.Random(seed))
        for property in (site.cookie, site.cookieless):
            events = [event for each in sent if each.owner == property.id for event in each.events]
            facts, _ = oracle_reports.facts(events, property.zone, property.session_timeout_s * 1000)
            check(here.view(property.id), facts)


def check(view: ReadView, facts: list[Fact]) -> None:
    days = sorted({fact["day"] for fact in facts}) or ["2026-11-01"]
    middle = days[len(days) // 2]
    check_pivot(view, facts, days)
    check_changes(view, facts, days[0], middle, days[-1])
    check_sessions(view, facts, days)
    for fact in facts[:2]:
        check_realtime(view, facts, fact["time"])


def check_pivot(view: ReadView, facts: list[Fact], days: list[str]) -> None:
    pivots = [SlowPivot(("country",), limit=2, aggregations=("MAXIMUM", "TOTAL")), SlowPivot(("eventName", "browser"))]
    report = PivotReport(
        date_ranges=(DateRange(days[0], days[-1], "all"),),
        pivots=(
            Pivot(("country",), limit=2, aggregations=frozenset({"MAXIMUM", "TOTAL"})),
            Pivot(("eventName", "browser")),
        ),
        metrics=METRICS,
    )
    answer = run(report, view, now_of(view))
    expected = oracle_kinds.pivot({"all": facts}, pivots, METRICS)
    assert [(list(each.values), each.row_count) for each in answer.pivots] == expected.headers
    assert [(row.dimensions, row.metrics) for row in answer.rows] == expected.rows
    assert [(row.dimensions, row.metrics) for row in answer.aggregates] == expected.aggregates


def check_changes(view: ReadView, facts: list[Fact], first: str, middle: str, last: str) -> None:
    """The middle day is in both periods."""
    report = ChangesReport(
        before=DateRange(first, middle), after=DateRange(middle, last), dimension="pagePath", metric="sessions", limit=2
    )
    answer = run(report, view, now_of(view))
    before, after = ([f for f in facts if f["day"] <= middle], [f for f in facts if f["day"] >= middle])
    listed, others, total = oracle_kinds.changes(before, after, "pagePath", "sessions", 2)
    found = [(each.value, each.status, each.change.before, each.change.after) for each in answer.values]
    assert found == listed
    assert ((answer.others.before, answer.others.after), (answer.total.before, answer.total.after)) == (others, total)


def check_sessions(view: ReadView, facts: list[Fact], days: list[str]) -> None:
    names = ("sessionSourceMedium", "sessionDefaultChannelGroup")
    report = SessionsReport(date_range=DateRange(days[0], days[-1]), dimensions=names, orders=(), limit=10_000)
    answer = run(report, view, now_of(view))
    figures = ("seconds", "engagement_seconds", "page_views", "events", "key_events", "engaged", "dimensions")
    found = [(instant(each.start), *(getattr(each, name) for name in figures)) for each in answer.sessions]
    expected = oracle_kinds.sessions(facts, names)
    # Which of two sessions that begin at the same moment comes first, their keys decide.
    assert sorted(found) == sorted((each["start"], *(each[name] for name in figures)) for each in expected)
    check_visitors(view, answer.sessions, days)


def check_visitors(view: ReadView, listed: Any, days: list[str]) -> None:
    """The timelines of all visitors have all events of the sessions."""
    for visitor in sorted({each.visitor for each in listed})[:3]:
        report = VisitorReport(visitor=visitor, date_range=DateRange(days[0], days[-1]), dimensions=("eventName",))
        events = run(report, view, now_of(view)).events
        times = [event.time for event in events]
        assert times == sorted(times)
        own = [each for each in listed if each.visitor == visitor]
        assert {event.session for event in events} == {each.session for each in own}
        assert len(events) == sum(each.events for each in own)
        assert sum(event.key_event for event in events) == sum(each.key_events for each in own)


def check_realtime(view: ReadView, facts: list[Fact], time: int) -> None:
    now = Now.at(datetime.fromtimestamp(time / 1000, tz=ZoneInfo(view.zone)) + timedelta(minutes=7))
    metrics = ("eventCount", "totalUsers", "activeUsers", "screenPageViews", "keyEvents")
    ranges = {"early": (29, 7), "late": (12, 0)}
    report = RealtimeReport(
        dimensions=("eventName", "minutesAgo"),
        metrics=metrics,
        minute_ranges=tuple(MinuteRange(start, end, name) for name, (start, end) in ranges.items()),
        aggregations=frozenset({"TOTAL"}),
    )
    answer = run(report, view, now)
    rows, totals = oracle_kinds.realtime(facts, now.ms, report.dimensions, metrics, ranges)
    assert [(row.dimensions, row.metrics) for row in answer.rows] == rows
    assert [(row.dimensions, row.metrics) for row in answer.totals] == totals


def now_of(view: ReadView) -> Now:
    return Now.at_end_of(EVER[1], view.zone)


def instant(text: str) -> int:
    return round(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp() * 1000)
