"""Dimensions of sessions, campaigns and interactions: their values, and what they show where nothing is known."""

from datetime import date
from typing import Any

import pytest

from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import BetweenFilter, ByDimension, DateRange, NumericFilter, Report, StringFilter
from reporting.registry.dimensions import DIMENSIONS
from tests.support.builders import view_of

MONTH = (DateRange("2026-11-01", "2026-11-30"),)
NOW = Now.at_end_of(date(2026, 11, 30), "Etc/UTC")
SAID = {
    "interaction": "link_url=https://a.example/?b%3D1%26c&link_domain=a.example&outbound=true&percent_scrolled=90",
    "campaign_details": "term=red%20shoes&click=gclid",
    "session_campaign_details": "content=top&id=7&platform=dv360",
    "session_visit_number": 2,
    "landing_path": "/app#/start",
    "landing_query": "a=1#b=2",
    "exit_path": "/bye",
}
SHOWN = {
    "linkUrl": "https://a.example/?b=1&c",
    "linkDomain": "a.example",
    "outbound": "true",
    "percentScrolled": "90",
    "manualTerm": "red shoes",
    "clickIdKind": "gclid",
    "sessionManualAdContent": "top",
    "sessionCampaignId": "7",
    "sessionSourcePlatform": "dv360",
    "sessionNumber": "2",
    "landingPage": "/app#/start",
    "landingPagePlusQueryString": "/app?a=1#/start?b=2",
    "exitPage": "/bye",
}
NOT_SAID = ("linkText", "searchTerm", "formId", "videoTitle", "method", "manualAdContent", "sessionManualTerm")


def shown(name: str, *events: dict[str, Any], **fields: Any) -> list[str]:
    orders = (ByDimension(name),)
    report = Report(date_ranges=MONTH, dimensions=(name,), metrics=("eventCount",), orders=orders, **fields)
    return [row.dimensions[0] for row in run(report, view_of(*events), NOW).rows]


def test_it_works() -> None:
    assert {name: shown(name, SAID) for name in SHOWN} == {name: [value] for name, value in SHOWN.items()}
    assert {name: shown(name, {}) for name in SHOWN} == {name: ["(not set)"] for name in SHOWN}
    assert {name: shown(name, SAID) for name in NOT_SAID} == {name: ["(not set)"] for name in NOT_SAID}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_filters_compare_what_is_shown(name: str) -> None:
    assert shown(name, SAID, {}, dimension_filter=StringFilter(name, SHOWN[name])) == [SHOWN[name]]
    assert shown(name, SAID, {}, dimension_filter=StringFilter(name, "(not set)")) == ["(not set)"]


def test_session_numbers_are_numbers_for_filters() -> None:
    events = [{"session_visit_number": number} for number in (None, 1, 2, 10, 4_294_967_295)]
    above = NumericFilter("sessionNumber", "GREATER_THAN", 1)
    assert shown("sessionNumber", *events, dimension_filter=above) == ["10", "2", "4294967295"]
    assert shown("sessionNumber", *events, dimension_filter=BetweenFilter("sessionNumber", 1, 2)) == ["1", "2"]


def test_dimensions_of_whole_sessions_say_so() -> None:
    of_sessions = {name for name in SHOWN if DIMENSIONS[name].scope == "session"}
    assert of_sessions == {name for name in SHOWN if name.startswith(("session", "landing", "exit"))}
