"""Days and months at the ends of the calendar, in zones on both sides of UTC: nothing overflows, nothing falls out."""

from datetime import UTC, date, datetime
from itertools import pairwise

import polars as pl
import pytest

from configuration import moments
from processing.ingest.decode import EARLIEST_MS, LATEST_MS
from processing.schema import DAY_MS
from processing.sessions import local_periods
from processing.sessions.local_periods import (
    FIRST_DAY,
    LAST_DAY,
    bounds,
    day_key,
    latest_day,
    local_days,
    period,
    start_of_day,
)
from reporting.registry.local_time import local_hours, offset_changes

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Adak", "Pacific/Kiritimati", "Asia/Tokyo"]


@pytest.mark.parametrize("zone", ZONES)
def test_it_works(zone: str) -> None:
    """Every instant that a hit may have lies in a day of the calendar, and in the bounds of that day."""
    ends = [EARLIEST_MS, EARLIEST_MS + DAY_MS, 0, LATEST_MS - DAY_MS, LATEST_MS - 1]
    for instant in ends:
        (number,) = local_days(pl.Series([instant], dtype=pl.Int64), zone)
        day = date.fromisoformat(day_key(number))
        start, end = bounds(day, day, zone)
        assert start <= instant < end
        assert period(day_key(number), zone).starts == (start, end)


@pytest.mark.parametrize("zone", ZONES)
def test_days_follow_each_other(zone: str) -> None:
    for near in (FIRST_DAY, 0, LAST_DAY):
        starts = [start_of_day(number, zone) for number in range(near - 3, near + 4)]
        assert all(before < after for before, after in pairwise(starts))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("key", "days"), [("0001-01", 31), ("9999-12", 31), ("2028-02", 29), ("2026-02", 28)])
def test_months(key: str, days: int, zone: str) -> None:
    assert len(period(key, zone).starts) == days + 1


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [1, 2026, 9999])
def test_the_clocks_of_reports(year: int, zone: str) -> None:
    assert offset_changes(zone, year)
    instants = [int(datetime(year, *day, tzinfo=UTC).timestamp()) * 1000 for day in ((1, 1), (12, 31))]
    assert pl.DataFrame({"time": instants}).select(local_hours(zone)).height == 2


@pytest.mark.parametrize("zone", ZONES)
def test_moments_are_shown(zone: str) -> None:
    assert "9999" in moments.moment(LATEST_MS - 1, zone)
    assert moments.moment(EARLIEST_MS, zone)


def test_the_latest_day_is_tomorrow_on_the_clock_of_the_zone() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert latest_day("UTC", now) == date(2026, 11, 21)
    assert latest_day("Pacific/Kiritimati", now) == date(2026, 11, 22)
    assert latest_day("UTC", datetime(9999, 12, 31, tzinfo=UTC)) == date.max


def test_one_hit_far_away_does_not_cost_all_days_between(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()
    real = local_periods.start_of_day

    def counted(number: int, zone: str) -> int:
        asked.append(number)
        return real(number, zone)

    monkeypatch.setattr(local_periods, "start_of_day", counted)
    times = pl.Series([EARLIEST_MS, 0, DAY_MS, LATEST_MS - 1], dtype=pl.Int64)
    assert local_days(times, "Europe/Berlin").to_list() == [FIRST_DAY, 0, 1, LAST_DAY]
    assert len(asked) < 20
    frame = pl.DataFrame({"time": times})
    assert frame.select(local_hours("Europe/Berlin")).height == 4
