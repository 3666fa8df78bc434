"""Date ranges as callers write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.model.date_ranges import Days, read_day, resolve
from reporting.model.report import DateRange, ReportError

TODAY = date(2026, 3, 1)


def test_it_works() -> None:
    days = resolve((DateRange("7daysAgo", "yesterday"), DateRange("2026-01-31", "today", "year")), TODAY)
    assert days == (
        Days("date_range_0", date(2026, 2, 22), date(2026, 2, 28)),
        Days("year", date(2026, 1, 31), TODAY),
    )


@pytest.mark.parametrize(
    ("start", "end", "name", "advice"),
    [
        ("2026-02-30", "today", "", "not a day of the calendar"),
        ("1999-12-31", "today", "", "earliest day"),
        ("today", "yesterday", "", "exchange the two"),
        ("tomorrow", "today", "", "Write YYYY-MM-DD"),
        ("-1daysAgo", "today", "", "Write YYYY-MM-DD"),
        ("٣daysAgo", "today", "", "Write YYYY-MM-DD"),
        ("today", "today", "date_range_0", "reserved"),
        ("today", "today", "RESERVED_TOTAL", "reserved"),
    ],
)
def test_errors_say_what_to_write(start: str, end: str, name: str, advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        resolve((DateRange(start, end, name),), TODAY)


def test_two_ranges_need_two_names() -> None:
    with pytest.raises(ReportError, match="same name"):
        resolve((DateRange("today", "today", "x"), DateRange("yesterday", "today", "x")), TODAY)


@given(st.text(max_size=20) | st.from_regex(r"\d{1,9}daysAgo", fullmatch=True) | st.from_regex(r"\d{4}-\d\d-\d\d"))
def test_any_text_is_a_day_or_a_report_error(text: str) -> None:
    try:
        day = read_day(text, TODAY)
    except ReportError:
        return
    assert date(2000, 1, 1) <= day
