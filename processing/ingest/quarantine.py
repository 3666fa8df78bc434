"""Receives hits although one of them raises: halving finds that one, which is rejected; the others are received.

A hit that ends the process is found in the same way: after a few crashes `range_receiver` hands in a `receive` that
works in another process and raises when that ends.
"""

import logging
from collections.abc import Callable
from traceback import format_tb
from typing import Final

import msgspec
import polars as pl

from collection.hit import FORMAT, RawHit
from configuration.ruleset.context import UNKNOWN, Context, ReceiveSettings
from processing.ingest.decode import Hits
from processing.ingest.geoip import GeoDatabase
from processing.ingest.ip_masking import contains_address, mask_address
from processing.ingest.ownership import owner_of_hit
from processing.ingest.receive import ReceivedRows, receive
from processing.ingest.visitor_keys import MissingSalt, VisitorKeyFactory

UNPROCESSABLE: Final = "unprocessable"  # a protocol that nothing decodes: the hit becomes a processing error
NOT_THE_HITS_FAULT: Final = (MissingSalt, MemoryError, OSError)

# The error's own words are left out: they may repeat the hit's address.
MESSAGE: Final = "the hit at position %d cannot be received: it is rejected: %s\n%s"

logger = logging.getLogger(__name__)

Receive = Callable[[Hits, Context, VisitorKeyFactory, GeoDatabase], ReceivedRows]


def receive_isolating_failures(
    hits: Hits, context: Context, key_factory: VisitorKeyFactory, geo: GeoDatabase, receive: Receive = receive
) -> ReceivedRows:
    """Does the same as `receive`, but a hit that it raises for becomes a processing error.

    The row of such a hit keeps its content as it was sent, masked. If that raises too, the row has no content, and the
    log alone keeps it until it is trimmed. Raises what `receive` raises for a hit without content: then no hit is to
    blame.
    """
    try:
        return receive(hits, context, key_factory, geo)
    except NOT_THE_HITS_FAULT:
        raise
    except Exception as error:
        if not hits:
            raise
        message = MESSAGE % (hits[0][0], type(error).__name__, "".join(format_tb(error.__traceback__)))
    # Not in the handler: an exception that is raised there shows the error's own words as its context.
    if len(hits) == 1:
        logger.error("%s", message)
        return _receive_as_error(*hits[0], context, key_factory, geo, receive)
    middle = len(hits) // 2
    halves = [
        receive_isolating_failures(half, context, key_factory, geo, receive) for half in (hits[:middle], hits[middle:])
    ]
    properties = sorted({property for half in halves for property in half})
    frames = {property: pl.concat([half[property] for half in halves if property in half]) for property in properties}
    return ReceivedRows(frames, halves[0].cleaned + halves[1].cleaned)


def _receive_as_error(
    position: int, hit: RawHit, context: Context, key_factory: VisitorKeyFactory, geo: GeoDatabase, receive: Receive
) -> ReceivedRows:
    """Receives a hit of the same property, id and times instead, of a protocol that nothing decodes."""
    settings = _find_settings(hit, context)
    bare = RawHit(FORMAT, hit.id, hit.received, UNPROCESSABLE, "", "", {}, b"", b"", settings.id, hit.occurred)
    try:
        content = {name: _masked(getattr(hit, name), hit.address, settings) for name in ("query", "body")}
        return receive([(position, msgspec.structs.replace(bare, **content))], context, key_factory, geo)
    except NOT_THE_HITS_FAULT:
        raise
    except Exception:  # noqa: BLE001 - the content breaks this, too
        logger.warning("the content of the hit at position %d cannot be kept", position)
    return receive([(position, bare)], context, key_factory, geo)


def _masked(content: bytes, address: str, settings: ReceiveSettings) -> bytes:
    """Masks the sender's address. The hit that is received instead does not have it, so `receive` cannot do this."""
    text = content.decode("utf-8", "replace")
    return mask_address(text, address, settings.address_bits).encode() if contains_address(text, address) else content


def _find_settings(hit: RawHit, context: Context) -> ReceiveSettings:
    try:
        owner = owner_of_hit(hit)
    except Exception:  # noqa: BLE001 - this hit breaks something, perhaps this
        return UNKNOWN
    return next((item for item in context.properties if owner in (item.id, item.measurement_id)), UNKNOWN)
