"""The days of a page: the periods of the calendar, and what of an address cannot be followed."""

from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.dashboard.period_picker import CUSTOM, PERIODS, SECOND_DAY, ChosenPeriod, choose, first_day_of

TODAY: Final = date(2026, 11, 20)  # a Friday
days = st.dates(date(2002, 1, 1), date(2040, 12, 31))


def test_it_works() -> None:
    assert choose({}, TODAY) == ("28d", (date(2026, 10, 24), TODAY), "")
    assert choose({"from": "2026-11-01", "to": "2026-11-03"}, TODAY) == (
        CUSTOM,
        (date(2026, 11, 1), date(2026, 11, 3)),
        "",
    )


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", "2026-11-20", "2026-11-20"),
        ("yesterday", "2026-11-19", "2026-11-19"),
        ("7d", "2026-11-14", "2026-11-20"),
        ("90d", "2026-08-23", "2026-11-20"),
        ("365d", "2025-11-21", "2026-11-20"),
        ("week", "2026-11-16", "2026-11-20"),
        ("last-week", "2026-11-09", "2026-11-15"),
        ("month", "2026-11-01", "2026-11-20"),
        ("last-month", "2026-10-01", "2026-10-31"),
        ("quarter", "2026-10-01", "2026-11-20"),
        ("last-quarter", "2026-07-01", "2026-09-30"),
        ("year", "2026-01-01", "2026-11-20"),
        ("last-year", "2025-01-01", "2025-12-31"),
        ("all", "2026-02-03", "2026-11-20"),
    ],
)
def test_periods(name: str, first: str, last: str) -> None:
    found = choose({"period": name}, TODAY, begins=date(2026, 2, 3))
    assert found == (name, (date.fromisoformat(first), date.fromisoformat(last)), "")


@pytest.mark.parametrize("name", sorted(PERIODS))
@given(days)
def test_no_period_has_days_to_come(name: str, today: date) -> None:
    found = choose({"period": name}, today, begins=date.max)
    assert found.complaint == ""
    assert SECOND_DAY <= found.period.first <= found.period.last <= today


@pytest.mark.parametrize("unit", ["week", "month", "quarter", "year"])
@given(days)
def test_this_one_and_the_last_one_meet(unit: str, today: date) -> None:
    now, last = (choose({"period": name}, today).period for name in (unit, f"last-{unit}"))
    assert now.last == today
    assert last.last + timedelta(days=1) == now.first
    assert last.first == first_day_of(unit, last.last)
    assert now.first == first_day_of(unit, today)


@given(days)
def test_first_days(day: date) -> None:
    assert first_day_of("week", day).isocalendar() == (*day.isocalendar()[:2], 1)
    assert first_day_of("month", day) == date(day.year, day.month, 1)
    assert first_day_of("quarter", day) == date(day.year, {1: 1, 2: 4, 3: 7, 4: 10}[(day.month + 2) // 3], 1)
    assert first_day_of("year", day) == date(day.year, 1, 1)


@pytest.mark.parametrize("begins", [date.max, date(2026, 11, 21), TODAY])
def test_all_time_without_data_is_today(begins: date) -> None:
    assert choose({"period": "all"}, TODAY, begins=begins).period == (TODAY, TODAY)


@given(st.dates(), st.dates(), days)
def test_any_two_days_are_a_period_up_to_today(first: date, last: date, today: date) -> None:
    found = choose({"from": first.isoformat(), "to": last.isoformat()}, today)
    assert SECOND_DAY <= found.period.first <= found.period.last <= today
    followed = found.period == ChosenPeriod(first, last)
    assert bool(found.complaint) != followed


@given(st.dictionaries(st.sampled_from(["period", "from", "to"]), st.text(max_size=12)))
def test_any_text_is_followed_or_named(parameters: dict[str, str]) -> None:
    found = choose(parameters, TODAY)
    assert found.period.first <= found.period.last <= TODAY
    asked = [value for value in parameters.values() if value]
    assert found.complaint or not asked or found.name in {*PERIODS, CUSTOM}
