"""From the bytes of the log to decoded hits: whatever the bytes are, one reading comes out of them."""

import logging
from collections.abc import Iterable
from traceback import format_tb
from typing import Final

import msgspec

from collection.hit import FORMAT, RawHit, UnreadableHit
from collection.hit import decode as decode_hit
from collection.protocols import REST, Decoded, decode, pairs
from configuration.ruleset.context import UNKNOWN, Context, ReceiveSettings

FAULT: Final = (
    "processing error"  # the error of a hit that we could not read, though its sender may have done nothing wrong
)
UNREADABLE: Final = ""  # the protocol of bytes that are no hit

LATEST_US: Final = 253_402_300_800_000_000  # the end of the year 9999
EARLIEST_MS: Final = -62_135_596_800_000  # the start of the year 1
LATEST_MS: Final = LATEST_US // 1_000

# The error's own words are left out, here and in the row: they may repeat the address.
MESSAGE: Final = "hit %s of protocol %r cannot be decoded: %s\n%s"

logger = logging.getLogger(__name__)


class Reading(msgspec.Struct, gc=False):
    """One hit with its parameters, and the settings of the property that it belongs to."""

    position: int
    settings: ReceiveSettings
    hit: RawHit
    decoded: Decoded


def read(entries: Iterable[tuple[int, bytes]], context: Context) -> list[Reading]:
    """One for each entry, in their order. Bytes that are no hit count as received together with the hit before them."""
    by_number = {settings.id: settings for settings in context.properties}
    by_measurement_id = {settings.measurement_id: settings for settings in context.properties}
    readings = []
    for position, data in entries:
        hit = _hit(position, data)
        decoded = _decoded(hit)
        named = by_number.get(hit.property) if hit.property else by_measurement_id.get(decoded.measurement_id)
        readings.append(Reading(position, named or UNKNOWN, hit, decoded))
    _date_unreadable(readings)
    return readings


def _hit(position: int, data: bytes) -> RawHit:
    try:
        hit = decode_hit(data)
        _check_times(hit)
    except UnreadableHit:
        logger.exception("the log's entry at position %d is no hit", position)
        return RawHit(FORMAT, f"unreadable {position}", 0, UNREADABLE, "", "", {}, b"", data)
    return hit


def _check_times(hit: RawHit) -> None:
    occurred = 0 if hit.occurred is None else hit.occurred
    if not (0 <= hit.received < LATEST_US and EARLIEST_MS <= occurred < LATEST_MS):
        raise UnreadableHit("its times are outside of the calendar")


def _decoded(hit: RawHit) -> Decoded:
    try:
        return decode(hit)
    except Exception as error:  # noqa: BLE001 - one hit that we cannot read must not hold up all others
        if hit.protocol != UNREADABLE:
            logger.error(MESSAGE, hit.id, hit.protocol, type(error).__name__, "".join(format_tb(error.__traceback__)))
        content = [("query", _text(hit.query)), ("body", _text(hit.body))]
        return Decoded([{REST: pairs(content)}], error=f"{FAULT}: {type(error).__name__}")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _date_unreadable(readings: list[Reading]) -> None:
    known = [reading.hit.received for reading in readings if reading.hit.protocol != UNREADABLE]
    latest = known[0] if known else 0
    for reading in readings:
        if reading.hit.protocol == UNREADABLE:
            reading.hit = msgspec.structs.replace(reading.hit, received=latest)
        latest = reading.hit.received
