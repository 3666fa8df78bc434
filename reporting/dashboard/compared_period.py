"""The days that a page compares its period with, read from its address."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from reporting.dashboard.period_picker import (
    CUSTOM,
    LAST,
    Choice,
    ChosenPeriod,
    between,
    first_day_of,
    not_as_asked,
    read_day,
)
from reporting.dashboard.quoting import quoted
from reporting.model.date_ranges import EARLIEST

COMPARISONS: Final = {
    "previous": "The period before",
    "year": "The same dates last year",
    "weekdays": "The same weekdays last year",
    "none": "No comparison",
}
DEFAULT: Final = "previous"
CALENDAR: Final = ("week", "month", "quarter", "year")


class Compared(NamedTuple):
    """`name` is a key of COMPARISONS, or CUSTOM; `period` is None without a comparison."""

    name: str
    period: ChosenPeriod | None
    complaint: str = ""


def choose_compared(parameters: Mapping[str, str], choice: Choice, today: date) -> Compared:
    """Reads `compare`, or the days `compare_from` and `compare_to`."""
    named = {name: parameters[name] for name in ("compare_from", "compare_to") if parameters.get(name)}
    if not named:
        name = parameters.get("compare") or DEFAULT
        if name in COMPARISONS:
            return Compared(name, _periods(choice)[name]())
        return _instead(f"{quoted(name)} is not a comparison", choice)
    days = {name: read_day(text) for name, text in named.items()}
    first, last = days.get("compare_from"), days.get("compare_to")
    if first is None or last is None:
        wrong = [f"{quoted(named[name])} is not a day" for name, day in days.items() if day is None]
        return _instead("; ".join(wrong) or "Only one of “compare_from” and “compare_to” is given", choice)
    return Compared(CUSTOM, between(first, last, today), not_as_asked(first, last, today, "Compared days: "))


def _instead(wrong: str, choice: Choice) -> Compared:
    shown = COMPARISONS[DEFAULT].lower()
    return Compared(DEFAULT, _before(choice), f"{wrong}. This is compared with {shown}.")


def _periods(choice: Choice) -> dict[str, Callable[[], ChosenPeriod | None]]:
    period = choice.period
    return {
        "previous": lambda: _before(choice),
        "year": lambda: _moved(period, _a_year_before),
        "weekdays": lambda: _moved(period, lambda day: day - timedelta(weeks=52)),
        "none": lambda: None,
    }


def _before(choice: Choice) -> ChosenPeriod:
    """As many days immediately before; for a part of the calendar, such as this month so far, the same part of the
    month before.
    """
    unit = choice.name.removeprefix(LAST)
    if unit not in CALENDAR:
        return choice.period.before()
    end = choice.period.first - timedelta(days=1)
    first = max(first_day_of(unit, end), EARLIEST)
    whole = choice.name.startswith(LAST)
    return ChosenPeriod(first, end if whole else min(end, first + timedelta(days=choice.period.days - 1)))


def _moved(period: ChosenPeriod, back: Callable[[date], date]) -> ChosenPeriod:
    return ChosenPeriod(*(max(back(day), EARLIEST) for day in period))


def _a_year_before(day: date) -> date:
    """29 February becomes 28 February."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
