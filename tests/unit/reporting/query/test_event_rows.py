"""Raw events as rows: all of them, once, in order, with the texts that reports show."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from processing.schema import ITEMS as ITEM_ROWS
from processing.schema import conform
from processing.segments.read_view import EVENT_OF_ITEM
from reporting.query import event_rows
from reporting.query.event_rows import ITEMS, OWN, event_parts
from reporting.registry.dimensions import DIMENSIONS
from tests.support.builders import view_of

DAY = date(2026, 11, 10)


def at(hour: int, day: int = 10) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def test_it_works() -> None:
    view = view_of(
        {"at": at(9), "path": "/b", "key_event": True, "key_value": 1_500_000, "engagement_ms": 1500, "session": 7},
        {"at": at(8), "path": None, "key_value": 5},
        {"at": at(1, day=11), "country": "Spain"},
        {"at": at(1, day=12)},
    )
    head, *parts = event_parts(view, DAY, date(2026, 11, 11))
    assert head.is_empty()
    assert all(part.schema == head.schema for part in parts)
    rows = [row for part in parts for row in part.rows(named=True)]
    shown = ("time", "session", "pagePath", "country", "isKeyEvent", "keyEventValue", "engagementSeconds")
    assert [[row[name] for name in shown] for row in rows] == [
        [at(8), "1", "(not set)", "Germany", False, 0, 0],
        [at(9), "7", "/b", "Germany", True, 1.5, 1.5],
        [at(1, day=11), "1", "/", "Spain", False, 0, 0],
    ]


def test_days_at_the_ends_of_the_calendar() -> None:
    (head,) = event_parts(view_of({"at": at(9)}), date.max, date.max)
    assert head.is_empty()
    _, events = event_parts(view_of({"at": at(9)}), date(2000, 1, 1), date.max)
    assert events.height == 1


def test_columns() -> None:
    (head,) = event_parts(view_of(), DAY, DAY)
    shown = [name for name, each in DIMENSIONS.items() if each.category != "Time" and each.scope != "item"]
    assert head.columns == [*OWN, *shown, ITEMS]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_parts_of_any_size(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "PART_ROWS", size)
    view = view_of(*({"at": at(hour), "path": f"/{hour}"} for hour in range(20)))
    parts = list(event_parts(view, DAY, DAY))
    assert [path for part in parts for path in part["pagePath"]] == [f"/{hour}" for hour in range(20)]
    assert max(part.height for part in parts) <= size


def test_events_with_many_items_are_in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_rows, "PART_ROWS", 8)
    view = view_of(*({"at": at(hour), "position": hour} for hour in range(6)))
    of_three = view.frame.select(EVENT_OF_ITEM).head(4).with_columns(number=pl.lit([1, 2, 3])).explode("number")
    items = conform(of_three.with_columns(item_id=pl.format("id{}", "number")), ITEM_ROWS)
    parts = [part for part in event_parts(view._replace(item_rows=items), DAY, DAY) if part.height]
    assert [part.height for part in parts] == [1, 2, 3]
    ids = [[item["id"] for item in json.loads(text or "[]")] for part in parts for text in part[ITEMS]]
    assert ids == [["id1", "id2", "id3"]] * 4 + [[]] * 2
