"""Local days and months of a property's zone, as exact UTC instants: a day has 23, 24 or 25 hours, and some have no
midnight.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, cast
from zoneinfo import ZoneInfo

import polars as pl

from processing.schema import DAY_MS

EPOCH: Final = date(1970, 1, 1)


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
    after = first + timedelta(days=1) if len(key) == 10 else (first + timedelta(days=31)).replace(day=1)
    days = [first + timedelta(days=n) for n in range((after - first).days + 1)]
    return Period(key, day_number(first), tuple(day_start(day, zone) for day in days))


def day_start(day: date, zone: str) -> int:
    """Returns the instant (ms) at which a local day begins; where its midnight is skipped, the instant of the skip."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=number)


def day_key(number: int) -> str:
    return day_of(number).isoformat()


def month_key(number: int) -> str:
    return day_key(number)[:7]


def local_days(times: pl.Series, zone: str) -> pl.Series:
    """Returns the local day number (Int32) of each instant (ms)."""
    if times.is_empty():
        return pl.Series("day", [], dtype=pl.Int32)
    days = (times // DAY_MS).cast(pl.Int32)
    first, last = cast(int, days.min()) - 1, cast(int, days.max()) + 2
    starts = pl.Series([day_start(day_of(number), zone) for number in range(first, last + 1)], dtype=pl.Int64)
    found = starts.search_sorted(times, side="right")
    return (found.cast(pl.Int32) - 1 + first).alias("day")


def microseconds(moment: datetime) -> int:
    """Since 1970, in UTC, of an aware datetime; exact."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def milliseconds(moment: datetime) -> int:
    """Since 1970, in UTC, of an aware datetime; rounded down."""
    return microseconds(moment) // 1000
