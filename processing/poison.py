"""Receiving although a hit breaks it: the hit is found by halving, and counts as rejected; all others are received."""

import logging
from collections.abc import Sequence
from traceback import format_tb
from typing import Final

import polars as pl

from collection.hit import FORMAT, RawHit, UnreadableHit, decode, encode
from configuration.rules import Context
from processing.pending import owner
from processing.places import Places
from processing.receive import receive
from processing.visitors import Keys, MissingSalt

UNPROCESSABLE: Final = "unprocessable"  # a protocol that nothing decodes: the hit becomes a processing error
NOT_THE_HITS_FAULT: Final = (MissingSalt, MemoryError, OSError)

# The error's own words are left out: they may repeat the hit's address.
MESSAGE: Final = "the hit at position %d cannot be received: it is rejected: %s\n%s"

logger = logging.getLogger(__name__)

Entries = Sequence[tuple[int, bytes]]


def receive_whatever_comes(entries: Entries, context: Context, keys: Keys, places: Places) -> dict[int, pl.DataFrame]:
    """Like `receive`. A hit that it cannot take loses its content here; the log has it until it is trimmed.

    Raises what `receive` raises where a hit without content breaks it too: then no hit is to blame.
    """
    try:
        return receive(entries, context, keys, places)
    except NOT_THE_HITS_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - one hit must not hold up all others
        if len(entries) == 1:
            (position, value), *_ = entries
            received = receive([(position, _without_content(value, context))], context, keys, places)
            logger.error(MESSAGE, position, type(error).__name__, "".join(format_tb(error.__traceback__)))
            return received
    middle = len(entries) // 2
    halves = (entries[:middle], entries[middle:])
    return _together([receive_whatever_comes(half, context, keys, places) for half in halves])


def _together(parts: Sequence[dict[int, pl.DataFrame]]) -> dict[int, pl.DataFrame]:
    numbers = sorted({number for part in parts for number in part})
    return {number: pl.concat([part[number] for part in parts if number in part]) for number in numbers}


def _without_content(value: bytes, context: Context) -> bytes:
    """A hit of the same property, id and time of receipt."""
    try:
        hit = decode(value)
    except UnreadableHit:
        hit = RawHit(FORMAT, "", 0, UNPROCESSABLE, "", "", {}, b"", b"")
    number = _property(value, context)
    return encode(RawHit(FORMAT, hit.id, hit.received, UNPROCESSABLE, "", "", {}, b"", b"", number, hit.occurred))


def _property(value: bytes, context: Context) -> int:
    try:
        found = owner(value)
    except Exception:  # noqa: BLE001 - this hit breaks things
        return 0
    if isinstance(found, int):
        return found
    return next((item.id for item in context.properties if item.measurement_id == found), 0)
