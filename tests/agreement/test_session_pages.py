"""Random hits: where sessions begin and end is the same in a report of one day and of many, whatever the days are that
sessions have before and after those of the report.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from reporting.model.report import Report
from tests.agreement.test_random_hits import (
    WHOLE_WAY,
    check_reports,
    installation,
    live_through,
    plain_question,
    stories,
)
from tests.support import oracle_reports
from tests.support.oracle_reports import SlowReport
from tests.support.random_site import Sent, Site

pytestmark = pytest.mark.django_db

ASKED = (
    (("pagePath",), ("screenPageViews", "exits", "entrances", "exitRate", "entranceRate")),
    (("exitPage", "country"), ("sessions", "exits", "totalUsers")),
    (("landingPage", "sessionNumber"), ("sessions", "averageEngagementTimePerSession")),
    (("landingPagePlusQueryString", "eventName"), ("eventCount",)),
    (("exitPage", "itemName"), ("itemsViewed", "totalUsers")),
)


@settings(WHOLE_WAY, max_examples=8)
@given(stories())
def test_it_works(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    with installation(site) as here:
        live_through(here, sent, random.Random(seed))
        questions = list(questions_by_day(site))
        for property in (site.cookie, site.cookieless):
            events = [event for each in sent if each.owner == property.id for event in each.events]
            facts, _ = oracle_reports.facts(events, property.zone, property.session_timeout_s * 1000)
            check_reports(here.view(property.id), facts, questions, together=False)


def questions_by_day(site: Site) -> Iterator[tuple[Report, SlowReport]]:
    first, last = (local_date(time, site) for time in site.days)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for length, (dimensions, metrics) in enumerate(ASKED):
            yield plain_question(dimensions, metrics, (day, day + timedelta(days=length % 2)))


def local_date(time: int, site: Site) -> date:
    return datetime.fromtimestamp(time / 1000, tz=ZoneInfo(site.cookie.zone)).date()
