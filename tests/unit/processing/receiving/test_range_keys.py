"""Salts of the days on which a range's hits were received."""

from datetime import date

import msgspec
import pytest

from collection.hit import encode
from collection.log.port import LogEntry
from configuration.ruleset.context import Context
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.receive import receive
from processing.receiving.range_keys import load_visitor_key_factory
from tests.support.installation import NOON, SHOP, ga4

pytestmark = pytest.mark.django_db

DAY_MS = 86_400_000
COOKIELESS = msgspec.structs.replace(SHOP, identity="cookieless")


def entries(*days_ago: int) -> list[LogEntry]:
    return [LogEntry(number, encode(ga4(number, at=NOON - days * DAY_MS))) for number, days in enumerate(days_ago)]


def test_it_works() -> None:
    found = entries(0, 0, 1)
    keys = load_visitor_key_factory(found, Context((COOKIELESS,)))
    assert keys.by_day(date(2026, 11, 20), "G-X", "192.0.2.1", "") != keys.by_day(
        date(2026, 11, 19), "G-X", "192.0.2.1", ""
    )


def test_days_between_days(db: None) -> None:
    """As where a collector carries over what it had kept, or where clocks differ."""
    found, context = entries(0, 1, 0, 3, 0), Context((COOKIELESS,))
    rows = receive(
        [(each.offset, each.value) for each in found],
        context,
        load_visitor_key_factory(found, context),
        NoGeoDatabase(),
    )
    assert rows[SHOP.id].height == 5
    assert rows[SHOP.id]["visitor"].n_unique() == 3


def test_bytes_that_are_no_hit_have_a_day_too() -> None:
    load_visitor_key_factory([LogEntry(0, b"nonsense")], Context(())).by_day(date(1970, 1, 1), "", "", "")
