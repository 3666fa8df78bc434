"""Groups the hits of a log into ranges: a partition's next range is ready when it is full, or when its first hit has
waited long enough.

While a range is being received, the next one of its partition may grow longer. So when workers are behind, ranges are
larger, and each hit costs less.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from typing import Final

from collection.log.port import CorruptLog, Log, Trimmed
from collection.protocols.ga4 import MAX_EVENTS
from configuration.ruleset.context import Context
from processing.concurrency.clock import Clock
from processing.models import Range
from processing.receiving import ledger
from processing.receiving.contexts import Contexts
from processing.schema import ITEM_BYTES
from processing.store.port import Store

MAX_WAIT_S: Final = 0.5
MAX_WAIT_BUSY_S: Final = 2.0  # while an earlier range of the partition is being received
READ_HITS: Final = 512  # at once
ITEM: Final = re.compile(rb"pr[0-9]")  # the name of an item
ESCAPED_ITEM: Final = re.compile(rb"(?:p|%70)(?:r|%72)(?:[0-9]|%3[0-9])")
MAX_RANGE_BYTES: Final = 64 * 2**20  # of the rows of a range, as estimated


class RangeBatcher:
    """Makes the ranges of one log. If two do so at the same time, the ledger gives each range to one of them."""

    def __init__(
        self, log: Log, contexts: Contexts, current_context: Callable[[], Context], clock: Clock = time.monotonic
    ) -> None:
        self._log, self._contexts, self._current_context, self._clock = log, contexts, current_context, clock
        self._waiting_since: dict[int, float] = {}
        self.resume()

    def resume(self) -> None:
        """Continues where the ledger ends."""
        self._next = {partition: ledger.received_up_to(self._log.id, partition) for partition in self._log.partitions()}

    def check(self, store: Store) -> None:
        """Raises LogWentBack if ledger or log end before the hits that are stored: then one is an older copy."""
        highest = {partition: store.highest(self._log.id, partition) for partition in self._log.partitions()}
        recorded = {partition: ledger.received_up_to(self._log.id, partition) for partition in highest}
        ends = self._log.ends()  # last, because all three grow while another worker is receiving
        for partition, stored in highest.items():
            if stored is not None and recorded[partition] <= stored:
                raise ledger.LogWentBack(
                    f"the ledger ends at {recorded[partition]}, but the store holds hits up to {stored}:"
                    " it is an older copy"
                )
            if ends[partition] < recorded[partition]:
                raise ledger.LogWentBack(
                    ledger.went_back(self._log.id, partition, ends[partition], recorded[partition])
                )

    def next_ranges(self, *, at_once: bool = False, busy: Collection[int] = ()) -> Iterator[Range]:
        """Yields the ranges that are ready, each after it is recorded in the ledger; ranges of lost hits are done.

        `busy` are the partitions of which a range is being received. `at_once`: no hit waits. Raises LogWentBack.
        """
        starts, ends = self._log.starts(), self._log.ends()
        for partition, end in ends.items():
            max_wait_s = 0 if at_once else MAX_WAIT_BUSY_S if partition in busy else MAX_WAIT_S
            while self._is_ready(partition, end, max_wait_s):
                item = self._record_next(partition, starts[partition], end)
                if item is None:
                    break
                self._next[partition] = item.last + 1
                self._waiting_since.pop(partition, None)
                yield item

    def _is_ready(self, partition: int, end: int, max_wait_s: float) -> bool:
        waiting = end - self._next.get(partition, 0)
        if waiting == 0:
            return False
        if waiting < 0 or waiting >= ledger.MAX_RANGE_HITS:  # less than 0: the ledger says whether the log went back
            return True
        now = self._clock()
        return now - self._waiting_since.setdefault(partition, now) >= max_wait_s

    def _record_next(self, partition: int, start: int, end: int) -> Range | None:
        """Freezes the settings of this moment, and records the next range under them.

        None if there is nothing new, because another batcher has recorded ranges beyond `end` meanwhile.
        """
        end = self._affordable_end(partition, start, end)
        context_id = self._contexts.freeze(self._current_context())
        try:
            return ledger.next_range(self._log.id, partition, start, end, context_id)
        except ledger.LogWentBack:
            self.resume()
            if self._log.ends()[partition] < self._next[partition]:
                raise
            return None

    def _affordable_end(self, partition: int, start: int, end: int) -> int:
        """Returns `end`, or where the next range must end so that a few large hits do not fill the memory.

        Hits are read here and again when they are received, perhaps by another process. Nothing is decoded twice:
        the estimate needs only their bytes.
        """
        first = max(start, self._next.get(partition, 0))
        last, row_bytes = min(end, first + ledger.MAX_RANGE_HITS) - 1, 0
        try:
            for low in range(first, last + 1, READ_HITS):
                entries = self._log.read(partition, low, min(low + READ_HITS - 1, last))
                for number, entry in enumerate(entries, low + 1):
                    row_bytes += estimated_bytes(entry.value)
                    if row_bytes > MAX_RANGE_BYTES:
                        return number
        except (CorruptLog, Trimmed):
            return end
        return end


def estimated_bytes(value: bytes) -> int:
    """Returns the most bytes that a hit's rows take: each line of its body is an event, and repeats shared values."""
    item = ESCAPED_ITEM if b"%7" in value or b"pr%3" in value else ITEM
    return (len(value) + ITEM_BYTES * len(item.findall(value))) * (1 + min(value.count(b"\n"), MAX_EVENTS))
