"""Local hours and minutes of a time zone, by adding the offset that holds: quicker than converting each time."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000
_DAY: Final = timedelta(days=1)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + _DAY
_LATEST: Final = datetime.max.replace(tzinfo=UTC) - _DAY


def local_hours(zone: str) -> pl.Expr:
    """Returns the hours since 1970-01-01 00:00 on the zone's clock (Int32), from the column `time` (ms)."""
    return _local_units(zone, _HOUR_MS, pl.Int32())


def local_minutes(zone: str) -> pl.Expr:
    """Returns the minutes since 1970-01-01 00:00 on the zone's clock (Int64), from the column `time` (ms)."""
    return _local_units(zone, _MINUTE_MS, pl.Int64())  # those of the year 6054 do not fit into 32 bits


def _local_units(zone: str, unit_ms: int, dtype: pl.DataType) -> pl.Expr:
    return pl.col("time").map_batches(lambda times: (_local_ms(times, zone) // unit_ms).cast(dtype), return_dtype=dtype)


def _local_ms(times: pl.Series, zone: str) -> pl.Series:
    if times.is_empty():
        return times
    # Only years that occur: those between today and the year 9999 would take seconds.
    years = times.cast(pl.Datetime("ms")).dt.year().unique().sort().to_list()
    changes = [change for year in years for change in offset_changes(zone, year)]
    starts, offsets = (pl.Series(values, dtype=pl.Int64) for values in zip(*changes, strict=True))
    offset = offsets.gather(starts.search_sorted(times, side="right") - 1)
    return times + offset


@lru_cache(maxsize=4096)
def offset_changes(zone: str, year: int) -> tuple[tuple[int, int], ...]:
    """Returns (instant, offset from then on), both in ms, for the start of a UTC year and each change within it.

    Europe/Berlin, 2026: (1 January, +1 h), (29 March 01:00 UTC, +2 h), (25 October 01:00 UTC, +1 h).
    """
    clock, day = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)
    changes = [(int(day.timestamp()) * 1000, _offset(clock, day))]
    while day.year == year and day <= _LATEST:
        next_day = day + _DAY
        if _offset(clock, next_day) != changes[-1][1]:
            changes.append((_change_between(clock, day, next_day), _offset(clock, next_day)))
        day = next_day
    return tuple(changes)


def _offset(clock: ZoneInfo, instant: datetime) -> int:
    # Within a day of the calendar's ends the zone's clock would show a year that does not exist.
    offset = min(max(instant, _EARLIEST), _LATEST).astimezone(clock).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)


def _change_between(clock: ZoneInfo, start: datetime, end: datetime) -> int:
    """Returns the first second, in ms, at which the offset is not that of the start any more. Halves the span."""
    low, high, old = int(start.timestamp()), int(end.timestamp()), _offset(clock, start)
    while high - low > 1:
        middle = (low + high) // 2
        same = _offset(clock, datetime.fromtimestamp(middle, tz=UTC)) == old
        low, high = (middle, high) if same else (low, middle)
    return high * 1000
