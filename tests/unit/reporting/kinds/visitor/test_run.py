"""One visitor's timeline: the visitor's own events, in order, by the key that other reports show."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reporting.kinds import parse, render, run, run_many, tabulate
from reporting.kinds.sessions.report import SessionsReport
from reporting.kinds.visitor.report import VisitorAnswer, VisitorEvent, VisitorReport
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError, StringFilter
from tests.support.builders import FrameView, view_of

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
NOW = Now.at_end_of(date(2026, 11, 20), "Etc/UTC")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = 11400714819323198485  # as the example of the manual has it, and more than a signed number of 64 bits


def event(visitor: int, seconds: float, path: str = "/", **more: Any) -> dict[str, Any]:
    own = {"visitor": visitor, "session": 5, "hit": int(seconds), "path": path}
    return {**own, "at": NOON + timedelta(seconds=seconds), **more}


EVENTS = [
    event(KEY, 0),
    event(KEY, 1.5, "/buy", event="purchase", key_event=True, engagement_ms=2500),
    event(KEY, 4000, session=6),
    event(2, 1, "/other"),
]


def ask(view: FrameView, visitor: int = KEY, **fields: Any) -> VisitorAnswer:
    fields = {"dimensions": ("pagePath",), **fields}
    answer = run(VisitorReport(visitor=str(visitor), **fields), view, NOW)
    assert isinstance(answer, VisitorAnswer)
    return answer


def shuffled() -> FrameView:
    events = [dict(each) for each in EVENTS]
    random.Random(4).shuffle(events)
    return view_of(*events)


def test_it_works() -> None:
    answer = ask(shuffled())
    assert answer.events == (
        VisitorEvent("2026-11-20T12:00:00.000Z", "5", key_event=False, engagement_seconds=0.0, dimensions=("/",)),
        VisitorEvent("2026-11-20T12:00:01.500Z", "5", key_event=True, engagement_seconds=2.5, dimensions=("/buy",)),
        VisitorEvent("2026-11-20T13:06:40.000Z", "6", key_event=False, engagement_seconds=0.0, dimensions=("/",)),
    )
    assert (answer.visitor, answer.row_count, answer.sessions) == (str(KEY), 3, 2)
    assert tabulate(answer).rows(named=True)[1]["pagePath"] == "/buy"


def test_pages_filters_and_days() -> None:
    assert [each.session for each in ask(shuffled(), limit=1, offset=2).events] == ["6"]
    assert ask(shuffled(), dimension_filter=StringFilter("eventName", "purchase")).row_count == 1
    assert ask(shuffled(), date_range=DateRange("2026-11-01", "2026-11-19")).events == ()
    assert ask(shuffled(), dimensions=()).events[0].dimensions == ()


def test_an_unknown_visitor_has_no_events() -> None:
    answer = ask(shuffled(), visitor=3)
    assert (answer.events, answer.row_count, answer.sessions) == ((), 0, 0)


def test_a_list_of_sessions_shows_the_visitor_to_ask_for() -> None:
    listed = run(SessionsReport(date_range=DateRange("today", "today")), shuffled(), NOW).sessions
    visitors = {each.visitor for each in listed if each.session == "6"}
    assert visitors == {str(KEY)}


def test_beside_a_report_that_reads_everything() -> None:
    """The rows of other visitors, which another report of the page needs, are not the visitor's."""
    days = DateRange("2000-01-01", "today")
    _, answer = run_many([SessionsReport(date_range=days), VisitorReport(visitor=str(KEY))], shuffled(), NOW)
    assert answer.row_count == 3


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "more-reports.md").read_text().split("## One visitor")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, shuffled(), NOW))
    assert [each["dimensions"] for each in answer["events"]][1] == ("purchase", "/buy")


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"visitor": "0"}, "write its digits as a text"),
        ({"visitor": str(2**64)}, "write its digits as a text"),
        ({"visitor": "-1"}, "write its digits as a text"),
        ({"visitor": "1.1"}, "write its digits as a text"),
        ({"visitor": "\N{ARABIC-INDIC DIGIT ONE}"}, "write its digits as a text"),
        ({"visitor": 1}, "visitor"),
        ({"limit": 10_001}, "between 1 and 10000"),
        ({"dimensions": ["contry"]}, "Did you mean country"),
        ({"dimension_filter": {"type": "string", "field": "sessions", "value": "1"}}, "is a metric"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        run(parse({"kind": "visitor", "visitor": "1", **changes}), view_of(), NOW)
