"""Kinds of reports: they share one read of their days, and requests name them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
import polars as pl
import pytest

from processing.sessions.condensed import RowSource
from processing.sessions.first_sightings import FirstSightings, Sighting
from reporting.kinds import KINDS, parse, plan_many, render, run, run_many, tabulate
from reporting.kinds.kind import ReportKind
from reporting.model.date_ranges import Days
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, Report, ReportError, StringFilter
from reporting.query.load import LoadedRows
from tests.support.builders import FrameView, built

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
TENTH = DateRange("2026-11-10", "2026-11-10")
TABLE = Report(date_ranges=(DateRange("2026-11-01", "2026-11-15"),), dimensions=("pagePath",), metrics=("eventCount",))


class BrowserReport(NamedTuple):
    """Which browsers occur on a day?"""

    day: date


class BrowserPlan(NamedTuple):
    days: tuple[Days, ...]
    columns: frozenset[str] = frozenset({"day", "browser"})
    row_source: RowSource = RowSource.EVENTS

    def steps(self, events: int) -> int:
        return events


class BrowserAnswer(NamedTuple):
    browsers: tuple[str, ...]


def list_browsers(plan: BrowserPlan, rows: LoadedRows) -> BrowserAnswer:
    browsers = rows.of(plan, plan.days[0])["browser"].cast(pl.String)
    return BrowserAnswer(tuple(browsers.unique().sort()))


BROWSERS: ReportKind[BrowserReport, BrowserPlan, BrowserAnswer] = ReportKind(
    name="browsers",
    report=BrowserReport,
    answer=BrowserAnswer,
    parse=lambda body: BrowserReport(date.fromisoformat(body["day"])),  # type: ignore[index]
    plan=lambda report, _today, _definitions, _limits: BrowserPlan((Days("day", report.day, report.day),)),
    run=list_browsers,
    render=lambda answer: list(answer.browsers),
    tabulate=lambda answer: pl.DataFrame({"browser": answer.browsers}),
)
BODY = {"kind": "browsers", "day": "2026-11-10"}


class RecordingView:
    """A view that remembers what was read of it."""

    def __init__(self, view: FrameView) -> None:
        self._view = view
        self.zone, self.currency, self.rules, self.rates = view.zone, view.currency, view.rules, view.rates
        self.reads: list[tuple[date, date, list[str]]] = []

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        self.reads.append((first, last, list(columns)))
        return self._view.events(first, last, columns)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self._view.items(first, last, columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        self.reads.append((first, last, list(columns)))
        return self._view.condensed(first, last, columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self._view.first_sightings(kind)


@pytest.fixture
def view() -> RecordingView:
    return RecordingView(FrameView(built([{}, {"browser": "Chrome", "path": "/a"}])))


@pytest.fixture
def browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "browsers", BROWSERS)


@pytest.mark.usefixtures("browsers")
def test_it_works(view: RecordingView) -> None:
    """A table and a report of another kind are answered after one read of the days and columns of both."""
    table, browsers = run_many([TABLE, parse(BODY)], view, NOW)
    assert [(*row.dimensions, *row.metrics) for row in table.rows] == [("/", 1), ("/a", 1)]
    assert render(browsers) == ["Chrome", "Firefox"]
    assert tabulate(browsers)["browser"].to_list() == ["Chrome", "Firefox"]
    assert tabulate(table).rows(named=True)[0] == {"pagePath": "/", "eventCount": 1}
    assert view.reads == [(date(2026, 11, 1), date(2026, 11, 15), ["browser", "day", "path"])]


@pytest.mark.usefixtures("browsers")
def test_a_kind_alone_reads_its_own_columns(view: RecordingView) -> None:
    assert run(parse(BODY), view, NOW) == BrowserAnswer(("Chrome", "Firefox"))
    assert view.reads == [(date(2026, 11, 10), date(2026, 11, 10), ["browser", "day"])]


@pytest.mark.parametrize("kind", [{}, {"kind": "table"}])
def test_a_request_is_a_table_unless_it_names_another_kind(kind: dict[str, str], view: RecordingView) -> None:
    body = {"date_ranges": [{"start": TENTH.start, "end": TENTH.end}], "metrics": ["sessions"]}
    report = parse({**body, **kind})
    assert report == Report(date_ranges=(TENTH,), metrics=("sessions",))
    answer = run(report, view, NOW)
    assert isinstance(answer, Answer)
    assert render(answer)["rows"] == ({"dimensions": (), "metrics": (1,)},)


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        ({"kind": "tabel"}, "'tabel' is not a kind of report. Did you mean table?"),
        ({"kind": "xyz"}, "'xyz' is not a kind of report. The kinds are: table, pivot, "),
        ({"kind": 1}, "must be a text"),
        ({"kind": None}, "must be a text"),
        ({"kind": "table"}, "date_ranges"),
        ([], "Expected `object`"),
    ],
)
def test_bad_requests_are_answered_with_advice(body: Any, advice: str) -> None:
    with pytest.raises(ReportError, match=advice.replace(".", r"\.")):
        parse(body)


def test_no_two_kinds_share_a_name_or_a_class() -> None:
    for names in (
        [kind.name for kind in KINDS.values()],
        [kind.report for kind in KINDS.values()],
        [kind.answer for kind in KINDS.values()],
    ):
        assert len(set(names)) == len(names)
    assert all(kind.name == name for name, kind in KINDS.items())


@pytest.mark.usefixtures("browsers")
def test_what_reports_cost_is_known_before_anything_is_read(view: RecordingView) -> None:
    """Events of each date range, by the fields and conditions that look at each."""
    ranges = (DateRange("2026-11-01", "2026-11-10"), DateRange("2026-11-01", "2026-11-05"))
    report = msgspec.structs.replace(
        TABLE, date_ranges=ranges, dimension_filter=StringFilter("pagePath", "/a", "PARTIAL_REGEXP")
    )
    planned = plan_many([report, BrowserReport(date(2026, 11, 10))], view, NOW)
    events_a_day = 100
    steps = planned.steps(lambda first, last: events_a_day * ((last - first).days + 1))
    per_event = 1 + 5 + 3 + 1 + 2  # always, a dimension, a metric, a condition, which is a pattern
    per_row = 50 * 2  # a dimension and a metric
    assert steps == events_a_day * (10 + 5) * (per_event + per_row) + events_a_day
    assert not view.reads


DAY = {"start": "2026-11-10", "end": "2026-11-10"}
PATTERN = {"type": "string", "field": "pagePath", "match": "PARTIAL_REGEXP", "value": "a"}
MANY = {"type": "or", "filters": [PATTERN] * 201}
STEPS = [{"name": "first", "filter": MANY}, {"name": "second", "filter": PATTERN}]
WITH_MANY_PATTERNS: list[dict[str, Any]] = [
    {"kind": "table", "date_ranges": [DAY], "metrics": ["sessions"], "dimension_filter": MANY},
    {"kind": "sessions", "date_range": DAY, "dimension_filter": MANY},
    {"kind": "sessions", "date_range": DAY, "session_filter": MANY},
    {"kind": "visitor", "visitor": "1", "dimension_filter": MANY},
    {"kind": "funnel", "date_range": DAY, "steps": STEPS},
    {"kind": "paths", "date_range": DAY, "events": MANY},
    {"kind": "visitor", "visitor": "1", "segment": {"scope": "event", "include": {"type": "events", "filter": MANY}}},
]


@pytest.mark.parametrize("body", WITH_MANY_PATTERNS)
def test_patterns_are_counted_before_any_is_compiled(
    body: dict[str, Any], view: RecordingView, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes milliseconds, and a request has room for tens of thousands."""
    compiled = list[object]()
    monkeypatch.setattr("reporting.query.filters.compiled", compiled.append)
    with pytest.raises(ReportError, match="at most 200 are allowed"):
        plan_many([parse(body)], view, NOW)
    assert not compiled


@pytest.mark.parametrize("body", WITH_MANY_PATTERNS)
def test_patterns_cost_more_than_other_conditions(body: dict[str, Any], view: RecordingView) -> None:
    text = (
        msgspec.json.encode(body).decode().replace(msgspec.json.encode(MANY).decode(), '{"type":"and","filters":[$]}')
    )
    plain = {**PATTERN, "match": "EXACT"}

    def steps(filter: dict[str, Any]) -> int:
        filled = msgspec.json.decode(text.replace("$", msgspec.json.encode(filter).decode()))
        return plan_many([parse(filled)], view, NOW).steps(lambda _first, _last: 1000)

    assert steps(PATTERN) == steps(plain) + 2 * 1000


BY_USERS = {"type": "metric", "name": "activeUsers"}
ORDERED: list[dict[str, Any]] = [
    {"kind": "table", "date_ranges": [DAY], "metrics": ["activeUsers"], "orders": [BY_USERS] * 21},
    {"kind": "realtime", "metrics": ["activeUsers"], "orders": [BY_USERS] * 21},
    {"kind": "sessions", "date_range": DAY, "orders": [{"name": "country"}] * 21},
    {
        "kind": "pivot",
        "date_ranges": [DAY],
        "metrics": ["activeUsers"],
        "pivots": [
            {"dimensions": ["country"]},
            {
                "dimensions": ["browser"],
                "orders": [{"type": "pivot", "name": "activeUsers", "values": {"country": "x"}}] * 21,
            },
        ],
    },
]


@pytest.mark.parametrize("body", ORDERED)
def test_many_orders_are_refused(body: dict[str, Any], view: RecordingView) -> None:
    """A request has room for tens of thousands, each of which takes milliseconds even without events."""
    with pytest.raises(ReportError, match="21 orders; at most 20 are allowed"):
        plan_many([parse(body)], view, NOW)
