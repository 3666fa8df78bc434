"""Tables over events in memory: every rule of counting, and random events against a slow count in plain Python."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reporting.kinds import run, run_many
from reporting.model.now import Now
from reporting.model.report import (
    Answer,
    ByDimension,
    ByMetric,
    DateRange,
    DerivedDimension,
    NumericFilter,
    Report,
    ReportError,
    StringFilter,
)
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.support.builders import FrameView, built, view_of

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
MONTH = (DateRange("30daysAgo", "today"),)
TENTH = datetime(2026, 11, 10, 12, tzinfo=UTC)
TEXTS = pytest.mark.parametrize("texts", [pl.Categorical, pl.String])


def ask(view: FrameView, **fields: Any) -> Answer:
    return run(Report(**{"date_ranges": MONTH, **fields}), view, NOW)


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


def one(view: FrameView, metric: str, **fields: Any) -> int | float:
    return ask(view, metrics=(metric,), keep_empty_rows=True, **fields).rows[0].metrics[0]


@TEXTS
def test_it_works(texts: Any) -> None:
    view = view_of({"path": "/a"}, {"path": "/a", "visitor": 2, "session": 2}, {"path": "/b"}, texts=texts)
    answer = ask(view, dimensions=("pagePath",), metrics=("screenPageViews", "totalUsers"), aggregations={"TOTAL"})
    assert rows(answer) == [("/a", 2, 2), ("/b", 1, 1)]
    assert answer.row_count == 2
    assert [row.metrics for row in answer.totals] == [(3, 2)]
    assert answer.currency == "EUR"


def test_a_session_counts_once_per_row_and_is_engaged_if_any_of_its_days_in_the_row_is() -> None:
    view = view_of({"engaged": False}, {"at": TENTH + timedelta(days=1), "engaged": True})
    daily = ask(view, dimensions=("date",), metrics=("sessions", "engagedSessions"), orders=(ByDimension("date"),))
    assert rows(daily) == [("20261110", 1, 0), ("20261111", 1, 1)]
    assert rows(ask(view, metrics=("sessions", "engagedSessions", "engagementRate", "bounceRate"))) == [
        (1, 1, 1.0, 0.0)
    ]


def test_duration_counts_once_per_session_and_day() -> None:
    long, short = {"session": 1, "duration_ms": 9000}, {"session": 2, "duration_ms": 1000}
    view = view_of(
        long, long, {**long, "path": "/b"}, short, {**short, "at": TENTH + timedelta(days=1), "duration_ms": 2000}
    )
    assert one(view, "averageSessionDuration") == 6.0
    assert rows(ask(view, dimensions=("pagePath",), metrics=("averageSessionDuration",))) == [("/b", 9.0), ("/", 6.0)]


def test_active_users_are_visitors_of_active_events() -> None:
    view = view_of({"active": False}, {"active": True}, {"visitor": 2, "session": 2, "active": False})
    assert rows(ask(view, metrics=("activeUsers", "totalUsers"))) == [(1, 2)]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("screenPageViews", 2),
        ("eventCount", 3),
        ("keyEvents", 1),
        ("userEngagementDuration", 1.5),
        ("screenPageViewsPerSession", 1.0),
    ],
)
def test_sums(metric: str, expected: float) -> None:
    view = view_of({}, {"session": 2}, {"event": "buy", "page_view": False, "key_event": True, "engagement_ms": 1500})
    assert one(view, metric) == expected


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("date", "20261110"),
        ("hour", "12"),
        ("dateHour", "2026111012"),
        ("pagePath", "/"),
        ("hostName", "example.org"),
        ("eventName", "page_view"),
        ("sessionSource", "(direct)"),
        ("sessionMedium", "(none)"),
        ("sessionSourceMedium", "(direct) / (none)"),
        ("sessionCampaignName", "(not set)"),
        ("sessionDefaultChannelGroup", "Direct"),
        ("country", "Germany"),
        ("deviceCategory", "desktop"),
        ("browser", "Firefox"),
        ("operatingSystem", "Linux"),
    ],
)
@TEXTS
def test_every_dimension(dimension: str, expected: str, texts: Any) -> None:
    answer = ask(view_of({}, texts=texts), dimensions=(dimension,), metrics=("eventCount",))
    assert rows(answer) == [(expected, 1)]


def test_unknown_texts_and_the_literal_not_set_are_one_row() -> None:
    view = view_of({"country": None}, {"country": "(not set)"}, {"country": ""})
    assert rows(ask(view, dimensions=("country",), metrics=("eventCount", "sessions"))) == [
        ("(not set)", 2, 1),
        ("", 1, 1),
    ]


def test_hours_follow_the_propertys_clock_when_it_is_set_back() -> None:
    instants = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    view = view_of(*({"at": at} for at in instants), zone="Europe/Berlin")
    report = {"dimensions": ("dateHour",), "metrics": ("eventCount",), "orders": (ByDimension("dateHour"),)}
    assert rows(ask(view, **report)) == [("2026102502", 2), ("2026102503", 1)]


ZONES = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Australia/Lord_Howe"]
SECONDS = st.integers(
    int(datetime(2025, 12, 30, tzinfo=UTC).timestamp()), int(datetime(2027, 1, 3, tzinfo=UTC).timestamp())
)


@given(
    st.sampled_from(ZONES), st.lists(SECONDS.map(lambda s: datetime.fromtimestamp(s, tz=UTC)), min_size=1, max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_hours_are_those_of_the_zone(zone: str, instants: list[datetime]) -> None:
    view = view_of(*({"at": at} for at in instants), zone=zone)
    answer = run(Report(date_ranges=(DateRange("2025-01-01", "2028-01-01"),), dimensions=("dateHour",)), view, NOW)
    assert {row.dimensions[0] for row in answer.rows} == {
        f"{at.astimezone(ZoneInfo(zone)):%Y%m%d%H}" for at in instants
    }


def test_several_ranges_may_overlap_and_lie_apart() -> None:
    view = view_of({}, {"at": TENTH + timedelta(days=1)}, {"at": TENTH + timedelta(days=5), "visitor": 2})
    ranges = (
        DateRange("2026-11-10", "2026-11-11"),
        DateRange("2026-11-11", "2026-11-15", "later"),
        DateRange("2026-11-15", "2026-11-15"),
    )
    answer = ask(
        view,
        date_ranges=ranges,
        metrics=("eventCount", "totalUsers"),
        aggregations={"TOTAL"},
        orders=(ByDimension("dateRange"),),
    )
    assert answer.dimensions == ("dateRange",)
    assert rows(answer) == [("date_range_0", 2, 1), ("later", 2, 2), ("date_range_2", 1, 1)]
    assert [row.dimensions for row in answer.totals] == [("date_range_0",), ("later",), ("date_range_2",)]


def test_totals_count_a_visitor_of_two_rows_once_also_behind_a_metric_filter() -> None:
    view = view_of({"path": "/a"}, {"path": "/a"}, {"path": "/b"}, {"path": "/b"}, {"path": "/c", "visitor": 2})
    report: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": ("totalUsers", "eventCount")}
    report |= {"aggregations": {"TOTAL", "MINIMUM", "MAXIMUM"}}
    whole = ask(view, **report)
    assert [whole.totals[0].metrics, whole.minimums[0].metrics, whole.maximums[0].metrics] == [(2, 5), (1, 1), (1, 2)]
    busy = ask(view, **report, metric_filter=NumericFilter("eventCount", "GREATER_THAN", 1))
    assert rows(busy) == [("/a", 1, 2), ("/b", 1, 2)]
    assert busy.totals[0].metrics == (1, 4)
    assert busy.totals[0].dimensions == ("RESERVED_TOTAL",)


def test_a_filter_may_name_fields_that_the_report_does_not_show() -> None:
    view = view_of({"country": "France"}, {"visitor": 2}, {"visitor": 2}, {"visitor": 3})
    filters = {"dimension_filter": StringFilter("country", "GERMANY")}
    assert rows(ask(view, metrics=("totalUsers",), **filters)) == [(2,)]
    having = {"metric_filter": NumericFilter("eventCount", "EQUAL", 1)}
    assert rows(ask(view, dimensions=("country",), metrics=("totalUsers",), **having)) == [("France", 1)]


def test_equal_rows_are_ordered_by_their_dimensions_and_pages_follow_on() -> None:
    view = view_of(*({"path": path} for path in ("/c", "/a", "/d", "/b", "/d")))
    report: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": ("eventCount",)}
    assert [row[0] for row in rows(ask(view, **report))] == ["/d", "/a", "/b", "/c"]
    page = ask(view, **report, limit=2, offset=1)
    assert ([row[0] for row in rows(page)], page.row_count) == (["/a", "/b"], 4)
    assert ask(view, **report, offset=99).rows == ()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ByDimension("pagePath"), ["10", "9", "B", "a"]),
        (ByDimension("pagePath", descending=True), ["a", "B", "9", "10"]),
        (ByDimension("pagePath", order="CASE_INSENSITIVE_ALPHANUMERIC"), ["10", "9", "a", "B"]),
        (ByDimension("pagePath", order="NUMERIC"), ["B", "a", "9", "10"]),
        (ByDimension("pagePath", descending=True, order="NUMERIC"), ["10", "9", "B", "a"]),
        (ByMetric("eventCount"), ["10", "9", "a", "B"]),
        (ByMetric("eventCount", descending=True), ["B", "10", "9", "a"]),
    ],
)
def test_orders(order: ByDimension | ByMetric, expected: list[str]) -> None:
    view = view_of(*({"path": path} for path in ("a", "10", "B", "9", "B")))
    answer = ask(view, dimensions=("pagePath",), metrics=("eventCount",), orders=(order,))
    assert [row[0] for row in rows(answer)] == expected


def test_empty_rows_are_shown_only_if_the_report_keeps_them() -> None:
    view = view_of({"page_view": False, "path": "/quiet"}, {})
    report: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": ("screenPageViews",)}
    assert rows(ask(view, **report)) == [("/", 1)]
    assert rows(ask(view, **report, keep_empty_rows=True)) == [("/", 1), ("/quiet", 0)]


def test_no_events() -> None:
    everything = {"metrics": tuple(METRICS)[:10], "aggregations": {"TOTAL", "MINIMUM", "MAXIMUM"}}
    names = tuple(name for name, each in DIMENSIONS.items() if each.scope != "item")
    for dimensions in [(), *(names[first : first + 9] for first in range(0, len(names), 9))]:
        answer = ask(view_of(), dimensions=dimensions, **everything)
        assert (answer.rows, answer.row_count) == ((), 0)
        assert set(answer.totals[0].metrics) == {0}
    assert one(view_of(), "sessions") == 0


def test_metrics_of_one_key_event() -> None:
    view = view_of(
        {"event": "buy", "key_event": True},
        {"event": "buy", "key_event": True, "session": 2},
        {"event": "buy", "session": 3},
        {"event": "ask", "key_event": True, "session": 3},
        {"visitor": 2, "session": 4},
    )
    metrics = ("keyEvents", "keyEvents:buy", "sessionKeyEventRate:buy", "userKeyEventRate:buy", "keyEvents:none")
    assert ask(view, metrics=metrics).rows[0].metrics == (3, 2, 2 / 4, 1 / 2, 0)
    by_event = ask(view, dimensions=("eventName",), metrics=("keyEvents:buy", "sessionKeyEventRate:buy"))
    assert rows(by_event) == [("buy", 2, 2 / 3)]
    with pytest.raises(ReportError, match="keyEvents:"):
        ask(view, metrics=("keyEvents:",))


def test_expressions_and_invisible_metrics() -> None:
    view = view_of({}, {"visitor": 2}, {"event": "x"})
    fields = {"metrics": ("each", "totalUsers", "nothing"), "invisible": frozenset({"totalUsers"})}
    answer = ask(
        view, **fields, expressions={"each": "eventCount / (totalUsers - 0.5)", "nothing": "eventCount / keyEvents"}
    )
    assert [header.name for header in answer.metrics] == ["each", "nothing"]
    assert rows(answer) == [(2.0, 0.0)]


@TEXTS
def test_derived_dimensions(texts: Any) -> None:
    view = view_of({"path": "/A"}, {"path": "/a"}, texts=texts)
    both = DerivedDimension("both", "concatenate", ("browser", "hour"), "-")
    answer = ask(
        view,
        dimensions=("low", "both"),
        derived=(DerivedDimension("low", "lower_case", ("pagePath",)), both),
        metrics=("eventCount",),
    )
    assert rows(answer) == [("/a", "Firefox-12", 2)]


def test_reports_that_share_a_read_answer_as_if_each_were_alone() -> None:
    view = view_of(
        {}, {"at": TENTH - timedelta(days=20), "visitor": 9, "session": 4}, {"visitor": 3, "country": "France"}
    )
    reports = [
        Report(date_ranges=MONTH, metrics=("sessions", "averageSessionDuration")),
        Report(
            date_ranges=(DateRange("2026-11-10", "2026-11-10"), DateRange("2026-10-01", "2026-10-21")),
            metrics=("activeUsers",),
        ),
        Report(date_ranges=MONTH, dimensions=("country", "hour"), metrics=("eventCount",)),
    ]
    assert run_many(reports, view, NOW) == [run(report, view, NOW) for report in reports]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"metrics": ("session",)}, "Did you mean sessions"),
        ({"dimensions": ("pagepath",)}, "Did you mean pagePath"),
        ({"metrics": ("sessions",), "orders": (ByMetric("eventCount"),)}, "add it to the metrics"),
        ({"metrics": ("sessions",), "orders": (ByDimension("date"),)}, "add it to the dimensions"),
        (
            {"metrics": ("sessions",), "dimension_filter": NumericFilter("sessions", "EQUAL", 1)},
            "put it into the metric filter",
        ),
        ({"metrics": ("sessions",), "metric_filter": StringFilter("date", "1")}, "put it into the dimension filter"),
        (
            {"metrics": ("sessions",), "metric_filter": StringFilter("sessions", "1")},
            "use a numeric or a between filter",
        ),
        ({"metrics": ("sessions", "sessions")}, "asked for twice"),
        ({"metrics": ("sessions",), "limit": 0}, "between 1 and 250000"),
        ({"metrics": ("sessions",), "offset": -1}, "between 0 and"),
        ({"metrics": ("sessions",), "offset": 2**63}, "between 0 and"),
        (
            {"dimensions": ("x",), "derived": (DerivedDimension("x", "concatenate", ("pagePath",) * 10),)},
            "10 dimensions joined in 'x'; at most 9",
        ),
        ({"metrics": ("sessions",), "invisible": frozenset({"sessions"})}, "show at least one"),
        ({"metrics": ("sessions",), "date_ranges": ()}, "date range"),
        ({}, "at least one dimension or metric"),
        ({"metrics": ("x",), "expressions": {"x": "sessions +"}}, "at its end"),
        ({"metrics": ("x",), "expressions": {"x": "(" * 99 + "1"}}, "nested deeper"),
        ({"metrics": ("x",), "expressions": {"x": "sessions sessions"}}, "operator is missing"),
        ({"metrics": ("x",), "expressions": {"x": "sessions; 1"}}, "cannot be read"),
        ({"metrics": ("x",), "expressions": {"x": "vistors"}}, "not a metric"),
        ({"dimensions": tuple(DIMENSIONS)[:10]}, "at most 9"),
    ],
)
def test_errors_say_what_to_do(fields: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        ask(view_of({}), **fields)


EVENT = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/", "/a", None]),
        "country": st.sampled_from(["Germany", "France"]),
        "session": st.integers(1, 6),
        "day": st.integers(0, 2),
        "page_view": st.booleans(),
        "active": st.booleans(),
        "engagement_ms": st.integers(0, 5000),
        "key_event": st.booleans(),
        "key_value": st.integers(0, 5_000_000),
    }
)
COUNTED = (
    "eventCount",
    "screenPageViews",
    "totalUsers",
    "activeUsers",
    "sessions",
    "engagedSessions",
    "averageSessionDuration",
)


def completed(event: dict[str, Any]) -> dict[str, Any]:
    """A session has one visitor, and one duration and verdict per day."""
    session, day = event["session"], event.pop("day")
    facts = {"visitor": session // 2 + 2**63, "engaged": (session + day) % 3 == 0, "duration_ms": session * 1000 + day}
    return {**event, **facts, "session": session + 2**60, "at": TENTH + timedelta(days=day)}


def counted_slowly(events: list[dict[str, Any]]) -> tuple[Any, ...]:
    sessions = {event["session"] for event in events}
    durations = {(event["session"], event["at"]): event["duration_ms"] for event in events}
    return (
        len(events),
        sum(event["page_view"] for event in events),
        len({event["visitor"] for event in events}),
        len({event["visitor"] for event in events if event["active"]}),
        len(sessions),
        len({event["session"] for event in events if event["engaged"]}),
        sum(durations.values()) / 1000 / len(sessions),
    )


@given(
    st.lists(EVENT.map(completed), min_size=1, max_size=30),
    st.sets(st.sampled_from(["pagePath", "country", "date"])),
    st.randoms(),
)
@settings(max_examples=60, deadline=None)
def test_random_events_in_any_order_against_a_slow_count(
    events: list[dict[str, Any]], dimensions: set[str], random: Any
) -> None:
    names = tuple(sorted(dimensions))
    read: dict[str, Callable[[dict[str, Any]], str]] = {
        "pagePath": lambda e: e["path"] or "(not set)",
        "country": lambda e: e["country"],
        "date": lambda e: f"{e['at']:%Y%m%d}",
    }
    groups = defaultdict(list)
    for event in events:
        groups[tuple(read[name](event) for name in names)].append(event)
    report = {"dimensions": names, "metrics": COUNTED, "aggregations": {"TOTAL"}}
    answer = ask(FrameView(built(events)), **report)
    assert {row.dimensions: row.metrics for row in answer.rows} == {
        key: counted_slowly(group) for key, group in groups.items()
    }
    assert answer.totals[0].metrics == counted_slowly(events)
    random.shuffle(events)
    assert ask(FrameView(built(events, texts=pl.String)), **report) == answer


def test_row_codes_that_outgrow_32_bits_are_made_dense() -> None:
    events = [
        {"path": f"/{n % 300}", "country": f"c{n}", "browser": f"b{n * 7 % 900}", "host": f"h{n}"} for n in range(2000)
    ]
    answer = ask(
        FrameView(built(events)),
        dimensions=("pagePath", "country", "browser", "hostName"),
        metrics=("sessions",),
        limit=5000,
    )
    assert answer.row_count == 2000
    assert {row.dimensions for row in answer.rows} == {
        (e["path"], e["country"], e["browser"], e["host"]) for e in events
    }


def test_condensed_rows_count_as_their_events_do() -> None:
    """A steady dimension is counted in condensed rows; a filter on a page makes the report count single events."""
    events = [
        {"visitor": n // 7, "session": n // 3, "country": f"c{n % 5 // 4}", "page_view": n % 2 == 0} for n in range(60)
    ]
    view = FrameView(built(events))
    report: dict[str, Any] = {"dimensions": ("country",), "metrics": COUNTED, "aggregations": {"TOTAL"}}
    assert ask(view, **report) == ask(view, **report, dimension_filter=StringFilter("pagePath", "/"))


def test_an_hour_begins_at_the_instant_of_the_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    view = view_of({"at": change - timedelta(milliseconds=1)}, {"at": change}, zone="Europe/Berlin")
    spring = (DateRange("2026-03-29", "2026-03-29"),)
    answer = ask(view, dimensions=("hour",), metrics=("eventCount",), date_ranges=spring)
    assert rows(answer) == [("01", 1), ("03", 1)]


def test_equal_rows_of_several_ranges_follow_the_ranges() -> None:
    view = view_of(*({"path": f"/{n:02}"} for n in range(50)))
    names = ("z", "a", "m")
    ranges = tuple(DateRange("2026-11-10", "2026-11-10", name) for name in names)
    answer = ask(view, dimensions=("pagePath",), metrics=("eventCount",), date_ranges=ranges)
    assert [row.dimensions for row in answer.rows] == [(f"/{n:02}", name) for n in range(50) for name in names]


@given(
    st.lists(EVENT.map(completed), max_size=40),
    st.sampled_from([("pagePath",), ("country", "date"), ("eventName", "pagePath")]),
    st.lists(st.sampled_from(sorted(METRICS.keys() - {"unconvertedRevenue"})), min_size=1, max_size=5, unique=True),
    st.integers(0, 3),
    st.integers(1, 4),
    st.booleans(),
)
@example(  # 1.001 s: by another way of dividing 1.0010000000000001
    [{"country": f"c{n}", "session": n, "engagement_ms": 1001, "duration_ms": 1001} for n in range(2)],
    ("country",),
    ["eventCount", "averageSessionDuration", "userEngagementDuration"],
    0,
    1,
    False,
)
@settings(max_examples=100, deadline=None)
def test_a_page_shows_what_the_whole_table_shows_there(
    events: list[dict[str, Any]], dimensions: tuple[str, ...], metrics: list[str], low: int, rows: int, empty: bool
) -> None:
    """A page is found by sums and flags if the plan can page first; the whole table is counted for a minimum."""
    view = FrameView(built(events))
    fields = {"dimensions": dimensions, "metrics": tuple(metrics), "keep_empty_rows": empty, "aggregations": {"TOTAL"}}
    page = ask(view, **fields, offset=low, limit=rows)
    whole = ask(view, **{**fields, "aggregations": {"TOTAL", "MINIMUM"}})
    assert (page.rows, page.row_count) == (whole.rows[low : low + rows], whole.row_count)
    assert page.totals == whole.totals
