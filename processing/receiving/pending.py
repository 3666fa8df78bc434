"""Counts the hits that are in the log and in no block yet, by property, from the log itself."""

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
from processing.receiving.lag import count_unreported
from processing.segments.manifest import OffsetRange
from processing.store.port import BlockInfo

CHUNK: Final = 512  # entries that are counted, and remembered, together
UNAVAILABLE_S: Final = 10.0
CLOCKS: Final = timedelta(seconds=30)  # by which the clocks of the database and of this process may differ in speed


def count_pending(log: Log) -> int:
    """Returns how many hits of the log are in no block yet."""
    close_old_connections()  # in a thread that calls this now and then, the database may have restarted meanwhile
    return count_unreported(log.id, log.ends())


class PendingHits:
    """Reads each chunk of the log once, and remembers its owners. Safe to share between threads."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._counts: dict[tuple[int, int], Counter[Owner]] = {}  # by partition and first offset
        self._lock, self._unavailable_until = Lock(), 0.0

    def hits(
        self,
        blocks: Sequence[BlockInfo],
        covered: Sequence[OffsetRange],
        property: int,
        measurement_id: str,
        age_s: float = 0.0,
    ) -> int:
        """Returns how many of the property's hits are neither in the blocks nor in the covered ranges of a view, which
        was pinned `age_s` seconds ago.

        Hits of an unknown property count for none. Raises LogUnavailable, also for some seconds after the log was
        unavailable: one request waits for its answer, the next ones need not.
        """
        if time.monotonic() < self._unavailable_until:
            raise LogUnavailable("it did not answer a moment ago")
        try:
            floors, held = self._floors(timedelta(seconds=age_s)), _held(self._log.id, blocks, covered)
            with self._lock:
                self._counts = {key: owners for key, owners in self._counts.items() if key[1] + CHUNK > floors[key[0]]}
                return sum(
                    owners[property] + owners[measurement_id]
                    for partition, end in self._log.ends().items()
                    for start, before in _gaps(held[partition], floors[partition], end)
                    for owners in self._count_chunks(partition, start, before)
                )
        except LogUnavailable:
            self._unavailable_until = time.monotonic() + UNAVAILABLE_S
            raise

    def _floors(self, age: timedelta) -> dict[int, int]:
        """Returns, by partition, an offset below which everything was received before the view was pinned."""
        floors = {partition: ledger.received_up_to(self._log.id, partition) for partition in self._log.partitions()}
        for item in ledger.unfinished_or_done_within(self._log.id, age + CLOCKS):
            floors[item.partition] = min(item.first, floors[item.partition])
        return floors

    def _count_chunks(self, partition: int, start: int, end: int) -> Iterator[Counter[Owner]]:
        """Yields the owners of the entries from start to before end, by chunk. Whole chunks are remembered.

        With chunks of 512, the entries 1000 to 1599 are counted as 1000-1023, 1024-1535 (remembered) and 1536-1599.
        """
        start = max(start, self._log.starts()[partition])
        for first in range(start - start % CHUNK, end, CHUNK):
            low, before = max(first, start), min(first + CHUNK, end)
            if before - low < CHUNK:
                yield self._count(partition, low, before)
                continue
            if (partition, first) not in self._counts:
                self._counts[partition, first] = self._count(partition, low, before)
            yield self._counts[partition, first]

    def _count(self, partition: int, start: int, end: int) -> Counter[Owner]:
        try:
            return Counter(owner_of_entry(entry.value) for entry in self._log.read(partition, start, end - 1))
        except (CorruptLog, Trimmed):
            return Counter()  # they will be lost, not received; receiving logs it


def _held(log: str, blocks: Sequence[BlockInfo], covered: Sequence[OffsetRange]) -> dict[int, list[tuple[int, int]]]:
    """Returns the first and last offsets of blocks and covered ranges by partition, in order."""
    held: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for span in [*(OffsetRange(*block.key) for block in blocks), *covered]:
        if span.log == log:
            held[span.partition].append((span.first, span.last))
    return defaultdict(list, {partition: sorted(spans) for partition, spans in held.items()})


def _gaps(held: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields the parts of start to before end that are not held: of 0 to 10, [(2, 4)] leaves (0, 2) and (5, 10)."""
    for first, last in held:
        if start < first and start < end:
            yield start, min(first, end)
        start = max(start, last + 1)
    if start < end:
        yield start, end
