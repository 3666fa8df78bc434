"""Fetches the secrets that receiving a range needs. They go into keys in memory, and nowhere else."""

from collections.abc import Sequence
from datetime import date

from collection.hit import UnreadableHit, decode
from collection.log.port import LogEntry
from configuration.ruleset.context import Context
from configuration.visitor_secrets import day_salts, installation_secret, property_salts
from processing.ingest.receive import EPOCH, US_PER_DAY
from processing.ingest.visitor_keys import VisitorKeyFactory


def load_visitor_key_factory(entries: Sequence[LogEntry], context: Context) -> VisitorKeyFactory:
    """Keys with the salts of the days on which the entries were received, and of the context's properties."""
    return VisitorKeyFactory(
        installation_secret(),
        day_salts(_days(entries)),
        property_salts([settings.id for settings in context.properties]),
    )


def _days(entries: Sequence[LogEntry]) -> list[date]:
    """The UTC days of receipt, of every entry: collectors' clocks differ, and some hits wait before they come here."""
    return sorted(map(_date, {_received(entry.value) // US_PER_DAY for entry in entries}))


def _date(day: int) -> date:
    """Of a number of days since 1970."""
    return date.fromordinal(EPOCH + day)


def _received(value: bytes) -> int:
    """Microseconds."""
    try:
        return decode(value).received
    except UnreadableHit:
        return 0
