"""Lists of sessions, against a slow count in plain Python, and by examples."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.sessions.report import ListedSession, SessionOrder, SessionsAnswer, SessionsReport
from reporting.model.now import Now
from reporting.model.report import And, BetweenFilter, DateRange, Filter, Not, NumericFilter, ReportError, StringFilter
from tests.support.builders import FrameView, built, view_of
from tests.support.oracle_kinds import sessions

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
NOW = Now.at_end_of(date(2026, 11, 20), "Etc/UTC")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONTH = DateRange("30daysAgo", "today")
LARGE = 2**64 - 3  # keys are numbers of 64 bits


def event(session: int, seconds: float, path: str = "/", **more: Any) -> dict[str, Any]:
    own = {"session": session, "visitor": session + 1, "hit": int(seconds), "index": 0, "path": path}
    return {**own, "at": NOON + timedelta(seconds=seconds), **more}


EVENTS = [
    event(LARGE, 0, country="France", engaged=True, engagement_ms=1500),
    event(LARGE, 90, "/pricing", country="France", engaged=True, key_event=True),
    event(7, 60, "/pricing", country="Spain", browser="Opera"),
    event(8, 30, "/", country="France"),
]


def ask(view: FrameView, **fields: Any) -> SessionsAnswer:
    names: dict[str, Any] = {"date_range": MONTH, "dimensions": ("country",)}
    answer = run(SessionsReport(**{**names, **fields}), view, NOW)
    assert isinstance(answer, SessionsAnswer)
    return answer


def found(**fields: Any) -> list[int]:
    return [int(each.session) for each in ask(view_of(*map(dict, EVENTS)), **fields).sessions]


def test_it_works() -> None:
    answer = ask(view_of(*map(dict, EVENTS)))
    assert [int(each.session) for each in answer.sessions] == [7, 8, LARGE]  # the latest first
    assert answer.sessions[-1] == ListedSession(
        session=str(LARGE),
        visitor=str(LARGE + 1),
        start="2026-11-20T12:00:00.000Z",
        seconds=90.0,
        engagement_seconds=1.5,
        page_views=2,
        events=2,
        key_events=1,
        engaged=True,
        dimensions=("France",),
    )
    assert (answer.row_count, answer.dimensions) == (3, ("country",))
    table = tabulate(answer)
    assert table.columns[0] == "session"
    assert table.rows(named=True)[0]["country"] == "Spain"


def test_filters() -> None:
    assert found(dimension_filter=StringFilter("pagePath", "/pricing")) == [7, LARGE]
    assert found(session_filter=StringFilter("country", "france")) == [8, LARGE]
    assert found(session_filter=Not(StringFilter("browser", "Opera"))) == [8, LARGE]
    assert found(session_filter=NumericFilter("seconds", "GREATER_THAN", 60)) == [LARGE]
    assert found(session_filter=NumericFilter("engaged", "EQUAL", 0)) == [7, 8]
    assert found(session_filter=NumericFilter("key_events", "EQUAL", 1)) == [LARGE]
    assert found(session_filter=BetweenFilter("page_views", 1, 1)) == [7, 8]
    assert found(session_filter=BetweenFilter("start", NOON.timestamp() + 30, NOON.timestamp() + 60)) == [7, 8]
    assert found(session_filter=NumericFilter("dateHourMinute", "EQUAL", 202611201201)) == [7]
    both = And((StringFilter("country", "France"), NumericFilter("events", "GREATER_THAN", 1)))
    assert found(session_filter=both) == [LARGE]


def test_orders_and_pages() -> None:
    assert found(orders=(SessionOrder("country", descending=True), SessionOrder("seconds"))) == [7, 8, LARGE]
    assert found(orders=()) == [LARGE, 8, 7]
    assert found(limit=1, offset=1) == [8]
    assert ask(view_of(*map(dict, EVENTS)), limit=1, offset=5).row_count == 3


def test_no_events_and_no_dimensions() -> None:
    assert ask(view_of()).sessions == ()
    assert ask(view_of(*map(dict, EVENTS)), dimensions=()).sessions[0].dimensions == ()


FACTS = st.builds(
    lambda session, seconds, index, hit, path, country, key, engaged: {
        "visitor": session, "session": session, "time": int(NOON.timestamp() * 1000) + seconds * 500, "index": index,
        "hit": hit, "sequence": 0, "path": path, "country": country, "key": key, "engaged": engaged,
        "engagement_ms": seconds * 10, "page_view": path != "/b",
    },
    st.integers(1, 4), st.integers(0, 3), st.integers(0, 1), st.integers(0, 2), st.sampled_from(["/", "/a", "/b"]),
    st.sampled_from(["Italy", "Spain"]), st.booleans(), st.booleans(),
)  # fmt: skip
KEEP: list[tuple[Filter | None, Any]] = [
    (None, lambda _: True),
    (NumericFilter("events", "GREATER_THAN", 1), lambda session: session["events"] > 1),
    (BetweenFilter("seconds", 0.5, 1), lambda session: 0.5 <= session["seconds"] <= 1),
    (StringFilter("pagePath", "/a"), lambda session: session["dimensions"][0] == "/a"),
]


@given(
    st.lists(FACTS, max_size=14, unique_by=lambda fact: (fact["session"], fact["time"], fact["hit"], fact["index"])),
    st.sampled_from(KEEP),
    st.sampled_from(["", "Italy"]),
)
def test_sessions_are_those_that_plain_python_finds(facts: list[dict[str, Any]], keep: Any, country: str) -> None:
    events = [
        {**{k: v for k, v in fact.items() if k not in ("time", "key")}, "key_event": fact["key"],
         "at": datetime.fromtimestamp(fact["time"] / 1000, tz=UTC)}
        for fact in facts
    ]  # fmt: skip
    answer = ask(
        FrameView(built(events)),
        dimensions=("pagePath", "country"),
        session_filter=keep[0],
        dimension_filter=StringFilter("country", country) if country else None,
        orders=(),
    )
    having = {fact["session"] for fact in facts if not country or fact["country"] == country}
    expected = sessions([fact for fact in facts if fact["session"] in having], ("pagePath", "country"))
    kept = sorted(filter(keep[1], expected), key=lambda session: (session["start"], session["session"]))
    figures = ("seconds", "engagement_seconds", "page_views", "events", "key_events", "engaged", "dimensions")
    assert [tuple(getattr(each, name) for name in figures) for each in answer.sessions] == [
        tuple(each[name] for name in figures) for each in kept
    ]
    assert [int(each.session) for each in answer.sessions] == [each["session"] for each in kept]


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "more-reports.md").read_text().split("## Sessions")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, view_of(*map(dict, EVENTS)), NOW))
    assert [each["session"] for each in answer["sessions"]] == [str(LARGE)]


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"limit": 10_001}, "between 1 and 10000"),
        ({"dimensions": ["contry"]}, "Did you mean country"),
        ({"dimensions": ["country", "country"]}, "asked for twice"),
        ({"orders": [{"name": "secnds"}]}, "is not a dimension"),
        ({"orders": [{"name": "seconds"}, {"name": "seconds"}]}, "same field twice"),
        ({"session_filter": {"type": "string", "field": "seconds", "value": "1"}}, "use a numeric or a between filter"),
        ({"session_filter": {"type": "string", "field": "sessions", "value": "1"}}, "is a metric"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    body = {"kind": "sessions", "date_range": {"start": "30daysAgo", "end": "today"}}
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changes}), view_of(), NOW)
