"""The exit of a session is its last page view, whatever the days of the report."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.schema import ITEMS, conform
from processing.sessions.condensed import RowSource
from reporting.query.whole_sessions import read_rows
from tests.support.builders import FrameView, built, view_of

FIRST = date(2026, 11, 10)
SOURCES = (RowSource.EVENTS, RowSource.CONDENSED)


def part(day: int, exit: str | None, session: int = 1, *, view: bool = True, **named: Any) -> dict[str, Any]:
    """What a session left on one day, counted from FIRST, as it is stored."""
    at = datetime(2026, 11, 10, 12, tzinfo=UTC) + timedelta(days=day)
    return {"at": at, "session": session, "exit_path": exit, "page_view": view, "last_view": view, **named}


def read(view: FrameView, source: RowSource, first: int, last: int) -> list[tuple[Any, ...]]:
    days = (FIRST + timedelta(days=first), FIRST + timedelta(days=last))
    rows = read_rows(view, source, *days, ["session", "exit_path", "last_view"])
    whole = rows.with_columns(pl.col("last_view").cast(pl.Int64), pl.col("exit_path").cast(pl.String))
    return [row for row in whole.rows() if source is RowSource.EVENTS or row[0]]


@pytest.mark.parametrize("source", SOURCES)
def test_it_works(source: RowSource) -> None:
    view = view_of(part(0, "/a"), part(0, "/x", 2), part(1, "/b"))
    assert read(view, source, 0, 1) == [(1, "/b", 0), (2, "/x", 1), (1, "/b", 1)]
    assert read(view, source, 0, 0) == [(1, "/b", 0), (2, "/x", 1)]
    assert read(view, source, 1, 1) == [(1, "/b", 1)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("days", range(1, 12))
def test_a_session_of_many_days_is_followed_to_its_end(source: RowSource, days: int) -> None:
    view = view_of(*(part(day, f"/{day}") for day in range(days)))
    assert read(view, source, 0, 0) == [(1, f"/{days - 1}", int(days == 1))]


@pytest.mark.parametrize("source", SOURCES)
def test_a_day_without_page_views_leaves_the_exit_where_it_was(source: RowSource) -> None:
    view = view_of(part(0, "/a"), part(1, "/a", view=False))
    assert read(view, source, 0, 0) == [(1, "/a", 1)]
    assert read(view, source, 0, 1) == [(1, "/a", 1), (1, "/a", 0)]


@pytest.mark.parametrize("source", SOURCES)
def test_an_unknown_page_is_an_exit_too(source: RowSource) -> None:
    assert read(view_of(part(0, "/a"), part(1, None)), source, 0, 0) == [(1, None, 0)]


def test_the_end_of_the_calendar_is_no_error() -> None:
    view = view_of(part(0, "/a"))
    rows = read_rows(view, RowSource.EVENTS, FIRST, date.max, ["exit_path"])
    assert rows["exit_path"].to_list() == ["/a"]
    assert read_rows(view, RowSource.EVENTS, date.max, date.max, ["exit_path"]).is_empty()


def test_texts_may_be_plain() -> None:
    view = FrameView(built([part(0, "/a"), part(1, "/b")], texts=pl.String))
    assert read(view, RowSource.EVENTS, 0, 0) == [(1, "/b", 0)]


# a session: the day on which it begins, and the pages of its views on this day and on those after it
SESSION = st.tuples(st.integers(0, 3), st.lists(st.lists(st.sampled_from(["/a", "/b", None])), min_size=1, max_size=5))


def stored(sessions: list[tuple[int, list[list[str | None]]]]) -> list[dict[str, Any]]:
    """The events of each day: its views, and one that is none. Each knows the session until the end of the day."""
    events = []
    for number, (begin, days) in enumerate(sessions, 1):
        known: list[str | None] = []
        for day, views in enumerate(days, begin):
            known += views
            so_far = known[-1] if known else None
            events.append(part(day, so_far, number, view=False, path=f"{number}"))
            events += [part(day, so_far, number, path=page) for page in views]
            for event in events[len(events) - len(views) : -1]:
                event["last_view"] = False
    return events


@pytest.mark.parametrize("source", SOURCES)
@given(st.lists(SESSION, max_size=4), st.integers(0, 8), st.integers(0, 8))
@settings(deadline=None)
def test_random_sessions(
    source: RowSource, sessions: list[tuple[int, list[list[str | None]]]], one: int, other: int
) -> None:
    first, last = min(one, other), max(one, other)
    expected = dict[int, tuple[set[str | None], int]]()
    for number, (begin, days) in enumerate(sessions, 1):
        views = [(day, page) for day, pages in enumerate(days, begin) for page in pages]
        leaves, exit = views[-1] if views else (-1, None)
        if begin <= last and begin + len(days) > first:
            expected[number] = ({exit}, int(first <= leaves <= last))
    found = dict[int, tuple[set[str | None], int]]()
    for number, exit, exits in read(FrameView(built(stored(sessions))), source, first, last):
        pages, count = found.get(number, (set(), 0))
        found[number] = (pages | {exit}, count + (exits or 0))
    assert found == expected


class Counted:
    """A view that writes down which days are read."""

    def __init__(self, view: FrameView) -> None:
        self._view, self.asked = view, list[tuple[int, int]]()

    def _read(self, read: Any, first: date, last: date, columns: Any) -> Any:
        self.asked.append(((first - FIRST).days, (last - FIRST).days))
        return read(first, last, columns)

    def events(self, first: date, last: date, columns: Any) -> Any:
        return self._read(self._view.events, first, last, columns)

    def items(self, first: date, last: date, columns: Any) -> Any:
        raise NotImplementedError

    def condensed(self, first: date, last: date, columns: Any) -> Any:
        return self._read(self._view.condensed, first, last, columns)


def test_only_reports_that_need_it_read_later_days() -> None:
    counted = Counted(view_of(part(0, "/a"), part(1, "/b"), part(5, "/c", 2)))
    for columns in (["session", "page_view"], ["landing_path", "entrance"]):
        read_rows(counted, RowSource.EVENTS, FIRST, FIRST, columns)
    assert counted.asked == [(0, 0), (0, 0)]
    counted.asked.clear()
    read_rows(counted, RowSource.EVENTS, FIRST, FIRST, ["exit_path"])
    assert counted.asked == [(0, 0), (1, 1), (2, 3)]
    counted.asked.clear()
    read_rows(counted, RowSource.EVENTS, FIRST, FIRST + timedelta(days=2), ["exit_path"])
    assert counted.asked == [(0, 2)]  # nobody is there on the last day


@pytest.mark.parametrize("last", range(3))
def test_items_know_the_exit_of_a_session_that_goes_on_without_items(last: int) -> None:
    events = [part(0, "/a", position=1), part(1, "/b", position=2), part(2, "/c", position=3), part(0, "/x", 2)]
    item = pl.DataFrame({"position": [1], "index": [0], "item_name": ["Socks"]}, schema_overrides=ITEMS)
    view = view_of(*events)._replace(item_rows=conform(item, ITEMS))
    columns = ["item_name", "day", "exit_path"]
    rows = read_rows(view, RowSource.ITEMS, FIRST, FIRST + timedelta(days=last), columns)
    assert rows.select("item_name", pl.col("exit_path").cast(pl.String)).rows() == [("Socks", "/c")]
