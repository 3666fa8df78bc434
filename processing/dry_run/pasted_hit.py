"""Reads a hit that a person pastes to see what would become of it: a URL of the collector, its parameters, a line of an
access log, or just the URL of a page.
"""

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import polars as pl

from collection.hit import FORMAT, RawHit
from configuration.ruleset.context import Context, ReceiveSettings
from processing.ingest.geoip import GeoDatabase
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.schema import RAW
from processing.sessions.local_periods import microseconds

LONGEST: Final = 16_384
NO_SECRET: Final = b"nobody: no key that is made here is kept"  # visitor keys of pasted hits are not stored
COLLECTOR: Final = re.compile(r"/g/collect/?$")
LOG_LINE: Final = re.compile(r'^\S+ .*\[[^\[\]]+\] +"|^\{')
PARAMETERS: Final = re.compile(r"^\??(?:[\w.%-]+=[^&\s]*)(?:&[\w.%-]+=[^&\s]*)*$")


class UnreadablePaste(ValueError):
    """The text cannot be read as a hit; the message says what can."""


def read_pasted(
    text: str, settings: ReceiveSettings, geo: GeoDatabase, *, user_agent: str, address: str, now: datetime
) -> pl.DataFrame:
    """Returns the RAW rows of the hit, as if it were received now from this address. Raises UnreadablePaste."""
    hit = _hit(text.strip(), settings, user_agent, address, now)
    key_factory = VisitorKeyFactory(NO_SECRET, {now.astimezone(UTC).date(): NO_SECRET}, {settings.id: NO_SECRET})
    frames = receive([(0, hit)], Context((settings,)), key_factory, geo)
    return frames.get(settings.id, pl.DataFrame(schema=RAW))


def _hit(text: str, settings: ReceiveSettings, user_agent: str, address: str, now: datetime) -> RawHit:
    if not text or len(text) > LONGEST:
        raise UnreadablePaste(f"Paste a hit of 1 to {LONGEST:,} characters.")
    received = microseconds(now)
    if LOG_LINE.match(text):
        moment = received // 1000
        return RawHit(FORMAT, "trace", received, "access_log", "", "", {}, b"", text.encode(), settings.id, moment)
    query, body = _parameters(text, settings.measurement_id)
    return RawHit(FORMAT, "trace", received, "ga4", address, user_agent, {}, query, body, settings.id)


def _parameters(text: str, measurement_id: str) -> tuple[bytes, bytes]:
    first, _, body = text.partition("\n")
    try:
        parts = urlsplit(first.strip())
    except ValueError as error:
        raise UnreadablePaste(f"This address cannot be read: {error}. Check its host and its brackets.") from error
    if COLLECTOR.search(parts.path):
        return parts.query.encode(), body.encode()
    if parts.scheme in ("http", "https") and parts.netloc:
        page = {"v": "2", "tid": measurement_id, "cid": "1.1", "en": "page_view", "dl": first.strip()}
        return urlencode(page).encode(), b""
    if PARAMETERS.match(first.strip()):
        return first.strip().removeprefix("?").encode(), body.encode()
    raise UnreadablePaste(
        "This is not a hit. Paste an address that ends in /g/collect?…, its parameters (v=2&en=page_view&dl=…), a line"
        " of an access log, or the address of a page, such as https://www.example.org/shop."
    )
