"""The days that a page of the dashboard shows, read from its address."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from reporting.model.date_ranges import EARLIEST
from reporting.model.report import DateRange

PERIODS: Final = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "28d": "Last 28 days",
    "90d": "Last 90 days",
    "365d": "Last 12 months",
}
DEFAULT: Final = "28d"
CUSTOM: Final = "custom"
SECOND_DAY: Final = EARLIEST + timedelta(days=1)  # the first day that has a day before it


class ChosenPeriod(NamedTuple):
    """Local days, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "ChosenPeriod":
        """As many days, immediately before, as far as reports go back."""
        return ChosenPeriod(max(self.first - timedelta(days=self.days), EARLIEST), self.first - timedelta(days=1))

    def as_range(self, name: str = "") -> DateRange:
        return DateRange(self.first.isoformat(), self.last.isoformat(), name)


class Choice(NamedTuple):
    """`name` is a key of PERIODS, or CUSTOM."""

    name: str
    period: ChosenPeriod


def choose(parameters: Mapping[str, str], today: date) -> Choice:
    """Reads `from` and `to`, else `period`. Unreadable days and unknown periods fall back to the default."""
    try:
        first, last = (date.fromisoformat(parameters[name]) for name in ("from", "to"))
    except (KeyError, ValueError):
        name = parameters.get("period", DEFAULT)
        return _named(name if name in PERIODS else DEFAULT, today)
    low, high = (min(max(day, SECOND_DAY), today) for day in sorted((first, last)))
    return Choice(CUSTOM, ChosenPeriod(low, high))


def choose_days(parameters: Mapping[str, str], today: date) -> ChosenPeriod:
    """Returns the days from `from` to `to`; the last seven if these name no days."""
    choice = choose(parameters, today)
    return choice.period if choice.name == CUSTOM else _named("7d", today).period


def _named(name: str, today: date) -> Choice:
    yesterday = today - timedelta(days=1)
    if name == "yesterday":
        return Choice(name, ChosenPeriod(yesterday, yesterday))
    days = 1 if name == "today" else int(name.removesuffix("d"))
    return Choice(name, ChosenPeriod(today - timedelta(days=days - 1), today))
