"""Users' segments in reports of every kind: the report on the events that a slow count in plain Python finds."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.schema import ITEMS
from processing.sessions.condensed import RowSource
from processing.sessions.first_sightings import FirstSightings, Sighting
from reporting.kinds import KINDS, plan_many, run
from reporting.kinds.changes.report import ChangesReport
from reporting.kinds.funnel.report import FunnelReport, FunnelStep
from reporting.kinds.paths.report import PathReport
from reporting.kinds.pivot.report import Pivot, PivotReport
from reporting.kinds.realtime.report import RealtimeReport
from reporting.kinds.rejected.report import RejectedReport
from reporting.kinds.retention.report import RetentionReport
from reporting.kinds.sessions.report import SessionsReport
from reporting.kinds.visitor.report import VisitorReport
from reporting.model.audience import (
    AllOf,
    AnyOf,
    Audience,
    AudienceReport,
    Events,
    InOneSession,
    Negated,
    Sequence,
    Step,
)
from reporting.model.date_ranges import resolve
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, Report
from tests.support.builders import FrameView, view_of
from tests.support.oracle_audiences import chosen, having, named
from tests.support.oracle_reports import Fact

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
BEGINNING = datetime(2026, 11, 13, 20, tzinfo=UTC)
MONTH = DateRange("30daysAgo", "today", "month")
SOME = DateRange("2026-11-14", "2026-11-14", "some")
TABLE = Report(date_ranges=(MONTH,), dimensions=("country", "eventName"), metrics=("totalUsers", "sessions"))
CONDENSED = Report(date_ranges=(MONTH,), dimensions=("country",), metrics=("totalUsers", "sessions", "eventCount"))
OF_ITEMS = Report(date_ranges=(MONTH,), dimensions=("itemName",), metrics=("totalUsers", "sessions"))
OF_EVENT = ("index", "time", "visitor")
STEPS = tuple(FunnelStep(name, named("eventName", name)) for name in ("see", "buy"))
OTHER_KINDS = (
    FunnelReport(date_range=MONTH, steps=STEPS, breakdown="country", next_action="eventName"),
    PathReport(date_range=MONTH, dimension="eventName"),
    RetentionReport(date_range=MONTH, granularity="day", breakdown="firstSessionDate"),
    PivotReport(date_ranges=(MONTH,), pivots=(Pivot(("country",)), Pivot(("eventName",))), metrics=("totalUsers",)),
    SessionsReport(date_range=MONTH, dimensions=("country",)),
    VisitorReport(visitor="1", date_range=MONTH, dimensions=("eventName",)),
    ChangesReport(before=MONTH, after=MONTH, dimension="country", metric="totalUsers"),
)
SEEN_AND_BOUGHT = (Step(named("eventName", "see")), Step(named("eventName", "buy")))


def event(visitor: int, hours: int, name: str = "see", **facts: Any) -> Fact:
    """Visitors have a session a day; the fifth hour is in the next one."""
    at = BEGINNING + timedelta(hours=hours)
    usual = {"hit": hours, "index": 0, "sequence": 0, "country": "Spain", "path": "/", "page_view": False}
    return {"visitor": visitor, "session": visitor * 1000 + at.day, "at": at, "event": name, **usual, **facts}


def facts_of(events: list[Fact]) -> list[Fact]:
    return [{**each, "local": each["at"], "time": int(each["at"].timestamp() * 1000)} for each in events]


def chosen_events(audience: Audience, events: list[Fact], days: DateRange = MONTH) -> list[Fact]:
    (period,) = resolve([days], TODAY)
    within = [fact for fact in facts_of(events) if period.first <= fact["local"].date() <= period.last]
    return [{name: fact[name] for name in fact if name not in ("local", "time")} for fact in chosen(within, audience)]


def view_on(events: list[Fact]) -> FrameView:
    """Each event has an item, which is named after its hit."""
    placed = [{**each, "position": each["hit"]} for each in events]
    items = [
        {"position": fact["hit"], "item_name": f"{fact['hit'] % 2}", **{name: fact[name] for name in OF_EVENT}}
        for fact in facts_of(events)
    ]
    return view_of(*placed)._replace(item_rows=pl.DataFrame(items, schema=ITEMS))


class Alone(FrameView):
    """The chosen events, of visitors whose first event is that of all their events."""

    whole: FrameView

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self.whole.first_sightings(kind)


def alone_of(audience: Audience, events: list[Fact]) -> Alone:
    chosen = view_on(chosen_events(audience, events))
    alone = Alone(chosen.frame, item_rows=chosen.item_rows)
    alone.whole = view_on(events)
    return alone


def members(audience: Audience, *events: Fact) -> list[str]:
    """Returns the values of the path of the chosen events, by which the tests know them."""
    report = Report(date_ranges=(MONTH,), dimensions=("pagePath",), metrics=("eventCount",), orders=())
    answer = run(AudienceReport(report, audience), view_on(list(events)), NOW)
    assert isinstance(answer, Answer)
    return sorted(row.dimensions[0] for row in answer.rows)


def test_it_works() -> None:
    events = [
        *(event(1, 0, "buy", path="/a"), event(1, 5, "buy", path="/b"), event(1, 6, path="/c")),
        *(event(2, 0, "buy", path="/d"), event(2, 1, "buy", path="/e")),
        *(event(3, 0, "buy", path="/f"), event(3, 5, path="/g")),
    ]
    twice = having("eventName", "buy", metric="eventCount", operation="GREATER_THAN_OR_EQUAL", value=2)
    assert members(Audience("user", include=twice), *events) == ["/a", "/b", "/c", "/d", "/e"]
    assert members(Audience("session", include=twice), *events) == ["/d", "/e"]
    assert members(Audience("event", include=having("eventName", "see")), *events) == ["/c", "/g"]
    assert members(Audience("user", exclude=twice), *events) == ["/f", "/g"]
    assert members(Audience("user", having("eventName", "see"), exclude=twice), *events) == ["/f", "/g"]


def test_sequences() -> None:
    events = [
        *(event(1, 0, path="/1"), event(1, 1, "x"), event(1, 5, "buy")),
        *(event(2, 0, "buy", path="/2"), event(2, 5)),
        *(event(3, 0, path="/3"), event(3, 3, "buy")),
    ]

    def found(first: Step, *later: Step, scope: Any = "user") -> list[str]:
        paths = members(Audience(scope, include=Sequence((first, *later))), *events)
        return [path for path in paths if path != "/"]

    seen, bought = (named("eventName", name) for name in ("see", "buy"))
    assert found(Step(seen), Step(bought)) == ["/1", "/3"]
    assert found(Step(seen), Step(bought), scope="session") == ["/3"]
    assert found(Step(seen), Step(bought, directly=True)) == ["/3"]
    assert found(Step(seen), Step(bought, within_seconds=3 * 3600)) == ["/3"]
    assert found(Step(seen), Step(bought, within_seconds=3 * 3600 - 1)) == []
    assert found(Step(bought), Step(seen)) == ["/2"]


def test_both_in_one_session() -> None:
    both = AllOf((having("eventName", "see"), having("eventName", "buy")))
    events = [event(1, 0, path="/1"), event(1, 5, "buy", path="/1"), event(2, 0, path="/2"), event(2, 1, "buy")]
    assert members(Audience("user", include=both), *events) == ["/", "/1", "/2"]
    assert members(Audience("user", include=InOneSession(both)), *events) == ["/", "/2"]


NAMES = st.sampled_from(["see", "buy", "pay"])
EVENTS = st.lists(
    st.builds(
        event,
        visitor=st.integers(1, 4),
        hours=st.integers(0, 50),
        name=NAMES,
        country=st.sampled_from(["Spain", "Chad"]),
        path=st.sampled_from(["/", "/a"]),
        page_view=st.booleans(),
        sequence=st.integers(0, 2),
    ),
    max_size=25,
).map(lambda events: [{**each, "hit": number} for number, each in enumerate(events)])
FILTERS = st.one_of(
    st.lists(NAMES, min_size=1, max_size=2).map(lambda names: named("eventName", *names)),
    st.sampled_from(["Spain", "Chad"]).map(lambda name: named("country", name)),
)
COUNTS = st.builds(
    Events,
    filter=st.none() | FILTERS,
    metric=st.sampled_from(["eventCount", "sessions", "screenPageViews", "eventsPerSession"]),
    operation=st.sampled_from(["EQUAL", "LESS_THAN", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"]),
    value=st.integers(0, 3).map(float),
)
FIRST = st.builds(Step, filter=FILTERS)
LATER = st.builds(
    Step, filter=FILTERS, directly=st.booleans(), within_seconds=st.none() | st.integers(1, 20).map(lambda h: h * 3600)
)
SEQUENCES = st.builds(lambda first, later: Sequence((first, *later)), FIRST, st.lists(LATER, min_size=1, max_size=2))


def trees(leaves: Any) -> Any:
    def grown(inner: Any) -> Any:
        lists = st.lists(inner, min_size=1, max_size=2).map(tuple)
        return st.builds(AllOf, lists) | st.builds(AnyOf, lists) | st.builds(Negated, inner)

    return st.recursive(leaves, grown, max_leaves=3)


def audiences_of(scope: Any, leaves: Any) -> Any:
    tree = trees(leaves)
    return st.builds(Audience, st.just(scope), tree, st.none() | tree) | st.builds(
        Audience, st.just(scope), st.none(), tree
    )


WITHIN = trees(COUNTS | SEQUENCES)
AUDIENCES = st.one_of(
    audiences_of("user", COUNTS | SEQUENCES | st.builds(Events, FILTERS) | st.builds(InOneSession, WITHIN)),
    audiences_of("session", COUNTS | SEQUENCES | st.builds(Events, FILTERS)),
    audiences_of("event", st.builds(Events, FILTERS)),
)


@given(st.sampled_from([TABLE, CONDENSED, OF_ITEMS]), EVENTS, AUDIENCES)
def test_a_report_on_an_audience_is_the_report_on_its_events(
    report: Report, events: list[Fact], audience: Audience
) -> None:
    view, alone = view_on(events), alone_of(audience, events)
    assert run(AudienceReport(report, audience), view, NOW) == run(report, alone, NOW)


@pytest.mark.parametrize("report", OTHER_KINDS, ids=lambda report: type(report).__name__)
@settings(max_examples=12)
@given(events=EVENTS, audience=AUDIENCES)
def test_so_is_one_of_another_kind(report: Any, events: list[Fact], audience: Audience) -> None:
    view, alone = view_on(events), alone_of(audience, events)
    assert run(AudienceReport(report, audience), view, NOW) == run(report, alone, NOW)


@given(EVENTS, AUDIENCES)
def test_realtime_looks_at_the_whole_day(events: list[Fact], audience: Audience) -> None:
    """Who bought in the morning is a buyer of the last 30 minutes."""
    now = Now.at(BEGINNING + timedelta(hours=25, minutes=5))
    report = RealtimeReport(dimensions=("eventName",), metrics=("totalUsers", "eventCount"))
    alone = view_on(chosen_events(audience, events, SOME))
    assert run(AudienceReport(report, audience), view_on(events), now) == run(report, alone, now)


@given(EVENTS, AUDIENCES)
def test_each_date_range_has_its_own_audience(events: list[Fact], audience: Audience) -> None:
    report = Report(date_ranges=(MONTH, SOME), dimensions=("eventName",), metrics=("totalUsers", "eventCount"))
    answer = run(AudienceReport(report, audience), view_on(events), NOW)
    assert isinstance(answer, Answer)
    for days in (MONTH, SOME):
        alone = Report(date_ranges=(days,), dimensions=("eventName",), metrics=("totalUsers", "eventCount"))
        expected = run(alone, view_on(chosen_events(audience, events, days)), NOW)
        rows = [(row.dimensions[:1], row.metrics) for row in answer.rows if row.dimensions[1] == days.name]
        assert rows == [(row.dimensions, row.metrics) for row in expected.rows]


def test_every_kind_is_asked_for() -> None:
    """But rejected hits, which belong to no session."""
    asked = {type(report) for report in (TABLE, RealtimeReport(), *OTHER_KINDS)}
    assert asked == {kind.report for kind in KINDS.values()} - {RejectedReport}


def test_no_events() -> None:
    nobody = Audience("user", include=Sequence(SEEN_AND_BOUGHT), exclude=having("country", "Spain"))
    for report in (TABLE, *OTHER_KINDS):
        assert run(AudienceReport(report, nobody), view_of(), NOW) == run(report, view_of(), NOW)


def test_only_what_needs_events_reads_events() -> None:
    country, event_name = (named(field, "x") for field in ("country", "eventName"))

    def sources(audience: Audience, report: Report = CONDENSED) -> list[RowSource]:
        (planned,) = plan_many([AudienceReport(report, audience)], view_of(), NOW).reports
        return [plan.row_source for plan in planned.reads()]

    assert sources(Audience("user", Events(country))) == [RowSource.CONDENSED, RowSource.CONDENSED]
    assert sources(Audience("session", Events(event_name))) == [RowSource.CONDENSED, RowSource.EVENTS]
    assert sources(Audience("user", Sequence((Step(country), Step(country))))) == [
        RowSource.CONDENSED,
        RowSource.EVENTS,
    ]
    assert sources(Audience("event", Events(country))) == [RowSource.EVENTS, RowSource.EVENTS]


def test_the_cost_grows_with_the_audience() -> None:
    def steps(*audiences: Audience) -> int:
        plan = plan_many([TABLE, *(AudienceReport(TABLE, each) for each in audiences)], view_of(), NOW)
        return plan.steps(lambda _first, _last: 1000)

    plain, sequence = Audience("user", having("country", "x")), Audience("user", Sequence(SEEN_AND_BOUGHT))
    assert steps() * 2 < steps(plain) < steps(sequence)
