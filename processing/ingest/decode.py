"""Decodes the bytes of the log: into hits, then into readings with parameters. Any bytes at all give one reading."""

import logging
from collections.abc import Iterable, Sequence
from traceback import format_tb
from typing import Final, TypeAlias

import msgspec

from collection.hit import FORMAT, RawHit, UnreadableHit
from collection.hit import decode as decode_hit
from collection.protocols import REST, Decoded, decode, pairs
from configuration.ruleset.context import Context, ReceiveSettings

FAULT: Final = "processing error"  # begins the error of a hit that our code could not decode
UNREADABLE: Final = ""  # the protocol of bytes that are not a hit

LATEST_US: Final = 253_402_300_800_000_000  # the end of the year 9999
EARLIEST_MS: Final = -62_135_596_800_000  # the start of the year 1
LATEST_MS: Final = LATEST_US // 1_000

# The error's own words are left out, here and in the row: they may repeat the address.
MESSAGE: Final = "hit %s of protocol %r cannot be decoded: %s\n%s"

Hits: TypeAlias = Sequence[tuple[int, RawHit]]  # with their positions

logger = logging.getLogger(__name__)


class Reading(msgspec.Struct, gc=False):
    """One hit with its parameters, and the settings of the property that it belongs to."""

    position: int
    settings: ReceiveSettings
    hit: RawHit
    decoded: Decoded


def decode_hits(entries: Iterable[tuple[int, bytes]]) -> list[tuple[int, RawHit]]:
    """Decodes entries (position, bytes) in their order.

    Bytes that are not a hit become the body of one, of the protocol UNREADABLE, received at the time of the hit before
    it, or of the first hit after it.
    """
    hits = [(position, _decode_hit(position, data)) for position, data in entries]
    received = next((hit.received for _, hit in hits if hit.protocol != UNREADABLE), 0)
    for row, (position, hit) in enumerate(hits):
        if hit.protocol == UNREADABLE:
            hits[row] = position, msgspec.structs.replace(hit, received=received)
        else:
            received = hit.received
    return hits


def read(hits: Hits, context: Context) -> list[Reading]:
    """Decodes the parameters of each hit and finds its property. Never raises for what a hit contains."""
    unknown = context.of_unknown()
    by_id = {settings.id: settings for settings in context.properties}
    by_measurement_id = {settings.measurement_id: settings for settings in context.properties}
    readings = []
    for position, hit in hits:
        decoded = _decode_parameters(hit)
        settings = by_id.get(hit.property) if hit.property else by_measurement_id.get(decoded.measurement_id)
        readings.append(Reading(position, settings or unknown, hit, decoded))
    return readings


def _decode_hit(position: int, data: bytes) -> RawHit:
    try:
        hit = decode_hit(data)
        occurred = 0 if hit.occurred is None else hit.occurred
        if not (0 <= hit.received < LATEST_US and EARLIEST_MS <= occurred < LATEST_MS):
            raise UnreadableHit("its times are outside of the calendar")
    except UnreadableHit:
        logger.exception("the log's entry at position %d is not a hit", position)
        return RawHit(FORMAT, f"unreadable {position}", 0, UNREADABLE, "", "", {}, b"", data)
    return hit


def _decode_parameters(hit: RawHit) -> Decoded:
    try:
        return decode(hit)
    except Exception as error:  # noqa: BLE001 - a hit that our code cannot decode must not hold up all others
        if hit.protocol != UNREADABLE:
            logger.error(MESSAGE, hit.id, hit.protocol, type(error).__name__, "".join(format_tb(error.__traceback__)))
        content = [(name, data.decode("utf-8", "replace")) for name, data in (("query", hit.query), ("body", hit.body))]
        return Decoded([{REST: pairs(content)}], error=f"{FAULT}: {type(error).__name__}")
