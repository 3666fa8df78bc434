"""Hits that are in the log and in no block yet, by property: counted from the log itself."""

import re
from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import Final

from collection.hit import RawHit, UnreadableHit, decode
from collection.log.port import CorruptLog, Log, Trimmed
from collection.protocols import UnknownProtocol
from collection.protocols import decode as parameters
from processing.store.port import BlockInfo, Store

STRETCH: Final = 512

_TID: Final = re.compile(rb"(?:^|&)tid=([A-Za-z0-9_-]*)(?:&|$)")
Owner = int | str  # the property's number where the hit names it, else its measurement id


def lag(log: Log, store: Store) -> int:
    """How many hits the log holds that no block does yet."""
    return sum(end - _stored_up_to(log, store, partition) for partition, end in log.ends().items())


def _stored_up_to(log: Log, store: Store, partition: int) -> int:
    """The first offset that no block was ever stored for."""
    highest = store.highest(log.id, partition)
    return 0 if highest is None else highest + 1


class Pending:
    """Reads each stretch of the log once, however often it is asked. Safe to share between threads."""

    def __init__(self, log: Log, store: Store) -> None:
        self._log, self._store = log, store
        self._counted: dict[tuple[int, int], Counter[Owner]] = {}
        self._lock = Lock()

    def hits(self, blocks: Sequence[BlockInfo], property: int, measurement_id: str) -> int:
        """The property's hits above its view's blocks.

        Hits of no known property are nobody's until they are received.
        """
        received = self._received(blocks)
        with self._lock:
            self._counted = {
                key: sums for key, sums in self._counted.items() if key[1] + STRETCH > received.get(key[0], 0)
            }
            return sum(
                sums[property] + sums[measurement_id]
                for partition, end in self._log.ends().items()
                for sums in self._stretches(partition, received[partition], end)
            )

    def _received(self, blocks: Sequence[BlockInfo]) -> dict[int, int]:
        ends = {partition: _stored_up_to(self._log, self._store, partition) for partition in self._log.partitions()}
        pinned: dict[int, int] = {}
        for block in blocks:
            if block.key.log == self._log.id:
                pinned[block.key.partition] = max(block.key.last + 1, pinned.get(block.key.partition, 0))
        return {**ends, **pinned}

    def _stretches(self, partition: int, start: int, end: int) -> list[Counter[Owner]]:
        start = max(start, self._log.starts()[partition])
        firsts = range(start - start % STRETCH, end, STRETCH)
        return [self._stretch(partition, first, max(first, start), min(first + STRETCH, end)) for first in firsts]

    def _stretch(self, partition: int, first: int, start: int, end: int) -> Counter[Owner]:
        """The owners of the entries from start to before end; kept if they are a whole stretch."""
        key = (partition, first)
        if (start, end) != (first, first + STRETCH):
            return self._count(partition, start, end)
        if key not in self._counted:
            self._counted[key] = self._count(partition, start, end)
        return self._counted[key]

    def _count(self, partition: int, start: int, end: int) -> Counter[Owner]:
        try:
            return Counter(owner(entry.value) for entry in self._log.read(partition, start, end - 1))
        except (CorruptLog, Trimmed):
            return Counter()  # they will be lost, not received; receiving raises the alarm


def owner(value: bytes) -> Owner:
    """Whose hit it is, as cheaply as can be."""
    try:
        hit = decode(value)
    except UnreadableHit:
        return 0
    if hit.property:
        return hit.property
    found = _TID.search(hit.query)
    return found[1].decode() if found and hit.protocol == "ga4" else _decoded(hit)


def _decoded(hit: RawHit) -> Owner:
    try:
        return parameters(hit).measurement_id
    except UnknownProtocol:
        return 0
