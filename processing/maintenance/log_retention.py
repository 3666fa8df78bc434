"""Removes from the log what has been received: hits with their full addresses, and day salts of visitor keys.

A hit leaves the log when it is received, old enough, and read by all subscriptions. A subscription holds hits back for
HOLD at most, and is deleted when it was not used for HOLD: no full address may stay because of a program that never
comes back.
"""

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from collection.hit import UnreadableHit, decode
from collection.log.port import CorruptLog, Log, Trimmed
from configuration.visitor_secrets import expire_day_salts
from processing.models import Subscription
from processing.receiving import ledger
from processing.segments.manifest import UnreadableManifest, decode_manifest
from processing.sessions.local_periods import microseconds
from processing.store.port import CorruptBlob, Store

HOLD: Final = timedelta(days=7)
SLACK: Final = timedelta(minutes=1)  # hits of one moment may be in the log in another order
BEFORE_ALL: Final = datetime(1970, 1, 2, tzinfo=UTC)

logger = logging.getLogger(__name__)


def trim(log: Log, now: datetime, keep: timedelta) -> int:
    """Removes hits that were appended more than `keep` ago and that no one needs. Returns their number.

    Logs a warning if a subscription has not read some of them.
    """
    _delete_unused_subscriptions(log, now)
    names = list(Subscription.objects.filter(log=log.id).values_list("name", flat=True))
    return sum(_trim_partition(log, partition, start, names, now - keep) for partition, start in log.starts().items())


def received_below(log: str, partition: int) -> int:
    """Returns the offset below which every hit is in a raw block, or lost."""
    # The end of the ledger is read first: a range that is assigned after that begins above it.
    assigned = ledger.received_up_to(log, partition)
    return min([assigned, *(item.first for item in ledger.unfinished(log) if item.partition == partition)])


def expire_received_salts(log: Log, now: datetime) -> int:
    """Deletes the salts of days that are over and whose hits are all received. Returns their number."""
    return expire_day_salts(now, received_until(log, now).date())


def received_until(log: Log, now: datetime) -> datetime:
    """Returns a time up to which every hit that was received by a collector is in a raw block, or lost."""
    moments = (_first_waiting(log, partition, end, now) for partition, end in log.ends().items())
    return min(moments, default=now) - SLACK


def without_raw_hits(store: Store, waiting: Collection[int]) -> set[int]:
    """Returns the properties that had raw hits and have none any more. `waiting` are those with unsealed hits."""
    return {number for number in store.properties() if number not in waiting and _has_lost_raw_hits(store, number)}


def _has_lost_raw_hits(store: Store, property: int) -> bool:
    try:
        stored = store.manifest(property)
        known = decode_manifest(stored.data) if stored else None
    except (CorruptBlob, UnreadableManifest):
        return False  # unknown; what else reads the manifest says so
    return known is not None and bool(known.accepted or known.deleted) and not known.raw


def _trim_partition(log: Log, partition: int, start: int, names: list[str], oldest: datetime) -> int:
    before = min(log.seek(partition, microseconds(oldest)), received_below(log.id, partition))
    positions = {name: log.position(name, partition) for name in names}
    held = max(min(positions.values(), default=before), log.seek(partition, microseconds(oldest - HOLD)))
    before = min(before, held)
    if before <= start:
        return 0
    for name, position in positions.items():
        if position < before:
            _warn(name, before - max(position, start), "is too far behind")
    log.trim(partition, before)
    return before - start


def _delete_unused_subscriptions(log: Log, now: datetime) -> None:
    for subscription in Subscription.objects.filter(log=log.id, seen_at__lt=now - HOLD):
        unread = sum(max(end - log.position(subscription.name, p), 0) for p, end in log.ends().items())
        _warn(subscription.name, unread, f"was not used for {HOLD.days} days and is deleted")
        subscription.delete()


def _warn(name: str, unread: int, reason: str) -> None:
    logger.warning(
        "subscription %r %s; hits that it has not read and that are not kept for it: %d", name, reason, unread
    )


def _first_waiting(log: Log, partition: int, end: int, now: datetime) -> datetime:
    """Returns when the collector received the first hit that is in no raw block yet; `now` if there is none."""
    first = received_below(log.id, partition)
    if first >= end:
        return now
    try:
        received_us = decode(log.read(partition, first, first)[0].value).received
        return min(now, datetime.fromtimestamp(received_us / 1_000_000, tz=UTC))
    except (CorruptLog, Trimmed, UnreadableHit, ValueError, OverflowError):
        return BEFORE_ALL  # its time is unknown, or none of the calendar
