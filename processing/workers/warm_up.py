"""Loads what the first hit would have to wait for: lists, parsers, the engine of the data frames."""

from typing import Final

from collection.hit import FORMAT, RawHit
from collection.protocols import GA4
from configuration.ruleset.context import Context, ReceiveSettings
from configuration.ruleset.ruleset import plain_ruleset
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.pipeline.process import process
from processing.sessions.layers import Arrivals
from processing.sessions.local_periods import day_key
from processing.sessions.sessionize import Limits
from processing.sessions.timeline import InMemory, advance
from processing.store.raw_block import encode_block, property_rows

PROPERTY: Final = ReceiveSettings(id=1, measurement_id="G-WARM", domains=("example.org",))
RECEIVED_US: Final = 1_767_225_600_000_000  # any moment will do
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
QUERY: Final = (
    b"v=2&tid=G-WARM&cid=1.1&sid=1&en=page_view&dl=https%3A%2F%2Fexample.org%2F&dr=https%3A%2F%2Fexample.com%2F"
)


def warm_up() -> int:
    """Takes one made-up hit the whole way, in memory alone. Returns the number of its events."""
    hit = RawHit(FORMAT, "warm", RECEIVED_US, GA4, "192.0.2.1", AGENT, {}, QUERY, b"")
    context = Context((PROPERTY,))
    frames = receive([(0, hit)], context, VisitorKeyFactory(b"warm", {}, {}), NoGeoDatabase())
    done = process(property_rows(encode_block(frames), PROPERTY.id), plain_ruleset(PROPERTY))
    timeline = InMemory(PROPERTY.zone, Limits(PROPERTY.session_timeout_s * 1000), day_key)
    timeline.apply(advance(timeline, Arrivals(done.events, done.rejected, done.items)))
    return timeline.events().height
