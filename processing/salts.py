"""Fetches the secrets that receiving a range needs. They go into keys in memory, and nowhere else."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from collection.hit import UnreadableHit, decode
from collection.log.port import Entry
from configuration.rules import Context
from configuration.secrets import day_salts, installation_secret, property_salts
from processing.visitors import Keys


def keys_for(entries: Sequence[Entry], context: Context) -> Keys:
    """Keys with the salts of the days on which the entries were received, and of the context's properties."""
    return Keys(
        installation_secret(),
        day_salts(_days(entries)),
        property_salts([settings.id for settings in context.properties]),
    )


def _days(entries: Sequence[Entry]) -> list[date]:
    """The UTC days of receipt. They are in order but for a few milliseconds, so the first and last entry name all."""
    if not entries:
        return []
    first, last = _day(entries[0].value), _day(entries[-1].value)
    return sorted({first, last} | {_day(entry.value) for entry in entries} if first != last else {first})


def _day(value: bytes) -> date:
    try:
        received = decode(value).received
    except UnreadableHit:
        received = 0
    return datetime.fromtimestamp(received / 1_000_000, tz=UTC).date()
