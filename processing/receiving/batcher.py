"""Cuts the log into ranges: a partition's next one when it is full, or when its first hit waited long enough.

While the one before is still being received the next one may grow: when workers are behind, ranges are larger and
cost less.
"""

import time
from collections.abc import Callable, Collection, Iterator
from typing import Final

from collection.log.port import CorruptLog, Log, Trimmed
from collection.protocols.ga4 import MOST_EVENTS
from processing.concurrency.clock import Clock
from processing.models import Range
from processing.receiving import ledger
from processing.store.port import Store

CUT_S: Final = 0.5
BUSY_CUT_S: Final = 2.0
FEW_HITS: Final = 512  # fit into memory however large they are
RANGE_WEIGHT: Final = 64 * 2**20  # what the hits of a range come to as rows, bytes at most


class RangeBatcher:
    """One log's. `freeze` writes down the context of a moment and names it. There is one cutter at a time, or the
    ledger refuses one of two.
    """

    def __init__(self, log: Log, freeze: Callable[[], str], clock: Clock = time.monotonic) -> None:
        self._log, self._freeze, self._clock = log, freeze, clock
        self._waiting_since: dict[int, float] = {}
        self.go_on()

    def go_on(self) -> None:
        """Where the ledger ends."""
        self._next = {partition: ledger.received_up_to(self._log.id, partition) for partition in self._log.partitions()}

    def check(self, store: Store) -> None:
        """Ledger, store and log must tell one story: none may have gone back behind the others. Raises LogWentBack."""
        highest = {partition: store.highest(self._log.id, partition) for partition in self._log.partitions()}
        given = {partition: ledger.received_up_to(self._log.id, partition) for partition in highest}
        ends = self._log.ends()  # last: another cutter may still be at work, and each of them only grows
        for partition, stored in highest.items():
            if stored is not None and given[partition] <= stored:
                where = f"the ledger ends at {given[partition]}, but the store holds hits up to {stored}"
                raise ledger.LogWentBack(f"{where}: it is an older copy")
            if ends[partition] < given[partition]:
                raise ledger.LogWentBack(ledger.went_back(self._log.id, partition, ends[partition], given[partition]))

    def cut(self, *, at_once: bool = False, busy: Collection[int] = ()) -> Iterator[Range]:
        """The next ranges, each recorded when it is asked for; lost ones are done already. `busy` are partitions of
        which a range is being received. Raises LogWentBack.
        """
        starts, ends = self._log.starts(), self._log.ends()
        for partition, end in ends.items():
            patience_s = 0 if at_once else BUSY_CUT_S if partition in busy else CUT_S
            yield from self._cut(partition, starts[partition], end, patience_s)

    def _cut(self, partition: int, start: int, end: int, patience_s: float) -> Iterator[Range]:
        while self._ripe(partition, end, patience_s):
            affordable = self._affordable(partition, start, end)
            item = self._next_range(partition, start, affordable)
            if item is None:
                break
            self._next[partition] = item.last + 1
            self._waiting_since.pop(partition, None)
            yield item

    def _next_range(self, partition: int, start: int, end: int) -> Range | None:
        """None also where another cutter has gone beyond the end that this one saw."""
        try:
            return ledger.next_range(self._log.id, partition, start, end, self._freeze)
        except ledger.LogWentBack:
            self.go_on()
            if self._log.ends()[partition] < self._next[partition]:
                raise
            return None

    def _affordable(self, partition: int, start: int, end: int) -> int:
        """The end, or where the next range must end so that few large hits do not take all memory."""
        first = max(start, self._next.get(partition, 0))
        last, weight = min(end, first + ledger.MOST_HITS) - 1, 0
        try:
            for low in range(first, last - FEW_HITS + 1, FEW_HITS):
                entries = self._log.read(partition, low, low + FEW_HITS - 1)
                weight += sum(_weight(entry.value) for entry in entries)
                if weight > RANGE_WEIGHT:
                    return low + FEW_HITS
        except (CorruptLog, Trimmed):
            return end
        return end

    def _ripe(self, partition: int, end: int, patience_s: float) -> bool:
        waiting = end - self._next.get(partition, 0)
        if waiting == 0:
            return False
        if waiting < 0 or waiting >= ledger.MOST_HITS:
            return True
        now = self._clock()
        return now - self._waiting_since.setdefault(partition, now) >= patience_s


def _weight(value: bytes) -> int:
    """What a hit comes to as rows at most: each line of its body repeats what its events share."""
    return len(value) * (1 + min(value.count(b"\n"), MOST_EVENTS))
