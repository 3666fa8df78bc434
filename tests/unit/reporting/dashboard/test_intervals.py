"""The moments of a chart are the values that a report by the same interval has, for any period in any zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporting.dashboard.intervals import INTERVALS, choose_interval, fitting_intervals
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import Report
from tests.support.builders import view_of

# Clocks that change by an hour, by half an hour, at midnight, by a whole day; and distances of a quarter of an hour.
ZONES: Final = (
    "Etc/UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Cairo",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
CHANGES: Final = ("2026-03-29", "2026-10-25", "2026-10-04", "2026-04-05", "2026-03-08", "2026-04-24", "2026-10-30")
STEP: Final = {"minute": timedelta(minutes=1), "hour": timedelta(minutes=15)}

days = st.sampled_from(CHANGES).map(date.fromisoformat) | st.dates(date(2001, 1, 1), date(2030, 12, 31))


def instants(period: ChosenPeriod, zone: str, step: timedelta) -> list[datetime]:
    """Instants of all steps of a period's days, in UTC."""
    begin, end = (
        datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for day in (period.first, period.last + timedelta(days=1))
    )
    return [begin + step * number for number in range((end - begin) // step)]


def in_a_report(period: ChosenPeriod, zone: str, interval: str) -> list[str]:
    """The values of the interval's dimension in a report of a period in which something happens all the time."""
    at = instants(period, zone, STEP.get(interval, timedelta(hours=6)))
    dimension = INTERVALS[interval].dimension
    report = Report(date_ranges=(period.as_range(),), dimensions=(dimension,), metrics=("eventCount",), limit=20_000)
    answer = run(report, view_of(*({"at": moment} for moment in at), zone=zone), Now.at_end_of(period.last, zone))
    return sorted(row.dimensions[0] for row in answer.rows)


def keys(period: ChosenPeriod, zone: str, interval: str) -> list[str]:
    end = datetime(period.last.year, period.last.month, period.last.day, 23, 59, tzinfo=ZoneInfo(zone))
    return [moment.key for moment in INTERVALS[interval].moments(period, end)]


def test_it_works() -> None:
    period = ChosenPeriod(date(2026, 12, 30), date(2027, 1, 2))
    assert keys(period, "Europe/Berlin", "day") == ["20261230", "20261231", "20270101", "20270102"]
    assert keys(period, "Europe/Berlin", "week") == ["202653"]
    assert keys(period, "Europe/Berlin", "month") == ["202612", "202701"]
    assert keys(period, "Europe/Berlin", "year") == ["2026", "2027"]
    assert len(keys(period, "Europe/Berlin", "hour")) == 96


@given(days, st.integers(1, 3), st.sampled_from(ZONES))
@example(date(2026, 3, 29), 1, "Europe/Berlin")
@example(date(2026, 10, 25), 1, "Europe/Berlin")
@example(date(2026, 10, 4), 1, "Australia/Lord_Howe")
@example(date(2026, 4, 24), 1, "Africa/Cairo")
@example(date(2011, 12, 29), 3, "Pacific/Apia")
def test_hours_are_those_of_the_report(first: date, length: int, zone: str) -> None:
    period = ChosenPeriod(first, first + timedelta(days=length - 1))
    assert keys(period, zone, "hour") == in_a_report(period, zone, "hour")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", CHANGES[:4])
def test_minutes_are_those_of_the_report(day: str, zone: str) -> None:
    period = ChosenPeriod(date.fromisoformat(day), date.fromisoformat(day))
    assert keys(period, zone, "minute") == in_a_report(period, zone, "minute")


@given(days, st.integers(1, 40), st.sampled_from(ZONES), st.sampled_from(["day", "week", "month", "year"]))
@example(date(2011, 12, 20), 20, "Pacific/Apia", "day")
def test_days_and_longer_ones_are_those_of_the_report(first: date, length: int, zone: str, interval: str) -> None:
    period = ChosenPeriod(first, first + timedelta(days=length - 1))
    assert keys(period, zone, interval) == in_a_report(period, zone, interval)


@given(days, st.integers(1, 4_000), st.sampled_from(["day", "week", "month", "year"]))
def test_no_gaps_and_none_twice(first: date, length: int, interval: str) -> None:
    period = ChosenPeriod(first, first + timedelta(days=length - 1))
    moments = INTERVALS[interval].moments(period, datetime(2031, 1, 1, tzinfo=UTC))
    begins = [date.fromisoformat(moment.x) for moment in moments]
    longest = {"day": 1, "week": 7, "month": 31, "year": 366}[interval]
    assert begins == sorted(set(begins))
    assert begins[0] <= period.first < begins[0] + timedelta(days=longest)
    assert begins[-1] <= period.last < begins[-1] + timedelta(days=longest)
    assert all(later - earlier <= timedelta(days=longest) for earlier, later in zip(begins, begins[1:], strict=False))
    assert len({moment.text for moment in moments}) == len(moments)


@pytest.mark.parametrize("clock", ["00:00", "00:01", "01:59", "03:00", "15:30", "23:59"])
def test_moments_to_come_are_left_out(clock: str) -> None:
    now = datetime.fromisoformat(f"2026-03-29T{clock}").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    period = ChosenPeriod(now.date(), now.date())
    for interval, step in (("hour", f"{now:%Y%m%d%H}"), ("minute", f"{now:%Y%m%d%H%M}")):
        moments = [moment.key for moment in INTERVALS[interval].moments(period, now)]
        assert moments == [key for key in keys(period, "Europe/Berlin", interval) if key <= step]


@given(st.integers(1, 12_000))
def test_some_interval_fits_and_is_chosen(length: int) -> None:
    period = ChosenPeriod(date(2000, 1, 2), date(2000, 1, 2) + timedelta(days=length - 1))
    chosen = choose_interval({}, period)
    assert chosen.complaint == ""
    assert chosen.name in fitting_intervals(period)
    for name in INTERVALS:
        asked = choose_interval({"by": name}, period)
        assert asked.name == (name if name in fitting_intervals(period) else chosen.name)
        assert bool(asked.complaint) == (name not in fitting_intervals(period))


@pytest.mark.parametrize(
    ("length", "name"),
    [(1, "hour"), (2, "hour"), (3, "day"), (190, "day"), (191, "week"), (800, "week"), (801, "month")],
)
def test_the_default(length: int, name: str) -> None:
    period = ChosenPeriod(date(2020, 1, 1), date(2020, 1, 1) + timedelta(days=length - 1))
    assert choose_interval({}, period).name == name


def test_an_interval_that_does_not_fit_is_named() -> None:
    period = ChosenPeriod(date(2026, 11, 1), date(2026, 11, 7))
    assert choose_interval({"by": "century"}, period).complaint == (
        "“century” does not fit as an interval of these days; hour, day do."
    )
