"""Realtime reports, against a slow count in plain Python, and by examples."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.sessions.first_sightings import FirstSightings, Sighting
from reporting.kinds import parse, plan_many, render, run, run_many, tabulate
from reporting.kinds.realtime.report import MinuteRange, RealtimeAnswer, RealtimeReport
from reporting.model.audience import Audience, AudienceReport, Events
from reporting.model.now import Now
from reporting.model.report import DateRange, NumericFilter, Report, ReportError, StringFilter
from tests.support.builders import FrameView, built, view_of
from tests.support.oracle_kinds import realtime

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
MOMENT = datetime(2026, 11, 10, 12, 0, 30, tzinfo=UTC)
NOW = Now(MOMENT.date(), int(MOMENT.timestamp() * 1000), "Etc/UTC")


def event(seconds_ago: float, visitor: int = 1, **more: Any) -> dict[str, Any]:
    return {"visitor": visitor, "session": visitor, "at": MOMENT - timedelta(seconds=seconds_ago), **more}


def ask(view: FrameView, now: Now = NOW, **fields: Any) -> RealtimeAnswer:
    answer = run(RealtimeReport(**fields), view, now)
    assert isinstance(answer, RealtimeAnswer)
    return answer


def lines(answer: RealtimeAnswer) -> list[tuple[Any, ...]]:
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


def test_it_works() -> None:
    view = view_of(
        event(29),
        event(31, visitor=2),
        event(32, visitor=2, path="/a"),
        event(29 * 60 + 30, visitor=3),  # in the first of the 30 minutes
        event(29 * 60 + 31, visitor=4),  # before it
        event(-29, visitor=5),  # its minute has begun
        event(-30, visitor=6),  # its minute is still to come
    )
    answer = ask(view, dimensions=("minutesAgo",), metrics=("totalUsers", "screenPageViews"))
    assert lines(answer) == [("00", 2, 2), ("01", 1, 2), ("29", 1, 1)]
    assert (answer.minute, answer.zone) == (NOW.ms // 60_000 * 60, "Etc/UTC")
    assert tabulate(answer).rows(named=True)[0] == {"minutesAgo": "00", "totalUsers": 2, "screenPageViews": 2}
    assert lines(ask(view, metrics=("totalUsers",))) == [(4,)]


def test_filters_and_totals() -> None:
    view = view_of(event(29), event(31, visitor=2), event(32, visitor=2, path="/a"), event(33, visitor=3, path="/a"))
    fields: dict[str, Any] = {"metrics": ("totalUsers",), "aggregations": frozenset({"TOTAL"})}
    answer = ask(view, dimensions=("pagePath",), dimension_filter=StringFilter("minutesAgo", "01"), **fields)
    assert lines(answer) == [("/a", 2), ("/", 1)]
    assert [row.metrics for row in answer.totals] == [(2,)]
    most = NumericFilter("eventCount", "GREATER_THAN", 1)
    answer = ask(view, dimensions=("minutesAgo",), metric_filter=most, **fields)
    assert (lines(answer), [row.metrics for row in answer.totals]) == ([("01", 2)], [(2,)])


def test_no_events() -> None:
    answer = ask(view_of(), dimensions=("pagePath",), aggregations=frozenset({"TOTAL"}))
    assert (answer.rows, answer.row_count, [row.metrics for row in answer.totals]) == ((), 0, [(0,)])


class RecordingView:
    """A view that remembers what was read of it."""

    def __init__(self, view: FrameView) -> None:
        self._view = view
        self.zone, self.currency, self.rules, self.rates = view.zone, view.currency, view.rules, view.rates
        self.reads: list[tuple[date, date]] = []

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        self.reads.append((first, last))
        return self._view.events(first, last, columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        raise NotImplementedError

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        raise NotImplementedError

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self._view.first_sightings(kind)


@pytest.mark.parametrize(
    ("moment", "days"),
    [
        ("2026-11-10T12:00:00+01:00", (10, 10)),
        ("2026-11-10T00:29:59+01:00", (10, 10)),
        ("2026-11-10T00:28:59+01:00", (9, 10)),
        ("2026-11-09T23:59:59+01:00", (9, 9)),
    ],
)
def test_only_the_days_of_the_last_30_minutes_are_read(moment: str, days: tuple[int, int]) -> None:
    view = RecordingView(FrameView(built([]), "Europe/Berlin"))
    run(RealtimeReport(), view, Now.at(datetime.fromisoformat(moment).astimezone(ZoneInfo("Europe/Berlin"))))
    assert view.reads == [tuple(date(2026, 11, day) for day in days)]


def test_a_segment_looks_at_the_whole_day() -> None:
    buyer = Audience("user", Events(StringFilter("eventName", "purchase")))
    view = view_of(event(7200, event="purchase"), event(29), event(29, visitor=2))
    report = RealtimeReport(metrics=("totalUsers",))
    assert run(AudienceReport(report, buyer), view, NOW).rows[0].metrics == (1,)  # who bought two hours ago


def test_a_table_of_the_same_page_counts_the_whole_day() -> None:
    view = view_of(event(29), event(7200))
    today = Report(date_ranges=(DateRange("today", "today"),), metrics=("eventCount",), dimensions=("pagePath",))
    table, now = run_many([today, RealtimeReport(metrics=("eventCount",))], view, NOW)
    assert (table.rows[0].metrics, now.rows[0].metrics) == ((2,), (1,))


FACTS = st.builds(
    lambda visitor, path, country, seconds, key, active: {
        "visitor": visitor,
        "session": visitor,
        "path": path,
        "country": country,
        "time": NOW.ms - seconds * 1000,
        "key": key,
        "active": active,
        "page_view": path != "/b",
    },
    st.integers(1, 3), st.sampled_from(["/", "/a", "/b"]), st.sampled_from(["Italy", "Spain"]),
    st.one_of(st.integers(-90, 2000), st.integers(0, 100)), st.booleans(), st.booleans(),
)  # fmt: skip
RANGES = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)).map(sorted), min_size=2, max_size=2)


@given(
    st.lists(FACTS, max_size=14),
    st.sampled_from([(), ("minutesAgo",), ("pagePath", "minutesAgo"), ("country",)]),
    RANGES,
    st.sampled_from(["Etc/UTC", "Asia/Kathmandu", "Pacific/Auckland"]),
)
def test_realtime_reports_are_those_that_plain_python_counts(
    facts: list[dict[str, Any]], dimensions: tuple[str, ...], ranges: list[Any], zone: str
) -> None:
    metrics = ("eventCount", "activeUsers", "totalUsers", "screenPageViews", "keyEvents")
    moment = MOMENT.astimezone(ZoneInfo(zone))
    events = [
        {**{k: v for k, v in fact.items() if k not in ("time", "key")}, "key_event": fact["key"],
         "at": datetime.fromtimestamp(fact["time"] / 1000, tz=UTC)}
        for fact in facts
    ]  # fmt: skip
    answer = ask(
        FrameView(built(events, zone), zone),
        Now.at(moment),
        dimensions=dimensions,
        metrics=metrics,
        minute_ranges=tuple(MinuteRange(start, end, name) for name, (end, start) in zip("ab", ranges, strict=True)),
        aggregations=frozenset({"TOTAL"}),
    )
    named = {name: (start, end) for name, (end, start) in zip("ab", ranges, strict=True)}
    rows, totals = realtime(facts, NOW.ms, dimensions, metrics, named)
    assert [(row.dimensions, row.metrics) for row in answer.rows] == rows
    assert [(row.dimensions, row.metrics) for row in answer.totals] == totals


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "more-reports.md").read_text().split("## Realtime")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, view_of(event(29), event(400, visitor=2)), NOW))
    assert answer["dimensions"] == ("minutesAgo", "dateRange")
    assert [(row["dimensions"], row["metrics"]) for row in answer["rows"]] == [
        (("00", "now"), (1, 1)),
        (("07", "before"), (1, 1)),
    ]


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"metrics": []}, "at least one"),
        ({"metrics": ["sessions"]}, "'sessions' is not a metric of realtime reports. They are: activeUsers"),
        (
            {"metric_filter": {"type": "numeric", "field": "active7DayUsers", "operation": "EQUAL", "value": 1}},
            "'active7DayUsers' is not a metric of realtime reports",
        ),
        ({"dimensions": ["minuteAgo"]}, "Did you mean minutesAgo"),
        ({"minute_ranges": []}, "0 minute ranges; give it 1 or 2"),
        ({"minute_ranges": [{}, {}, {}]}, "3 minute ranges"),
        ({"minute_ranges": [{"start_minutes_ago": 30}]}, "at most 29 minutes ago"),
        ({"minute_ranges": [{"start_minutes_ago": 3, "end_minutes_ago": 4}]}, "not after its end"),
        ({"minute_ranges": [{"end_minutes_ago": -1}]}, "from 29 to -1"),
        ({"minute_ranges": [{"name": "RESERVED_X"}]}, "reserved"),
        ({"minute_ranges": [{"name": "a"}, {"name": "a"}]}, "same name"),
        ({"orders": [{"type": "metric", "name": "eventCount"}]}, "not a field"),
        ({"limit": 0}, "The limit is 0"),
        ({"date_ranges": []}, "date_ranges"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        run(parse({"kind": "realtime", **changes}), view_of(), NOW)


def test_the_cost_grows_with_what_is_counted() -> None:
    def steps(**fields: Any) -> int:
        return plan_many([RealtimeReport(**fields)], view_of(), NOW).steps(lambda _first, _last: 1000)

    assert 3 * steps(limit=1) < steps(dimensions=("pagePath", "country", "browser"), limit=1)
