"""The days that a page compares with: for every period and comparison, in leap years, and before the data begin."""

from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reporting.dashboard.compared_period import COMPARISONS, Compared, choose_compared
from reporting.dashboard.period_picker import CUSTOM, PERIODS, SECOND_DAY, ChosenPeriod, choose
from reporting.model.date_ranges import EARLIEST

TODAY: Final = date(2026, 11, 20)
days = st.dates(date(2003, 1, 1), date(2040, 12, 31))  # today


def compared(today: date = TODAY, /, **parameters: str) -> Compared:
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    return choose_compared(named, choose(named, today), today)


def between(first: str, last: str) -> ChosenPeriod:
    return ChosenPeriod(date.fromisoformat(first), date.fromisoformat(last))


def test_it_works() -> None:
    assert compared(period="7d") == ("previous", between("2026-11-07", "2026-11-13"), "")
    assert compared(period="7d", compare="year").period == between("2025-11-14", "2025-11-20")
    assert compared(period="7d", compare="weekdays").period == between("2025-11-15", "2025-11-21")
    assert compared(period="7d", compare="none").period is None
    assert compared(period="7d", compare_from="2026-01-01", compare_to="2026-01-31") == (
        CUSTOM,
        between("2026-01-01", "2026-01-31"),
        "",
    )


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-11-19", "2026-11-19"),
        ("yesterday", "2026-11-18", "2026-11-18"),
        ("week", "2026-11-09", "2026-11-13"),  # Monday to Friday, as far as this week has come
        ("last-week", "2026-11-02", "2026-11-08"),
        ("month", "2026-10-01", "2026-10-20"),
        ("last-month", "2026-09-01", "2026-09-30"),
        ("quarter", "2026-07-01", "2026-08-20"),
        ("last-quarter", "2026-04-01", "2026-06-30"),
        ("year", "2025-01-01", "2025-11-20"),
        ("last-year", "2024-01-01", "2024-12-31"),
    ],
)
def test_the_period_before_is_the_same_part_of_the_calendar(period: str, first: str, last: str) -> None:
    assert compared(period=period).period == between(first, last)


@pytest.mark.parametrize(
    ("today", "last"), [("2026-03-31", "2026-02-28"), ("2028-03-30", "2028-02-29"), ("2026-03-01", "2026-02-01")]
)
def test_a_month_before_that_is_shorter(today: str, last: str) -> None:
    assert compared(date.fromisoformat(today), period="month").period == between(f"{last[:8]}01", last)


@pytest.mark.parametrize(
    ("first", "last", "year"),
    [
        ("2028-02-29", "2028-02-29", ("2027-02-28", "2027-02-28")),
        ("2028-02-01", "2028-02-29", ("2027-02-01", "2027-02-28")),
        ("2027-02-01", "2027-02-28", ("2026-02-01", "2026-02-28")),
        ("2029-02-28", "2029-03-01", ("2028-02-28", "2028-03-01")),
    ],
)
def test_leap_days(first: str, last: str, year: tuple[str, str]) -> None:
    today = date(2040, 1, 1)
    assert compared(today, from_=first, to=last, compare="year").period == between(*year)


@given(days, st.integers(0, 800), st.sampled_from(sorted(PERIODS)), st.sampled_from(sorted(COMPARISONS)))
@example(date(2028, 2, 29), 0, "today", "year")
def test_every_period_and_comparison(today: date, since: int, name: str, comparison: str) -> None:
    choice = choose({"period": name}, today, begins=today - timedelta(days=since))
    found = choose_compared({"compare": comparison}, choice, today)
    assert (found.name, found.complaint) == (comparison, "")
    if found.period is None:
        assert comparison == "none"
        return
    assert EARLIEST <= found.period.first <= found.period.last <= today
    if found.period.first > EARLIEST:
        assert found.period.days <= choice.period.days + (31 if name == "last-month" else 2)
        assert found.period.last < choice.period.first or comparison != "previous"


@pytest.mark.parametrize("comparison", ["previous", "year", "weekdays"])
@pytest.mark.parametrize("length", [1, 2, 400])
def test_where_reports_begin(comparison: str, length: int) -> None:
    last = SECOND_DAY + timedelta(days=length - 1)
    found = compared(from_=str(SECOND_DAY), to=str(last), compare=comparison).period
    assert found
    assert EARLIEST == found.first <= found.last < SECOND_DAY + timedelta(days=length)


@given(days, st.integers(1, 60))
def test_weekdays_are_the_same(last: date, length: int) -> None:
    period = {"from": str(max(last - timedelta(days=length), date(2001, 6, 1))), "to": str(max(last, date(2001, 6, 1)))}
    today = date(2040, 12, 31)
    choice = choose(period, today)
    found = choose_compared({"compare": "weekdays"}, choice, today).period
    assert found
    assert found.days == choice.period.days
    assert [day.weekday() for day in found] == [day.weekday() for day in choice.period]
    assert choice.period.first - found.first == timedelta(days=364)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"compare": "decade"}, "“decade” is not a comparison. This is compared with the period before."),
        (
            {"compare_from": "2026-01-01"},
            "Only one of “compare_from” and “compare_to” is given. This is compared with the period before.",
        ),
        (
            {"compare_from": "2026-02-30", "compare_to": "x"},
            "“2026-02-30” is not a day; “x” is not a day. This is compared with the period before.",
        ),
        (
            {"compare_from": "2026-02-03", "compare_to": "2026-02-01"},
            "Compared days: the first day was after the last, so they were exchanged.",
        ),
        (
            {"compare_from": "1999-01-01", "compare_to": "2030-01-01"},
            "Compared days: there are no reports before 2 Jan 2000; days to come are left out.",
        ),
    ],
)
def test_what_cannot_be_followed_is_named(parameters: dict[str, str], complaint: str) -> None:
    found = compared(period="7d", **parameters)
    assert found.complaint == complaint
    assert found.period
    assert found.name == ("previous" if "period before" in complaint else CUSTOM)


@given(st.dictionaries(st.sampled_from(["compare", "compare_from", "compare_to"]), st.text(max_size=12)))
def test_any_text_has_an_answer(parameters: dict[str, str]) -> None:
    found = compared(period="7d", **parameters)
    assert found.complaint.isprintable() or not found.complaint
    assert found.name in {*COMPARISONS, CUSTOM}
