"""Receiving although a hit breaks it: the hit is found by halving, and counts as rejected; all others are received."""

import logging
from collections.abc import Callable, Sequence
from traceback import format_tb
from typing import Final

import msgspec
import polars as pl

from collection.hit import FORMAT, RawHit, UnreadableHit, decode, encode
from configuration.ruleset.context import UNKNOWN, Context, ReceiveSettings
from processing.ingest.geoip import GeoDatabase
from processing.ingest.ip_masking import contains_own, mask_own
from processing.ingest.ownership import owner
from processing.ingest.receive import Entries, receive
from processing.ingest.visitor_keys import MissingSalt, VisitorKeyFactory

UNPROCESSABLE: Final = "unprocessable"  # a protocol that nothing decodes: the hit becomes a processing error
NOT_THE_HITS_FAULT: Final = (MissingSalt, MemoryError, OSError)

# The error's own words are left out: they may repeat the hit's address.
MESSAGE: Final = "the hit at position %d cannot be received: it is rejected: %s\n%s"

logger = logging.getLogger(__name__)

Receive = Callable[[Entries, Context, VisitorKeyFactory, GeoDatabase], dict[int, pl.DataFrame]]


def receive_isolating_failures(
    entries: Entries, context: Context, keys: VisitorKeyFactory, places: GeoDatabase, receive: Receive = receive
) -> dict[int, pl.DataFrame]:
    """Like `receive`. A hit that it cannot take is kept as it was sent, masked, as a processing error; where even that
    breaks it, without its content: the log has it until it is trimmed.

    Raises what `receive` raises where a hit without content breaks it too: then no hit is to blame.
    """
    try:
        return receive(entries, context, keys, places)
    except NOT_THE_HITS_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - one hit must not hold up all others
        fault = MESSAGE % (entries[0][0], type(error).__name__, "".join(format_tb(error.__traceback__)))
    if len(entries) == 1:  # not in the handler: what is raised from there repeats the error's words
        logger.error("%s", fault)
        return _isolated(*entries[0], context, keys, places, receive)
    middle = len(entries) // 2
    halves = (entries[:middle], entries[middle:])
    return _together([receive_isolating_failures(half, context, keys, places, receive) for half in halves])


def _isolated(
    position: int, value: bytes, context: Context, keys: VisitorKeyFactory, places: GeoDatabase, receive: Receive
) -> dict[int, pl.DataFrame]:
    """A hit of the same property, id and times, of a protocol that nothing decodes: what it says is kept."""
    hit, settings = _hit(value), _settings(value, context)
    bare = RawHit(FORMAT, hit.id, hit.received, UNPROCESSABLE, "", "", {}, b"", b"", settings.id, hit.occurred)
    try:
        content = {name: _masked(getattr(hit, name), hit.address, settings) for name in ("query", "body")}
        return receive([(position, encode(msgspec.structs.replace(bare, **content)))], context, keys, places)
    except NOT_THE_HITS_FAULT:
        raise
    except Exception:  # noqa: BLE001 - what it says breaks this, too
        logger.warning("what the hit at position %d says cannot be kept", position)
    return receive([(position, encode(bare))], context, keys, places)


def _masked(content: bytes, own: str, settings: ReceiveSettings) -> bytes:
    """Without the sender's address, which is not known any more when other addresses are masked."""
    text = content.decode("utf-8", "replace")
    return mask_own(text, own, settings.address_bits).encode() if contains_own(text, own) else content


def _together(parts: Sequence[dict[int, pl.DataFrame]]) -> dict[int, pl.DataFrame]:
    numbers = sorted({number for part in parts for number in part})
    return {number: pl.concat([part[number] for part in parts if number in part]) for number in numbers}


def _hit(value: bytes) -> RawHit:
    try:
        return decode(value)
    except UnreadableHit:
        return RawHit(FORMAT, "", 0, UNPROCESSABLE, "", "", {}, b"", value)


def _settings(value: bytes, context: Context) -> ReceiveSettings:
    try:
        found = owner(value)
    except Exception:  # noqa: BLE001 - this hit breaks things
        return UNKNOWN
    return next((item for item in context.properties if found in (item.id, item.measurement_id)), UNKNOWN)
