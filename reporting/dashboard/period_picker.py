"""The days that a page of the dashboard shows, read from its address."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from configuration import moments
from reporting.dashboard.quoting import quoted
from reporting.model.date_ranges import EARLIEST
from reporting.model.report import DateRange

PERIODS: Final = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "28d": "Last 28 days",
    "90d": "Last 90 days",
    "365d": "Last 12 months",
    "week": "This week",
    "last-week": "Last week",
    "month": "This month",
    "last-month": "Last month",
    "quarter": "This quarter",
    "last-quarter": "Last quarter",
    "year": "This year",
    "last-year": "Last year",
    "all": "All time",
}
DEFAULT: Final = "28d"
CUSTOM: Final = "custom"
LAST: Final = "last-"
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
    """`name` is a key of PERIODS, or CUSTOM. `complaint` says what of the address could not be followed."""

    name: str
    period: ChosenPeriod
    complaint: str = ""


def choose(parameters: Mapping[str, str], today: date, default: str = DEFAULT, begins: date | None = None) -> Choice:
    """Reads `from` and `to`, else `period`. What cannot be followed is named in the choice, and the rest is.

    `begins` is the first day that has data, which is where "all time" begins.
    """
    begins = min(begins or today, today)
    named = {name: parameters[name] for name in ("from", "to") if parameters.get(name)}
    if not named:
        name = parameters.get("period") or default
        if name in PERIODS:
            return _named(name, today, begins)
        return _instead(f"{quoted(name)} is not a period", default, today, begins)
    days = {name: read_day(text) for name, text in named.items()}
    wrong = [f"{quoted(named[name])} is not a day" for name, day in days.items() if day is None]
    first, last = days.get("from"), days.get("to")
    if first is None or last is None:
        missing = "Only one of the days “from” and “to” is given" if len(named) == 1 else ""
        return _instead("; ".join(wrong) or missing, default, today, begins)
    return Choice(CUSTOM, between(first, last, today), not_as_asked(first, last, today))


def choose_days(parameters: Mapping[str, str], today: date) -> Choice:
    """The days from `from` to `to`; the last seven if these name no days."""
    return choose({name: parameters.get(name, "") for name in ("from", "to")}, today, "7d")


def between(first: date, last: date, today: date) -> ChosenPeriod:
    """The days between two, in any order, of which reports can be made."""
    low, high = (min(max(day, SECOND_DAY), today) for day in sorted((first, last)))
    return ChosenPeriod(low, high)


def not_as_asked(first: date, last: date, today: date, begin: str = "") -> str:
    """What of two readable days is not shown as it was asked for, after `begin`; "" if all is."""
    wrong = [
        *(["the first day was after the last, so they were exchanged"] if first > last else []),
        *([f"there are no reports before {moments.day(SECOND_DAY)}"] if min(first, last) < SECOND_DAY else []),
        *(["days to come are left out"] if max(first, last) > today else []),
    ]
    text = begin + "; ".join(wrong)
    return f"{text[:1].upper()}{text[1:]}." if wrong else ""


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def first_day_of(unit: str, day: date) -> date:
    """The first day of the week (Monday), month, quarter or year that has this day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "year":
        return day.replace(month=1, day=1)
    return day.replace(month=day.month if unit == "month" else (day.month - 1) // 3 * 3 + 1, day=1)


def _named(name: str, today: date, begins: date) -> Choice:
    if name == "all":
        return Choice(name, ChosenPeriod(max(begins, SECOND_DAY), today))
    if name == "yesterday":
        return Choice(name, ChosenPeriod(today - timedelta(days=1), today - timedelta(days=1)))
    if name == "today" or name.endswith("d"):
        days = 1 if name == "today" else int(name.removesuffix("d"))
        return Choice(name, ChosenPeriod(today - timedelta(days=days - 1), today))
    unit = name.removeprefix(LAST)
    first = first_day_of(unit, today)
    if name == unit:
        return Choice(name, ChosenPeriod(first, today))
    last = first - timedelta(days=1)
    return Choice(name, ChosenPeriod(first_day_of(unit, last), last))


def _instead(wrong: str, default: str, today: date, begins: date) -> Choice:
    """The default, and why it is shown."""
    shown = PERIODS[default].lower()
    return _named(default, today, begins)._replace(complaint=f"{wrong}. These are the {shown}.")
