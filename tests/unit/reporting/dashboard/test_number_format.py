"""Numbers as people read them, and their changes."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reporting.dashboard.number_format import MINUS, change, compact, format_value
from reporting.registry.metrics import METRICS

counts = st.integers(0, 10**15)
shares = st.floats(0, 1)


def test_it_works() -> None:
    assert format_value("sessions", 1234) == "1,234"
    assert format_value("engagementRate", 0.254) == "25.4%"
    assert format_value("averageSessionDuration", 75) == "1m 15s"
    assert format_value("averageSessionDuration", 32.4) == "32s"
    assert compact("sessions", 12_500) == "12.5k"
    assert compact("engagementRate", 0.25) == "25%"
    assert compact("averageSessionDuration", 90) == "1m 30s"


@pytest.mark.parametrize(
    ("metric", "value", "was", "expected"),
    [
        ("sessions", 3, 2, ("+50.0%", "up")),
        ("sessions", 1, 4, (f"{MINUS}75.0%", "down")),
        ("sessions", 0, 4, (f"{MINUS}100%", "down")),
        ("sessions", 30, 2, ("+1,400%", "up")),
        ("sessions", 4, 4, ("0%", "same")),
        ("sessions", 4, 0, ("new", "new")),
        ("sessions", 0, 0, ("", "same")),
        ("engagementRate", 0.5, 0.25, ("+25.0 pts", "up")),
        ("engagementRate", 0.25, 0.5, (f"{MINUS}25.0 pts", "down")),
        ("engagementRate", 0.5, 0.5, ("0%", "same")),
    ],
)
def test_changes(metric: str, value: float, was: float, expected: tuple[str, str]) -> None:
    assert change(metric, value, was) == expected


@given(counts)
def test_a_count_is_written_whole(count: int) -> None:
    assert int(format_value("sessions", count).replace(",", "")) == count


@given(st.floats(0, 10**9))
def test_seconds_are_within_half_a_second(seconds: float) -> None:
    found = re.fullmatch(r"(?:(\d+)m )?(\d+)s", format_value("averageSessionDuration", seconds))
    assert found
    assert abs(60 * int(found[1] or 0) + int(found[2]) - seconds) <= 0.5
    assert int(found[2]) < 60


@given(counts)
def test_an_axis_shows_three_digits(count: int) -> None:
    found = re.fullmatch(r"([\d.]+)(?:e\+(\d+))?([kMG]?)", compact("sessions", count))
    assert found
    shown = float(found[1]) * 10 ** int(found[2] or 0) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[3]]
    assert shown == pytest.approx(count, rel=0.005)


@given(st.sampled_from(["sessions", "averageSessionDuration"]), counts, counts)
def test_relative_changes_are_true(metric: str, value: int, was: int) -> None:
    assume(was)
    words, direction = change(metric, value, was)
    number = float(words.replace(MINUS, "-").removesuffix("%").replace(",", "")) / 100
    assert number == pytest.approx((value - was) / was, rel=0.01, abs=0.0006)
    assert direction == ("same" if words == "0%" else "up" if value > was else "down")


@given(shares, shares)
def test_changes_of_shares_are_differences(value: float, was: float) -> None:
    assume(was)
    words, direction = change("engagementRate", value, was)
    number = 0.0 if words == "0%" else float(words.replace(MINUS, "-").removesuffix(" pts"))
    assert number == pytest.approx(100 * (value - was), abs=0.051)
    assert direction == ("same" if words == "0%" else "up" if value > was else "down")


@given(st.sampled_from(sorted(METRICS)), st.floats(0, 10**12))
def test_every_metric_has_a_form(metric: str, value: float) -> None:
    for text in (format_value(metric, value), compact(metric, value)):
        assert text
        assert text.isprintable()
