"""Web vitals in both forms in which clients send them, and errors."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.custom_values import LARGEST
from processing.pipeline.process import process
from processing.pipeline.steps.measurements import MEASUREMENTS, measurements
from processing.schema import EVENTS
from tests.support.raw_rows import RULES, ga4, raw, stepped_through

NOTHING = (None, None, None, None)


def measured(*events: tuple[str, dict[str, str]]) -> list[tuple[Any, ...]]:
    rows = [ga4(number, en=name, rest=urlencode(sent)) for number, (name, sent) in enumerate(events)]
    found: list[tuple[Any, ...]] = process(raw(rows), RULES).events.sort("position").select(*MEASUREMENTS).rows()
    return found


def test_it_works() -> None:
    assert measured(
        ("LCP", {"epn.value": "12", "epn.metric_value": "2512.3", "ep.metric_rating": "poor"}),
        ("web_vitals", {"ep.metric_name": "CLS", "epn.metric_value": "0.0500004"}),
        ("exception", {"ep.description": "TypeError: x is undefined", "ep.fatal": "true"}),
        ("page_view", {"epn.metric_value": "1", "ep.description": "a page", "ep.fatal": "true"}),
    ) == [
        ("LCP", 2_512_300_000, None, None),
        ("CLS", 50_000, None, None),
        (None, None, "TypeError: x is undefined", True),
        NOTHING,
    ]


@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        ("INP", {"epn.value": "200"}, ("INP", 200_000_000)),
        ("INP", {"epn.metric_value": "x", "epn.value": "200"}, ("INP", 200_000_000)),
        ("web-vitals", {"ep.name": "ttfb", "ep.value": "8e2"}, ("TTFB", 800_000_000)),
        ("web_vitals", {"ep.metric_name": "", "ep.name": "FCP", "epn.value": "0"}, ("FCP", 0)),
        ("LCP", {"ep.metric_name": "CLS", "epn.value": "1"}, ("LCP", 1_000_000)),
        ("LCP", {"epn.value": "1e308"}, ("LCP", LARGEST)),
        ("LCP", {}, (None, None)),
        ("lcp", {"epn.value": "1"}, (None, None)),
        ("web_vitals", {"epn.value": "1"}, (None, None)),
        ("web_vitals", {"ep.metric_name": "FID", "epn.value": "1"}, (None, None)),
        ("LCP", {"epn.value": "-1"}, (None, None)),
        ("LCP", {"epn.value": "-1e308"}, (None, None)),
        ("LCP", {"ep.value": "nan"}, (None, None)),
        ("LCP", {"ep.value": "inf"}, (None, None)),
        ("LCP", {"ep.value": '{"a":[1]}'}, (None, None)),
    ],
)
def test_vitals(name: str, sent: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert measured((name, sent)) == [(*expected, None, None)]


@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        ("exception", {}, (None, False)),
        ("app_exception", {"epn.fatal": "1"}, (None, True)),
        ("exception", {"ep.message": " late "}, ("late", False)),
        ("exception", {"ep.description": "é" * 300}, ("é" * 255, False)),
        ("exception", {"ep.description": "\x00<script>&=\u202e"}, ("\x00<script>&=\u202e", False)),
        ("Exception", {"ep.description": "x"}, (None, None)),
    ],
)
def test_errors(name: str, sent: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert measured((name, sent)) == [(None, None, *expected)]


def test_other_events_of_a_hit_measure_nothing() -> None:
    """Neither do the events that it implies."""
    rows = [ga4(1, en="LCP", rest="epn.value=5", _ss="1", _fv="1"), ga4(1, index=1)]
    events = process(raw(rows), RULES).events.sort("index").select("event", *MEASUREMENTS).rows()
    assert events == [
        ("first_visit", *NOTHING),
        ("session_start", *NOTHING),
        ("LCP", "LCP", 5_000_000, None, None),
        ("page_view", *NOTHING),
    ]


def test_a_batch_without_measurements_is_left_as_it_is() -> None:
    before = stepped_through(RULES, ga4(1), ga4(2, en=None), until="key_events")
    assert measurements(before, RULES) is before


@given(st.sampled_from(["LCP", "web_vitals", "exception"]), st.text(max_size=60), st.text(max_size=300))
def test_hostile_text(name: str, first: str, second: str) -> None:
    sent = {"ep.metric_name": first, "ep.metric_value": second, "ep.description": second, "ep.fatal": first}
    try:
        rest = urlencode(sent)
    except UnicodeEncodeError:
        return
    rows = process(raw([ga4(1, en=name, rest=rest)]), RULES).events
    assert rows.height == 1
    assert rows.select(*MEASUREMENTS).schema == {column: EVENTS[column] for column in MEASUREMENTS}
