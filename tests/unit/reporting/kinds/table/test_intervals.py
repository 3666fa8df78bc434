"""Tables by time that keep empty rows: every interval of the date ranges has a row."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import (
    And,
    Answer,
    ByDimension,
    DateRange,
    DerivedDimension,
    Filter,
    Not,
    NumericFilter,
    Or,
    Report,
    ReportError,
    StringFilter,
)
from tests.support.builders import FrameView, view_of

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
THREE_DAYS = (DateRange("2026-11-09", "2026-11-11"),)
EVENT: dict[str, Any] = {"at": datetime(2026, 11, 10, 12, tzinfo=UTC), "country": "Spain"}
FIRST, SECOND = (StringFilter("date", day) for day in ("20261109", "20261110"))
NOWHERE = StringFilter("country", "Nowhere")


def ask(view: FrameView, **fields: Any) -> Answer:
    by_date = {"dimensions": ("date",), "metrics": ("eventCount",), "orders": (ByDimension("date"),)}
    return run(Report(**{**by_date, "date_ranges": THREE_DAYS, "keep_empty_rows": True, **fields}), view, NOW)


def rows(*events: dict[str, Any], zone: str = "UTC", **fields: Any) -> list[tuple[Any, ...]]:
    answer = ask(view_of(*(dict(event) for event in events), zone=zone), **fields)
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


def test_it_works() -> None:
    assert rows(EVENT) == [("20261109", 0), ("20261110", 1), ("20261111", 0)]
    assert rows(EVENT, keep_empty_rows=False) == [("20261110", 1)]


def test_where_nothing_happened_at_all() -> None:
    assert rows() == [("20261109", 0), ("20261110", 0), ("20261111", 0)]


def test_hours_and_several_dimensions_of_time() -> None:
    hours = rows(EVENT, dimensions=("hour",), orders=(ByDimension("hour"),))
    assert hours == [(f"{hour:02}", int(hour == 12)) for hour in range(24)]
    both = rows(EVENT, dimensions=("date", "hour"))
    assert len(both) == len(set(both)) == 72


def test_each_date_range_has_its_own() -> None:
    ranges = (DateRange("2026-11-09", "2026-11-10", "a"), DateRange("2026-11-11", "2026-11-11", "b"))
    assert rows(EVENT, date_ranges=ranges) == [("20261109", "a", 0), ("20261110", "a", 1), ("20261111", "b", 0)]


@pytest.mark.parametrize(
    ("zone", "day", "missing"),
    [
        ("Europe/Berlin", "2026-03-29", "02"),  # the clock is set forward
        ("Europe/Berlin", "2026-10-25", None),  # and back: two hours count as one
        ("Asia/Kolkata", "2026-11-10", None),
        ("Australia/Lord_Howe", "2026-10-04", None),  # by half an hour
    ],
)
def test_the_hours_are_those_of_the_clock(zone: str, day: str, missing: str | None) -> None:
    by_hour: dict[str, Any] = {"dimensions": ("dateHour",), "orders": (ByDimension("dateHour"),)}
    found = rows(zone=zone, **by_hour, date_ranges=(DateRange(day, day),))
    hours = [f"{hour:02}" for hour in range(24)]
    assert [row[0] for row in found] == [day.replace("-", "") + hour for hour in hours if hour != missing]


@pytest.mark.parametrize(
    ("tree", "days"),
    [
        (FIRST, ["09"]),
        (Not(FIRST), ["10", "11"]),
        (NOWHERE, ["09", "10", "11"]),
        (Not(NOWHERE), ["09", "10", "11"]),
        (And((FIRST, NOWHERE)), ["09"]),
        (Or((FIRST, NOWHERE)), ["09", "10", "11"]),
        (Or((FIRST, SECOND)), ["09", "10"]),
        (StringFilter("hour", "12"), ["09", "10", "11"]),
        (StringFilter("hour", "24"), []),
    ],
)
def test_a_filter_on_time_leaves_intervals_out_and_others_do_not(tree: Filter, days: list[str]) -> None:
    assert [row[0] for row in rows(EVENT, dimension_filter=tree)] == [f"202611{day}" for day in days]


def test_a_metric_filter_reads_empty_intervals_as_zero() -> None:
    assert rows(EVENT, metric_filter=NumericFilter("eventCount", "GREATER_THAN", 0)) == [("20261110", 1)]
    assert len(rows(EVENT, metric_filter=NumericFilter("eventCount", "EQUAL", 0))) == 2


def test_they_are_ordered_cut_and_counted_like_other_rows() -> None:
    fields = {"metrics": ("totalUsers", "bounceRate"), "aggregations": {"TOTAL", "MINIMUM"}}
    answer = ask(view_of(dict(EVENT)), **fields, limit=1, offset=2)
    assert [(*row.dimensions, *row.metrics) for row in answer.rows] == [("20261111", 0, 0.0)]
    assert (answer.row_count, answer.totals[0].metrics[0], answer.minimums[0].metrics[0]) == (3, 1, 0)


def test_a_table_by_more_than_time_has_the_rows_of_its_events_only() -> None:
    assert rows(EVENT, dimensions=("date", "country")) == [("20261110", "Spain", 1)]


def test_derived_dimensions_of_time_are_filled_too() -> None:
    stamp = DerivedDimension("stamp", "concatenate", ("date", "hour"), "T")
    found = rows(EVENT, dimensions=("stamp",), derived=(stamp,), orders=(ByDimension("stamp"),))
    assert len(found) == 72
    assert found[36] == ("20261110T12", 1)


@pytest.mark.parametrize(("start", "end"), [("2000-01-01", "2060-01-01"), ("9999-12-31", "9999-12-31")])
def test_too_many_days_are_refused(start: str, end: str) -> None:
    with pytest.raises(ReportError, match="keeps empty rows over"):
        rows(date_ranges=(DateRange(start, end),))
