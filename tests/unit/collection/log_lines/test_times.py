"""Times of access logs, as milliseconds since 1970."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.log_lines import time_ms

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOMENT = 1_794_304_800_000


@pytest.mark.parametrize(
    "text",
    [
        "10/Nov/2026:10:00:00 +0000",
        "10/Nov/2026:12:30:00 +02:30",
        "2026-11-10T10:00:00+00:00",
        "2026-11-10T11:00:00.000+0100",
        "2026-11-10T10:00:00Z",
        "2026-11-10T10:00:00.000000999Z",
        "2026-11-10 10:00:00",
        "1794304800",
        "1794304800.000",
        "1794304800.0009",
        "1794304800000",
        "1794304800000999",
        "1794304800000999999",
    ],
)
def test_it_works(text: str) -> None:
    assert time_ms(text) == MOMENT


@pytest.mark.parametrize("text", ["2026-11-10T10:00:00.123456Z", "1794304800.123", "1794304800123"])
def test_milliseconds_are_kept(text: str) -> None:
    assert time_ms(text) == MOMENT + 123


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "now", "1" * 30, "-5", "31/Feb/2026:10:00:00 +0000", "10/Nov/2026:24:00:00 +0000"),
        *("10/Nov/2026:10:00:61 +0000", "10/Nov/2026:10:00:00", "10/Nov/2026 10:00:00 +0000", "10/Nov/2026:10:00:0"),
        *("10/Nov/2026:10:00:00 +00x0", "10/Mai/2026:10:00:00 +0000", "2026-13-10T10:00:00Z", "9999-12-31T23:59:59Z"),
        *("10/Nov/2026:10:00:00 +0000 ", "\u0661\u0660/Nov/2026:10:00:00 +0000", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert time_ms(text) is None


@given(st.integers(86_400, 253_370_000_000), st.integers(-14 * 60, 14 * 60))
def test_times_are_those_of_the_calendar(seconds: int, ahead: int) -> None:
    time = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=ahead)))
    text = f"{time:%d}/{MONTHS[time.month - 1]}/{time.year:04}:{time:%H:%M:%S} {time:%z}"
    assert time_ms(text) == seconds * 1000


def test_a_leap_second_is_the_first_second_of_the_next_minute() -> None:
    assert time_ms("31/Dec/2016:23:59:60 +0000") == time_ms("01/Jan/2017:00:00:00 +0000")


@given(st.text() | st.from_regex(r"[0-9./:T +-]{10,30}", fullmatch=True))
def test_no_text_raises(text: str) -> None:
    time_ms(text)
