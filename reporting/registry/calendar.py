"""Parts of the calendar, as integers, from the column `day` (days since 1970)."""

from typing import Final

import polars as pl

_DATE: Final = pl.col("day").cast(pl.Date)
_SUNDAY: Final = 3  # 4 January 1970, as days since 1970

DAY: Final = _DATE.dt.day()
MONTH: Final = _DATE.dt.month()
YEAR: Final = _DATE.dt.year()
ISO_WEEK: Final = _DATE.dt.week()
ISO_YEAR: Final = _DATE.dt.iso_year()
WEEKDAY: Final = (pl.col("day") - _SUNDAY) % 7  # 0: Sunday
# 1 January 2026 is a Thursday, weekday 4: Saturday the 3rd is (2 + 4) // 7 + 1 = week 1, Sunday the 4th week 2.
_NEW_YEAR: Final = pl.col("day") - _DATE.dt.ordinal_day() + 1
WEEK: Final = (_DATE.dt.ordinal_day() - 1 + (_NEW_YEAR - _SUNDAY) % 7) // 7 + 1


def date_text(day: pl.Expr) -> pl.Expr:
    """Writes days since 1970 as YYYYMMDD."""
    return day.cast(pl.Date).dt.to_string("%Y%m%d")


def weekday_name(weekday: pl.Expr) -> pl.Expr:
    """Returns the English names of weekdays from 0, Sunday."""
    return (weekday + _SUNDAY).cast(pl.Int32).cast(pl.Date).dt.to_string("%A")
