"""The parts of the calendar, against Python's calendar."""

from datetime import date, timedelta

import polars as pl
import pytest

from reporting.registry import calendar

EPOCH = date(1970, 1, 1)
DAYS = [date(2019, 12, 1) + timedelta(days=n) for n in range(12 * 366)]


def column(expr: pl.Expr) -> list[object]:
    days = pl.DataFrame({"day": [(day - EPOCH).days for day in DAYS]}, schema={"day": pl.Int32()})
    return days.select(expr.alias("value"))["value"].to_list()


def test_it_works() -> None:
    assert column(calendar.YEAR) == [day.year for day in DAYS]
    assert column(calendar.MONTH) == [day.month for day in DAYS]
    assert column(calendar.DAY) == [day.day for day in DAYS]
    assert column(calendar.ISO_YEAR) == [day.isocalendar().year for day in DAYS]
    assert column(calendar.ISO_WEEK) == [day.isocalendar().week for day in DAYS]
    assert column(calendar.WEEKDAY) == [day.isoweekday() % 7 for day in DAYS]
    assert column(calendar.weekday_name(calendar.WEEKDAY)) == [f"{day:%A}" for day in DAYS]


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-01-03", 1), ("2026-01-04", 2), ("2026-12-31", 53), ("2027-01-01", 1), ("2023-01-01", 1), ("2023-01-07", 1)]
    + [("2023-01-08", 2), ("2028-12-30", 53), ("2028-12-31", 54)],
)
def test_weeks_begin_on_sunday_and_the_first_has_new_year(day: str, week: int) -> None:
    days = pl.DataFrame({"day": [(date.fromisoformat(day) - EPOCH).days]})
    assert days.select(calendar.WEEK).item() == week
