import pytest

from processing.pipeline.steps.activity import activity
from processing.schema import DAY_MS
from tests.support.raw_rows import ga4, line, stepped


def test_it_works() -> None:
    row = stepped(activity, ga4(_et="1500", seg="1", _c="1")).row(0, named=True)
    assert (row["event"], row["page_view"], row["first_visit"], row["signals"]) == ("page_view", True, False, True)
    assert (row["key_event"], row["client_engaged"], row["engagement_ms"]) == (True, True, 1500)


def test_a_line_of_a_log_is_a_page_view_without_signals() -> None:
    row = stepped(activity, line(en="purchase")).row(0, named=True)
    assert (row["event"], row["page_view"], row["signals"], row["engagement_ms"]) == ("page_view", True, False, 0)
    assert (row["key_event"], row["client_engaged"]) == (False, False)


@pytest.mark.parametrize(("name", "view"), [("page_view", True), ("screen_view", True), ("scroll", False)])
def test_what_a_view_is(name: str, view: bool) -> None:
    assert stepped(activity, ga4(en=name))["page_view"].to_list() == [view]


def test_a_first_visit_that_is_named_is_one() -> None:
    assert stepped(activity, ga4(en="first_visit"))["first_visit"].to_list() == [True]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        *((None, 0), ("", 0), ("-5", 0), ("x", 0), ("9" * 30, 0), ("9" * 18, DAY_MS), ("0", 0), ("7", 7)),
        *(("1500.7", 1500), ("12.5", 12), ("12.", 12), ("0.9", 0), (".5", 0), ("-0.5", 0), ("x.5", 0)),
        ("99999999999.5", DAY_MS),
    ],
)
def test_engagement_time_is_a_sane_number(text: str | None, milliseconds: int) -> None:
    assert stepped(activity, ga4(_et=text))["engagement_ms"].to_list() == [milliseconds]


@pytest.mark.parametrize("text", [None, "", "0", "true", "11"])
def test_only_1_raises_a_flag(text: str | None) -> None:
    row = stepped(activity, ga4(seg=text, _c=text)).row(0, named=True)
    assert (row["key_event"], row["client_engaged"]) == (False, False)
