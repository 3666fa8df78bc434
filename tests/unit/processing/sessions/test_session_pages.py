"""Where sessions begin and end. That this holds for any order, batches and days, test_sessionize.py shows."""

from datetime import date
from typing import Any

import polars as pl

from processing.schema import EVENTS, conform
from processing.sessions.layers import NO_ARRIVALS, Arrivals
from processing.sessions.local_periods import day_key, day_start, month_key
from processing.sessions.sessionize import Limits
from processing.sessions.timeline import InMemory, advance

ZONE = "Europe/Berlin"
MIDNIGHT = day_start(date(2026, 11, 4), ZONE)
MINUTE = 60_000
PAGES = ("landing_path", "landing_query", "exit_path", "entrance", "last_view")


def event(minute: float, path: str | None = None, **named: Any) -> dict[str, Any]:
    """A page view if it has a path, in minutes from midnight."""
    time = int(MIDNIGHT + minute * MINUTE)
    plain = {"position": time, "hit": time, "index": 0, "time": time, "received_us": time * 1000, "stable": True}
    flags = dict.fromkeys(("first_visit", "key_event", "client_engaged", "signals"), False)
    numbers = {"visitor": 1, "sequence": 0, "engagement_ms": 0}
    return {**plain, **flags, **numbers, "page_view": path is not None, "path": path, **named}


def pages(*batches: list[dict[str, Any]], key: Any = day_key) -> list[tuple[Any, ...]]:
    state = InMemory(ZONE, Limits(30 * MINUTE), key)
    for batch in batches:
        frame = conform(pl.DataFrame(batch, schema_overrides=EVENTS), EVENTS)
        state.apply(advance(state, Arrivals(frame, NO_ARRIVALS.rejected, NO_ARRIVALS.items)))
    return state.events().sort("time").select(PAGES).rows()


def test_it_works() -> None:
    visit = [event(10), event(11, "/a", query="x=1"), event(12, "/b"), event(13), event(100, "/c")]
    assert pages(visit) == [
        ("/a", "x=1", "/b", False, False),
        ("/a", "x=1", "/b", True, False),
        ("/a", "x=1", "/b", False, True),
        ("/a", "x=1", "/b", False, False),
        ("/c", None, "/c", True, True),
    ]


def test_a_session_without_page_views_has_no_pages() -> None:
    assert pages([event(10), event(11)]) == [(None, None, None, False, False)] * 2


def test_each_day_of_a_session_knows_what_was_known_at_its_end() -> None:
    visit = [event(-2), event(-1, "/a"), event(1, "/b"), event(2)]
    for key in (day_key, month_key):
        assert pages(visit, key=key) == [
            ("/a", None, "/a", False, False),
            ("/a", None, "/a", True, True),
            ("/a", None, "/b", False, True),
            ("/a", None, "/b", False, False),
        ]


def test_the_first_page_view_may_be_on_a_later_day() -> None:
    for key in (day_key, month_key):
        assert pages([event(-1), event(1, "/b")], key=key) == [
            (None, None, None, False, False),
            ("/b", None, "/b", True, True),
        ]


def test_a_day_without_page_views_keeps_the_pages_of_the_day_before() -> None:
    for key in (day_key, month_key):
        assert pages([event(-1, "/a", query="q"), event(1)], key=key)[1] == ("/a", "q", "/a", False, False)


def test_the_month_does_not_end_a_session() -> None:
    turn = (day_start(date(2026, 12, 1), ZONE) - MIDNIGHT) / MINUTE
    visit = [event(turn - 1, "/a"), event(turn + 1, "/b")]
    for key in (day_key, month_key):
        assert pages(visit, key=key)[1] == ("/a", None, "/b", False, True)


def test_a_view_of_an_unknown_page_is_a_view() -> None:
    """It is the landing page, unknown as it is, on all days; the next view is no entrance."""
    unknown = event(-1, page_view=True)
    for key in (day_key, month_key):
        assert pages([unknown, event(1, "/b")], key=key) == [
            (None, None, None, True, True),
            (None, None, "/b", False, True),
        ]


def test_late_hits_move_what_they_must() -> None:
    late, visit = [event(-5, "/early")], [event(-2, "/a"), event(1, "/b")]
    expected = [
        ("/early", None, "/a", True, False),
        ("/early", None, "/a", False, True),
        ("/early", None, "/b", False, True),
    ]
    assert pages(visit, late) == pages(late, visit) == pages(late + visit) == expected
