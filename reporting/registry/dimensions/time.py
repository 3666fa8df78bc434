"""Dimensions of time, all in the property's zone."""

from collections.abc import Callable
from typing import Final

import polars as pl

from reporting.registry import calendar
from reporting.registry.dimensions.model import Dimension, plain
from reporting.registry.local_time import local_hours, local_minutes


def _two_digits(key: pl.Expr) -> pl.Expr:
    return key.cast(pl.String).str.zfill(2)


def _calendar_and_hour(key: pl.Expr) -> pl.Expr:
    return pl.concat_str(calendar.date_text((key // 24).cast(pl.Int32)), _two_digits(key % 24))


def _calendar_and_minute(key: pl.Expr) -> pl.Expr:
    return pl.concat_str(_calendar_and_hour(key // 60), _two_digits(key % 60))


def _of_day(
    name: str, label: str, definition: str, key: pl.Expr, text: Callable[[pl.Expr], pl.Expr], *, example: str
) -> Dimension:
    return Dimension(name, label, "Time", "event", definition, example, ("day",), lambda _zone: key, text)


TIME: Final = (
    Dimension(
        name="date",
        label="Date",
        category="Time",
        scope="event",
        definition="The local day of the event in the property's time zone, as YYYYMMDD.",
        columns=("day",),
        key=lambda _zone: pl.col("day"),
        text=calendar.date_text,
        example="20261130",
    ),
    Dimension(
        name="hour",
        label="Hour",
        category="Time",
        scope="event",
        definition="The hour of the event in the property's time zone, 00 to 23. When the clocks go back, the hour"
        " that occurs twice counts as one.",
        columns=("time",),
        key=lambda zone: local_hours(zone) % 24,
        text=_two_digits,
        example="14",
    ),
    Dimension(
        name="dateHour",
        label="Date and hour",
        category="Time",
        scope="event",
        definition="Day and hour of the event in the property's time zone, as YYYYMMDDHH.",
        columns=("time",),
        key=local_hours,
        text=_calendar_and_hour,
        example="2026113014",
    ),
    Dimension(
        name="minute",
        label="Minute",
        category="Time",
        scope="event",
        definition="The minute of the event within its hour in the property's time zone, 00 to 59.",
        columns=("time",),
        key=lambda zone: local_minutes(zone) % 60,
        text=_two_digits,
        divides_hours=True,
        example="05",
    ),
    Dimension(
        name="dateHourMinute",
        label="Date, hour and minute",
        category="Time",
        scope="event",
        definition="Day, hour and minute of the event in the property's time zone, as YYYYMMDDHHMM.",
        columns=("time",),
        key=local_minutes,
        text=_calendar_and_minute,
        divides_hours=True,
        example="202611301405",
    ),
    _of_day(
        "day",
        "Day of the month",
        "The local day of the event within its month, 01 to 31.",
        calendar.DAY,
        _two_digits,
        example="30",
    ),
    _of_day(
        "dayOfWeek",
        "Day of the week",
        "The local day of the event within its week, from 0 for Sunday to 6 for Saturday.",
        calendar.WEEKDAY,
        plain,
        example="1",
    ),
    _of_day(
        "dayOfWeekName",
        "Name of the weekday",
        "The English name of the event's local day, such as Sunday.",
        calendar.WEEKDAY,
        calendar.weekday_name,
        example="Monday",
    ),
    _of_day(
        "week",
        "Week",
        "The week of the event's local day, 01 to 54. Weeks begin on Sunday; 1 January is in week 01.",
        calendar.WEEK,
        _two_digits,
        example="49",
    ),
    _of_day(
        "yearWeek",
        "Year and week",
        "Year and week of the event's local day, as YYYYWW. Weeks begin on Sunday; 1 January is in week 01.",
        calendar.YEAR * 100 + calendar.WEEK,
        plain,
        example="202649",
    ),
    _of_day(
        "isoWeek",
        "ISO week",
        "The ISO week of the event's local day, 01 to 53. It begins on Monday; 4 January is in week 01.",
        calendar.ISO_WEEK,
        _two_digits,
        example="49",
    ),
    _of_day(
        "isoYear",
        "ISO year",
        "The year to which the ISO week of the event's local day belongs.",
        calendar.ISO_YEAR,
        plain,
        example="2026",
    ),
    _of_day(
        "isoYearIsoWeek",
        "ISO year and week",
        "ISO year and ISO week of the event's local day, as YYYYWW.",
        calendar.ISO_YEAR * 100 + calendar.ISO_WEEK,
        plain,
        example="202649",
    ),
    _of_day(
        "month", "Month", "The month of the event's local day, 01 to 12.", calendar.MONTH, _two_digits, example="11"
    ),
    _of_day("year", "Year", "The year of the event's local day, such as 2026.", calendar.YEAR, plain, example="2026"),
    _of_day(
        "yearMonth",
        "Year and month",
        "Year and month of the event's local day, as YYYYMM.",
        calendar.YEAR * 100 + calendar.MONTH,
        plain,
        example="202611",
    ),
)
