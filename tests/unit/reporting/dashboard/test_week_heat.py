"""Visits by weekday and hour."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.dashboard.week_heat import DAYS, FAINTEST, HOURS, heat_map, heat_report
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, Row
from tests.support.builders import view_of

MONDAY = date(2026, 11, 9)


def answer(*rows: tuple[str, str, int]) -> Answer:
    found = tuple(Row((day, hour), (visits,)) for day, hour, visits in rows)
    return Answer(("dayOfWeek", "hour"), (), found, len(found), (), (), (), "UTC", "EUR")


def test_it_works() -> None:
    heat = heat_map(answer(("0", "23", 8), ("1", "00", 4), ("3", "09", 2)))
    assert heat["most"] == 8
    assert [row["day"] for row in heat["rows"]] == list(DAYS)
    visits = {(row["day"], field["from"]): field["visits"] for row in heat["rows"] for field in row["fields"]}
    assert len(visits) == 7 * HOURS
    assert {key: value for key, value in visits.items() if value} == {
        ("Sunday", "23:00"): 8,
        ("Monday", "00:00"): 4,
        ("Wednesday", "09:00"): 2,
    }
    assert heat["rows"][6]["fields"][23]["darkness"] == "1.000"


def test_without_visits() -> None:
    heat = heat_map(answer())
    assert heat["most"] == 0
    assert {field["darkness"] for row in heat["rows"] for field in row["fields"]} == {"0.000"}


@given(st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 23)), st.integers(1, 10**9), min_size=1))
def test_more_visits_are_darker(visits: dict[tuple[int, int], int]) -> None:
    heat = heat_map(answer(*((str(day), f"{hour:02d}", count) for (day, hour), count in visits.items())))
    fields = [field for row in heat["rows"] for field in row["fields"]]
    assert sum(field["visits"] for field in fields) == sum(visits.values())
    for field in fields:
        assert (field["visits"] == 0) == (float(field["darkness"]) == 0)
        assert field["visits"] == 0 or FAINTEST <= float(field["darkness"]) <= 1
    ordered = sorted(fields, key=lambda field: field["visits"])
    assert [field["darkness"] for field in ordered] == sorted(field["darkness"] for field in ordered)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 7 * 24 - 1), max_size=12))
def test_it_is_what_the_report_says(hours: list[int]) -> None:
    """Each visit stands in the field of its own weekday and hour."""
    begin = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=UTC)
    events: list[dict[str, Any]] = [
        {"at": begin + timedelta(hours=hour), "visitor": number, "session": number}
        for number, hour in enumerate(hours, 1)
    ]
    last = MONDAY + timedelta(days=6)
    report = heat_report(DateRange(MONDAY.isoformat(), last.isoformat()), None)
    heat = heat_map(run(report, view_of(*events), Now.at(begin + timedelta(days=7))))
    shown = [field["visits"] for row in heat["rows"] for field in row["fields"]]
    assert shown == [hours.count(hour) for hour in range(7 * 24)]
