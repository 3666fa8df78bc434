"""Local days and months of a property's zone, as exact UTC instants: a day has 23, 24 or 25 hours, and some have no
midnight.

Nothing here overflows: instants of the years 1 to 9999 lie in days of the calendar in every zone, and the day after its
last one has a start too.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from processing.schema import DAY_MS

EPOCH: Final = date(1970, 1, 1)
FIRST_DAY: Final = (date.min - EPOCH).days
LAST_DAY: Final = (date.max - EPOCH).days


class Period(NamedTuple):
    """A local day ("2026-11-24") or month ("2026-11"): `starts` are the UTC instants (ms) of its days, and of the day
    after.
    """

    key: str
    first_day: int
    starts: tuple[int, ...]

    @property
    def start(self) -> int:
        return self.starts[0]

    @property
    def end(self) -> int:
        return self.starts[-1]

    @property
    def last_day(self) -> int:
        return self.first_day + len(self.starts) - 2


@lru_cache(maxsize=4096)
def period(key: str, zone: str) -> Period:
    """Returns the period that the key names. Raises ValueError where it names none."""
    first = date.fromisoformat(key if len(key) == 10 else f"{key}-01")
    days = 1 if len(key) == 10 else monthrange(first.year, first.month)[1]
    number = day_number(first)
    return Period(key, number, tuple(start_of_day(day, zone) for day in range(number, number + days + 1)))


def day_start(day: date, zone: str) -> int:
    """Returns the instant (ms) at which a local day begins; where its midnight is skipped, the instant of the skip."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def start_of_day(number: int, zone: str) -> int:
    """Returns the instant (ms) at which the local day of this number begins.

    The last day of the calendar ends with the UTC year 9999, and the first one begins with the UTC year 1 at the
    latest, whatever the zone's clock says.
    """
    if not FIRST_DAY <= number <= LAST_DAY:
        return number * DAY_MS
    start = day_start(day_of(number), zone)
    return start if number > FIRST_DAY else min(start, FIRST_DAY * DAY_MS)


def bounds(first: date, last: date, zone: str) -> tuple[int, int]:
    """Returns the first instant (ms) of the local day `first`, and the first one after `last`."""
    return start_of_day(day_number(first), zone), start_of_day(day_number(last) + 1, zone)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=number)


def day_key(number: int) -> str:
    return day_of(number).isoformat()


def month_key(number: int) -> str:
    return day_key(number)[:7]


def latest_day(zone: str, now: datetime) -> date:
    """Returns tomorrow on the zone's clock. Days after it are refused where work would be done for them: a typing error
    such as 9999 for 2026 would only ever find nothing.
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    return day_of(min(day_number(today) + 1, LAST_DAY))


def local_days(times: pl.Series, zone: str) -> pl.Series:
    """Returns the local day number (Int32) of each instant (ms)."""
    if times.is_empty():
        return pl.Series("day", [], dtype=pl.Int32)
    # The day's number on the zone's clock is that of UTC, or the one before or after. Only days near an instant are
    # looked at: one hit of the year 9999 among those of today must not cost millions of days.
    utc_days = (times // DAY_MS).unique().to_list()
    near = sorted({day + shift for day in utc_days for shift in (-1, 0, 1, 2)})
    starts = pl.Series([start_of_day(number, zone) for number in near], dtype=pl.Int64)
    numbers = pl.Series("day", near, dtype=pl.Int32)
    return numbers.gather(starts.search_sorted(times, side="right") - 1)


def microseconds(moment: datetime) -> int:
    """Since 1970, in UTC, of an aware datetime; exact."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def milliseconds(moment: datetime) -> int:
    """Since 1970, in UTC, of an aware datetime; rounded down."""
    return microseconds(moment) // 1000
