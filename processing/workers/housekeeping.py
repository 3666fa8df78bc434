"""What has to be done once for a whole store, again and again: raw blocks merged and deleted, what nobody uses swept,
erasures finished, hits and salts let go. One process does it, since it remembers what was unused a while ago.
"""

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from collection.log.port import Log
from configuration.visitor_secrets import delete_property_salts
from processing.concurrency.backoff import Backoff
from processing.concurrency.clock import Clock
from processing.maintenance.compaction import delete_blocks, merge_blocks, orphans
from processing.maintenance.log_retention import expire_received_salts, received_below, trim, without_raw_hits
from processing.receiving import ledger
from processing.receiving.backlog import Backlog, Partition
from processing.store.port import Store

logger = logging.getLogger(__name__)

SCRUB_EVERY_S: Final = 86_400.0
GRACE_S: Final = 60.0  # a report that began before a deletion has ended by then
LEDGER_DAYS: Final = 8  # longer than anything waits in a log


class HistoryWork(Protocol):
    """What applies rules to the past, see `history.py`."""

    def work(self, stop: Callable[[], bool]) -> int: ...
    def resting(self) -> Collection[int]: ...
    def writing(self) -> Collection[int]: ...
    def sweep(self) -> None: ...


class ErasureWork(Protocol):
    """What erases visitors and properties, see `erasure.py`."""

    def work(self, stop: Callable[[], bool]) -> int: ...
    def removing(self) -> Collection[int]: ...
    def tidy(self, now: datetime, seal: Callable[[int], object]) -> None: ...


class Housekeeping:
    """`backlog` knows the tails; `look` brings it up to date with the store, where others fill it."""

    def __init__(
        self, log: Log, store: Store, backlog: Backlog, *, log_hours: int | None, history: HistoryWork | None,
        erasures: ErasureWork | None, clock: Clock, grace_s: float = GRACE_S, sweep_after_s: float | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Hits stay in the log for `log_hours`; None: for ever. A raw block goes `grace_s` after it is covered, a
        segment that nobody names after `sweep_after_s`, or `grace_s`: sealing must take less.
        """
        self._log, self._store, self._backlog, self._clock, self._look = log, store, backlog, clock, look
        self._history, self._erasures, self.log_hours = history, erasures, log_hours
        self._grace_s, self._sweep_after_s = grace_s, grace_s if sweep_after_s is None else sweep_after_s
        self._marks: list[tuple[float, dict[Partition, int]]] = []
        self._orphans: dict[str, float] = {}
        self._without_raw: set[int] = set()
        self._scrub_at = clock()

    def tidy(self, now_ms: int, seal: Callable[[int], object], troubles: Backoff) -> None:
        """`seal` seals a property, for an erasure that waits for it."""
        now = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
        with troubles.outlived("upkeep of raw blocks"):
            self._delete_covered()
            merge_blocks(self._store)
        with troubles.outlived("sweeping unused segments"):
            self._sweep()
        if self._history:
            with troubles.outlived("sweeping old generations"):
                self._history.sweep()
        if self._erasures:
            with troubles.outlived("erasing"):
                self._erasures.tidy(now, seal)
        with troubles.outlived("scrubbing the store"):
            self._scrub()
        with troubles.outlived("letting go of received hits and old salts"):
            self._let_go(now)

    def _let_go(self, now: datetime) -> None:
        expire_received_salts(self._log, now)
        empty = without_raw_hits(self._store, self._backlog.due(self._clock(), all_of_them=True))
        delete_property_salts(empty - self._without_raw)
        self._without_raw = empty
        ledger.merge_old_ranges(now - timedelta(days=LEDGER_DAYS))
        if self.log_hours is not None:
            trim(self._log, now, timedelta(hours=self.log_hours))

    def _delete_covered(self) -> None:
        """Deletes the blocks that were in all their properties' segments a grace period ago."""
        now = self._clock()
        self._marks.append((now, self._needed_from()))
        while len(self._marks) > 1 and self._marks[1][0] <= now - self._grace_s:
            self._marks.pop(0)
        taken, marks = self._marks[0]
        if taken <= now - self._grace_s:
            delete_blocks(self._store, marks)

    def _needed_from(self) -> dict[Partition, int]:
        """Ranges may be received in any order: nothing above one that is not received yet is done with. That is asked
        before looking, so that what is below has been seen.
        """
        received = {(self._log.id, number): received_below(self._log.id, number) for number in self._log.partitions()}
        self._look()
        marks = self._backlog.needed_from()
        return {partition: min(mark, received.get(partition, mark)) for partition, mark in marks.items()}

    def _sweep(self) -> None:
        """Deletes segments that have been orphans for long; not of properties that a run or a removal is busy with,
        which takes longer.
        """
        now, busy = self._clock(), self._busy()
        unused = [name for name in orphans(self._store) if name.partition("-")[0] not in busy]
        self._orphans = {name: self._orphans.get(name, now) for name in unused}
        for name, since in self._orphans.items():
            if since <= now - self._sweep_after_s:
                self._store.delete_segment(name)

    def _busy(self) -> set[str]:
        writing = self._history.writing() if self._history else ()
        removing = self._erasures.removing() if self._erasures else ()
        return {str(property) for property in (*writing, *removing)}

    def _scrub(self) -> None:
        """Once a day: also what writers left behind that died is then gone."""
        if self._clock() >= self._scrub_at:
            self._store.scrub()
            self._scrub_at = self._clock() + SCRUB_EVERY_S
