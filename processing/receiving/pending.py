"""Hits that are in the log and in no block yet, by property: counted from the log itself."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from threading import Lock
from typing import Final

from django.db import close_old_connections

from collection.log.port import CorruptLog, Log, LogUnavailable, Trimmed
from processing.ingest.ownership import Owner, owner_of_entry
from processing.receiving import ledger
from processing.receiving.lag import unreported
from processing.segments.manifest import OffsetRange
from processing.store.port import BlockInfo

STRETCH: Final = 512
AWAY_S: Final = 10.0
VIEW_LIFE: Final = timedelta(seconds=30)  # a view is not older when its pending hits are asked for


def count_pending(log: Log) -> int:
    """How many hits the log holds that are in no block yet."""
    close_old_connections()  # this may be a thread that asks now and then, long after the database went away and came
    return unreported(log.id, log.ends())


class PendingHits:
    """Reads each stretch of the log once, however often it is asked. Safe to share between threads."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._counted: dict[tuple[int, int], Counter[Owner]] = {}
        self._lock, self._away_until = Lock(), 0.0

    def hits(
        self, blocks: Sequence[BlockInfo], covered: Sequence[OffsetRange], property: int, measurement_id: str
    ) -> int:
        """The property's hits that are neither in the blocks nor in the spans of a view that was opened just now.

        Hits of no known property are nobody's until they are received. Raises LogUnavailable; while the log is away,
        it is asked now and then only: others wait for the answer.
        """
        if time.monotonic() < self._away_until:
            raise LogUnavailable("it did not answer a moment ago")
        try:
            return self._hits(blocks, covered, property, measurement_id)
        except LogUnavailable:
            self._away_until = time.monotonic() + AWAY_S
            raise

    def _hits(
        self, blocks: Sequence[BlockInfo], covered: Sequence[OffsetRange], property: int, measurement_id: str
    ) -> int:
        floors, held = self._floors(), _held(self._log.id, blocks, covered)
        with self._lock:
            self._counted = {key: sums for key, sums in self._counted.items() if key[1] + STRETCH > floors[key[0]]}
            return sum(
                sums[property] + sums[measurement_id]
                for partition, end in self._log.ends().items()
                for start, before in _gaps(held[partition], floors[partition], end)
                for sums in self._stretches(partition, start, before)
            )

    def _floors(self) -> dict[int, int]:
        """By partition, an offset below which all was received before the view was opened."""
        floors = {partition: ledger.received_up_to(self._log.id, partition) for partition in self._log.partitions()}
        for item in ledger.unfinished_or_done_within(self._log.id, VIEW_LIFE):
            floors[item.partition] = min(item.first, floors[item.partition])
        return floors

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
            return Counter(owner_of_entry(entry.value) for entry in self._log.read(partition, start, end - 1))
        except (CorruptLog, Trimmed):
            return Counter()  # they will be lost, not received; receiving raises the alarm


def _held(log: str, blocks: Sequence[BlockInfo], covered: Sequence[OffsetRange]) -> dict[int, list[tuple[int, int]]]:
    """First and last offsets by partition, in order."""
    held: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for span in [*(OffsetRange(*block.key) for block in blocks), *covered]:
        if span.log == log:
            held[span.partition].append((span.first, span.last))
    return defaultdict(list, {partition: sorted(spans) for partition, spans in held.items()})


def _gaps(held: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """What of the offsets from `start` to before `end` is not held, as such pairs."""
    for first, last in held:
        if start < first and start < end:
            yield start, min(first, end)
        start = max(start, last + 1)
    if start < end:
        yield start, end
