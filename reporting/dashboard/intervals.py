"""The intervals of a chart over time: minutes, hours, days, weeks, months or years, and their moments."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from reporting.dashboard.period_picker import ChosenPeriod, first_day_of
from reporting.dashboard.quoting import quoted

HOUR: Final = timedelta(hours=1)


class Moment(NamedTuple):
    """The start of an interval: as the dimension's value, in the format of plotly, and for people (in full, on an
    axis).
    """

    key: str
    x: str
    text: str
    short: str


class Interval(NamedTuple):
    """`fewest` and `most`: the numbers of days for which it fits."""

    label: str
    dimension: str
    fewest: int
    most: int
    moments: Callable[[ChosenPeriod, datetime], list[Moment]]


def _minutes(period: ChosenPeriod, now: datetime) -> list[Moment]:
    step = timedelta(minutes=1)
    return [
        Moment(f"{at:%Y%m%d%H%M}", at.isoformat(), f"{at:%a} {at.day} {at:%b, %H:%M}", f"{at:%H:%M}")
        for at in _clock(period, now, step)
    ]


def _hours(period: ChosenPeriod, now: datetime) -> list[Moment]:
    return [
        Moment(f"{at:%Y%m%d%H}", at.isoformat(), f"{at:%a} {at.day} {at:%b, %H:00}", f"{at:%H:00}")
        for at in _clock(period, now, HOUR)
    ]


def _clock(period: ChosenPeriod, now: datetime, step: timedelta) -> list[datetime]:
    """The starts of the steps of a period that are not to come, on the property's wall clock. Steps that it left out,
    when summer time began, are none; those that it showed twice are one.
    """
    begin = datetime(period.first.year, period.first.month, period.first.day)  # noqa: DTZ001 - a wall clock
    count = period.days * (timedelta(days=1) // step)
    moments = (begin + step * number for number in range(count))
    return [at for at in moments if at <= now.replace(tzinfo=None) and _was_shown(at, step, now)]


def _was_shown(begin: datetime, step: timedelta, now: datetime) -> bool:
    """Whether the clock of the zone of `now` showed any time of a step: Samoa left out a whole day in 2011."""
    return any(
        at.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo).replace(tzinfo=None) == at
        for at in (begin, begin + step - timedelta(minutes=1))
    )


def _days(period: ChosenPeriod, now: datetime) -> list[Moment]:
    days = [datetime.combine(period.first, time()) + timedelta(days=number) for number in range(period.days)]
    shown = [day.date() for day in days if _was_shown(day, timedelta(days=1), now)]
    return [
        Moment(f"{day:%Y%m%d}", day.isoformat(), f"{day:%a} {day.day} {day:%b %Y}", f"{day.day} {day:%b}")
        for day in shown
    ]


def _weeks(period: ChosenPeriod, now: datetime) -> list[Moment]:
    return [
        Moment(f"{day:%G%V}", day.isoformat(), f"Week {day:%V}, from {day.day} {day:%b %Y}", f"{day.day} {day:%b}")
        for day in _firsts("week", period)
    ]


def _months(period: ChosenPeriod, now: datetime) -> list[Moment]:
    return [Moment(f"{day:%Y%m}", day.isoformat(), f"{day:%B %Y}", f"{day:%b %Y}") for day in _firsts("month", period)]


def _years(period: ChosenPeriod, now: datetime) -> list[Moment]:
    return [Moment(f"{day:%Y}", day.isoformat(), f"{day:%Y}", f"{day:%Y}") for day in _firsts("year", period)]


def _firsts(unit: str, period: ChosenPeriod) -> list[date]:
    """The first days of the weeks, months or years that have a day of the period."""
    days = (period.first + timedelta(days=number) for number in range(period.days))
    return list(dict.fromkeys(first_day_of(unit, day) for day in days))


INTERVALS: Final = {
    "minute": Interval("Minutes", "dateHourMinute", 1, 1, _minutes),
    "hour": Interval("Hours", "dateHour", 1, 7, _hours),
    "day": Interval("Days", "date", 2, 800, _days),
    "week": Interval("Weeks", "isoYearIsoWeek", 14, 4_000, _weeks),
    "month": Interval("Months", "yearMonth", 32, 20_000, _months),
    "year": Interval("Years", "year", 366, 100_000, _years),
}


class ChosenInterval(NamedTuple):
    name: str
    complaint: str = ""

    @property
    def interval(self) -> Interval:
        return INTERVALS[self.name]


def choose_interval(parameters: Mapping[str, str], period: ChosenPeriod) -> ChosenInterval:
    """Reads `by`; without it, hours for up to two days, days for up to half a year, then weeks and months."""
    fitting = fitting_intervals(period)
    default = next(
        name for name, days in (("hour", 2), ("day", 190), ("week", 800), ("month", 10**6)) if period.days <= days
    )
    name = parameters.get("by") or default
    if name in fitting:
        return ChosenInterval(name)
    fit = ", ".join(fitting)
    return ChosenInterval(default, f"{quoted(name)} does not fit as an interval of these days; {fit} do.")


def fitting_intervals(period: ChosenPeriod) -> dict[str, str]:
    """Returns the intervals that fit a period: name -> label."""
    return {name: each.label for name, each in INTERVALS.items() if each.fewest <= period.days <= each.most}
