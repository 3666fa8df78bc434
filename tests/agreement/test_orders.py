"""Orders and items of random hits are those of the oracle, live and after whatever was done with them."""

import random
from typing import Final

import pytest
from hypothesis import given, settings

from reporting.registry.metrics.commerce import COMMERCE_METRICS
from reporting.registry.metrics.items import ITEM_METRICS
from tests.agreement.test_random_hits import (
    WHOLE_WAY,
    Questions,
    _days,
    check,
    installation,
    live_through,
    plain_question,
    stories,
)
from tests.support.every_name import going_with
from tests.support.random_site import Sent, Site

pytestmark = pytest.mark.django_db

METRICS: Final = tuple(metric.name for metric in (*COMMERCE_METRICS, *ITEM_METRICS))
DIMENSIONS: Final = ((), ("date", "country"), ("itemName", "itemVariant"), ("itemId", "sessionSource", "currencyCode"))


def questions(site: Site) -> Questions:
    return [plain_question(by, going_with(by, METRICS)[:10], _days(site)) for by in DIMENSIONS] + [
        plain_question(by, going_with(by, METRICS)[-20:][:10], _days(site)) for by in DIMENSIONS
    ]


@settings(WHOLE_WAY, max_examples=4)
@given(stories())
def test_it_works(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    with installation(site) as here:
        live_through(here, sent, random.Random(seed))
        check(here, site, sent, questions(site), together=True)
