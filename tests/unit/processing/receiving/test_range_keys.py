"""Salts of the days on which a range's hits were received."""

from datetime import date

import msgspec
import pytest

from collection.hit import RawHit, encode
from configuration.ruleset.context import Context
from processing.ingest.decode import decode_hits
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import ByDay, receipt_days
from processing.receiving.range_keys import load_visitor_key_factory
from tests.support.installation import NOON, SHOP, ga4

pytestmark = pytest.mark.django_db

DAY_MS = 86_400_000
COOKIELESS = msgspec.structs.replace(SHOP, identity="cookieless")


def hits(*days_ago: int) -> list[tuple[int, RawHit]]:
    return [(number, ga4(number, at=NOON - days * DAY_MS)) for number, days in enumerate(days_ago)]


def test_it_works() -> None:
    days = receipt_days(hits(0, 0, 1))
    assert days == [date(2026, 11, 19), date(2026, 11, 20)]
    keys = load_visitor_key_factory(days, Context((COOKIELESS,)))
    assert keys.key(ByDay(date(2026, 11, 20), "G-X", "192.0.2.1", "")) != keys.key(
        ByDay(date(2026, 11, 19), "G-X", "192.0.2.1", "")
    )


def test_days_between_days() -> None:
    """A range has hits of several days if a collector carries over what it had kept, or if clocks differ."""
    range_hits, context = hits(0, 1, 0, 3, 0), Context((COOKIELESS,))
    key_factory = load_visitor_key_factory(receipt_days(range_hits), context)
    rows = receive(range_hits, context, key_factory, NoGeoDatabase())
    assert rows[SHOP.id].height == 5
    assert rows[SHOP.id]["visitor"].n_unique() == 3


def test_bytes_that_are_not_a_hit_have_a_day_too() -> None:
    assert receipt_days(decode_hits([(0, b"nonsense")])) == [date(1970, 1, 1)]
    mixed = decode_hits([(0, b"nonsense"), (1, encode(ga4(1))), (2, b"nonsense")])
    assert receipt_days(mixed) == [date(2026, 11, 20)]


def test_a_time_outside_of_the_calendar_does_not_stop_a_range() -> None:
    wild = msgspec.structs.replace(ga4(1), received=2**63)
    assert receipt_days(decode_hits([(0, encode(wild)), (1, encode(ga4(2)))])) == [date(2026, 11, 20)]
