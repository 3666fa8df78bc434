"""The maintenance of a store as a whole, done again and again: merges and deletes raw blocks, collects unused segments,
finishes erasures, expires hits and salts. One process does it, because it remembers what was unused a while ago.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from collection.log.port import Log
from configuration.visitor_secrets import delete_property_salts
from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.clock import Clock
from processing.concurrency.failures import forget_old_failures
from processing.maintenance.compaction import delete_blocks, merge_blocks, orphans
from processing.maintenance.database_journal import empty_journal
from processing.maintenance.log_retention import expire_received_salts, received_below, trim, without_raw_hits
from processing.receiving import ledger
from processing.receiving.backlog import Backlog, Partition
from processing.store.port import Store
from processing.workers.config import MaintenanceConfig

SCRUB_EVERY_S: Final = 86_400.0
LEDGER_DAYS: Final = 8  # longer than anything waits in a log

logger = logging.getLogger(__name__)


class Housekeeping:
    def __init__(
        self, log: Log, store: Store, backlog: Backlog, config: MaintenanceConfig, clock: Clock,
        update_backlog: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`update_backlog` is for processes beside which other ones receive and seal."""
        self._log, self._store, self._backlog, self._config = log, store, backlog, config
        self._clock, self._update_backlog = clock, update_backlog
        self._needed_from_at: list[tuple[float, dict[Partition, int]]] = []  # oldest first
        self._unused_since: dict[str, float] = {}  # by name of the segment
        self._without_raw: set[int] = set()
        self._scrub_at = clock()

    def run(self, now_ms: int, seal: Callable[[int], object], backoff: Backoff) -> None:
        """Runs each task once; one that fails does not stop the next. `seal` seals a property that an erasure waits
        for.
        """
        now = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
        with backoff.suppress_and_log(Task.DELETE_BLOCKS):
            self._delete_covered_blocks()
            merge_blocks(self._store, backoff)
        with backoff.suppress_and_log(Task.DELETE_SEGMENTS):
            self._delete_unused_segments(backoff)
        with backoff.suppress_and_log(Task.HISTORY):
            self._config.history.expire_generations(backoff)
        with backoff.suppress_and_log(Task.FINISHING_ERASURES):
            self._config.erasures.finish_requests(now, seal, backoff)
        with backoff.suppress_and_log(Task.SCRUB):
            self._scrub()
        with backoff.suppress_and_log(Task.EXPIRE_DAY_SALTS):
            expire_received_salts(self._log, now)
        with backoff.suppress_and_log(Task.EXPIRE_PROPERTY_SALTS):
            self._expire_property_salts()
        with backoff.suppress_and_log(Task.MERGE_RANGES):
            ledger.merge_old_ranges(now - timedelta(days=LEDGER_DAYS))
        with backoff.suppress_and_log(Task.TRIM_LOG):
            if self._config.log_hours is not None:
                trim(self._log, now, timedelta(hours=self._config.log_hours))
        # Last, so that what the tasks before it deleted is gone from the disk: salts, visitors' keys of erasures.
        with backoff.suppress_and_log(Task.EMPTY_JOURNAL):
            forget_old_failures()
            empty_journal()

    def _delete_covered_blocks(self) -> None:
        """Deletes the blocks that all their properties' segments covered a grace period ago.

        An example with a grace of 60 s, one partition, called every 30 s: `needed_from` was 100 at second 0, 250 at
        second 30, 300 at second 60. At second 60 blocks below offset 100 are deleted, at second 90 those below 250.
        """
        now = self._clock()
        long_ago = now - self._config.block_grace_s
        self._needed_from_at.append((now, self._needed_from()))
        while len(self._needed_from_at) > 1 and self._needed_from_at[1][0] <= long_ago:
            self._needed_from_at.pop(0)
        noted_at, needed_from = self._needed_from_at[0]
        if noted_at <= long_ago:
            delete_blocks(self._store, needed_from)

    def _needed_from(self) -> dict[Partition, int]:
        """Returns, by partition, the offset from which blocks are needed or hits are not received yet."""
        # Ranges are received in any order, so nothing above an unreceived one may be deleted. The ledger is asked
        # before the store: then the backlog knows every block below the answer.
        received = {(self._log.id, number): received_below(self._log.id, number) for number in self._log.partitions()}
        self._update_backlog()
        needed = self._backlog.needed_from()
        return {partition: min(offset, received.get(partition, offset)) for partition, offset in needed.items()}

    def _delete_unused_segments(self, backoff: Backoff) -> None:
        now = self._clock()
        # A run or a removal writes segments for longer than the grace period before it commits them.
        writing = {str(id) for id in (*self._config.history.writing_properties(), *self._config.erasures.removing())}
        unused = [name for name in orphans(self._store) if name.partition("-")[0] not in writing]
        self._unused_since = {name: self._unused_since.get(name, now) for name in unused}
        for name, since in self._unused_since.items():
            if since <= now - self._config.segment_grace_s:
                backoff.attempt(Task.DELETE_SEGMENT, partial(self._store.delete_segment, name), name)

    def _scrub(self) -> None:
        """Deletes, once a day, what writers that died left behind."""
        if self._clock() >= self._scrub_at:
            self._store.scrub()
            self._scrub_at = self._clock() + SCRUB_EVERY_S

    def _expire_property_salts(self) -> None:
        # Once, when a property's last raw hit has gone: the next range that is received makes a new salt.
        empty = without_raw_hits(self._store, self._backlog.ready(self._clock(), everything=True))
        delete_property_salts(empty - self._without_raw)
        self._without_raw = empty
