"""The dispatcher of a cluster: sends ranges of the log and tails to seal as jobs that any worker may take, and
maintains the store as a whole. Any number may run. The one that holds the lease dispatches; another one takes over when
it dies.

A job that is lost, with the broker or with its worker, is sent again: ledger and store say what is to be done, the
broker never does. Doing a job twice changes nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, Protocol

from django.db import close_old_connections

from collection.log.port import Log
from configuration.ruleset.context import Context
from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.clock import Clock
from processing.concurrency.failures import DatabaseRecord
from processing.concurrency.leases import HeldLease, hold_lease
from processing.concurrency.threads import ThreadEnded, run_beside
from processing.models import Range
from processing.receiving import ledger
from processing.receiving.backlog import Backlog, SealThresholds
from processing.receiving.backlog_scan import BacklogScan
from processing.receiving.batcher import RangeBatcher
from processing.receiving.contexts import Contexts
from processing.receiving.ledger import LogWentBack
from processing.receiving.range_receiver import log_lost_hits
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.config import MaintenanceConfig
from processing.workers.housekeeping import Housekeeping

LEASE: Final = "dispatcher"
MAINTENANCE_LEASE: Final = "tidying"  # as dispatchers of earlier versions call it
MAINTENANCE_LEASE_S: Final = 30.0
MAX_RANGES: Final = 64  # that are being received; the hits of later ones wait in the log
MAX_SEALS: Final = 64

logger = logging.getLogger(__name__)


class JobSender(Protocol):
    """Sends jobs to workers. All methods raise if the broker does not answer."""

    def receive(self, number: int) -> None: ...
    def seal(self, property: int) -> None: ...

    def waiting(self, kind: str) -> int:
        """Returns how many jobs of the kind (`receive`, `seal`) no worker has taken yet."""


class DispatchIntervals(NamedTuple):
    """Seconds between two looks at the log, at the tails and at the store; until a job is sent again that no worker
    has started, or that one has; and how long the lease of a dead dispatcher lasts.
    """

    turn_s: float = 0.05
    seal_every_s: float = 1.0
    maintenance_every_s: float = 30.0
    range_again_s: float = 15.0
    started_again_s: float = 45.0
    seal_again_s: float = 60.0
    lease_s: float = 10.0


class SentSeal(NamedTuple):
    """When a job was sent to seal a property, and the version of its manifest then; None if it could not be read."""

    at: float
    version: int | None


class Dispatcher:
    """Dispatches for one log and one store. `current_context` returns the settings of this moment."""

    def __init__(
        self, log: Log, store: Store, jobs: JobSender, *, contexts: Contexts, current_context: Callable[[], Context],
        maintenance: MaintenanceConfig, thresholds: SealThresholds = SealThresholds(),  # noqa: B008 - it never changes
        intervals: DispatchIntervals = DispatchIntervals(), clock: Clock = time.monotonic,  # noqa: B008
    ) -> None:  # fmt: skip
        self._log, self._store, self._jobs = log, store, jobs
        self._contexts, self._current_context = contexts, current_context
        self._maintenance, self._intervals, self._clock = maintenance, intervals, clock
        self._backlog = Backlog(thresholds)
        self._scan = BacklogScan(store, self._backlog, clock)
        self._scanning = threading.Lock()
        self.backoff = Backoff(clock, (LogWentBack, ThreadEnded), close_old_connections, DatabaseRecord())
        self._range_sent_at: dict[int, float] = {}  # by number of the range
        self._sent_seals: dict[int, SentSeal] = {}  # by property

    def run(self, stop: threading.Event) -> None:
        """Dispatches while it holds the lease, until `stop` is set. Raises LogWentBack, ThreadEnded."""
        while not stop.is_set():
            self.backoff.attempt(Task.LEAD, lambda: self._lead(stop))
            stop.wait(self._intervals.lease_s / 10)

    def start(self) -> None:
        """Learns from ledger and store what earlier dispatchers did. Raises LogWentBack, and what log and store
        raise.
        """
        self._batcher = RangeBatcher(self._log, self._contexts, self._current_context, self._clock)
        self._batcher.check(self._store)
        self._scan.rebuild(self.backoff)
        self._housekeeping = Housekeeping(
            self._log, self._store, self._backlog, self._maintenance, self._clock, self._update_backlog
        )
        self._range_sent_at, self._sent_seals = {}, {}

    def dispatch_ranges(self) -> None:
        """Sends what is to be received: unfinished ranges that were not sent lately, then new ranges."""
        unfinished = {item.pk: item for item in ledger.unfinished(self._log.id)}
        self._range_sent_at = {number: at for number, at in self._range_sent_at.items() if number in unfinished}
        overdue = [item for item in unfinished.values() if self._is_overdue(item)]
        if overdue and not self._jobs.waiting("receive"):  # or they are not lost: workers are behind
            for item in overdue:
                self._send_range(item)
        if len(unfinished) < MAX_RANGES:
            busy = {item.partition for item in unfinished.values()}
            for count, item in enumerate(self._batcher.next_ranges(busy=busy), start=len(unfinished) + 1):
                if item.done_at:
                    log_lost_hits(item)
                else:
                    self._send_range(item)
                if count >= MAX_RANGES:
                    break

    def dispatch_seals(self) -> None:
        """Sends the tails that are ready to seal and are not being sealed."""
        self._update_backlog()
        now = self._clock()
        for property, sent in list(self._sent_seals.items()):
            is_overdue = now - sent.at >= self._intervals.seal_again_s
            if self._version(property) != sent.version or (is_overdue and not self._jobs.waiting("seal")):
                del self._sent_seals[property]
        ready = self._backlog.ready(now)
        being_removed = self._maintenance.erasures.removing() if ready else ()
        for property in ready:
            if property not in self._sent_seals and property not in being_removed and len(self._sent_seals) < MAX_SEALS:
                self._jobs.seal(property)
                self._sent_seals[property] = SentSeal(now, self._version(property))

    def run_maintenance(self, now_ms: int) -> None:
        """Maintains the store as a whole, unless a dispatcher that has lost its lease is still doing so."""
        with hold_lease(MAINTENANCE_LEASE, MAINTENANCE_LEASE_S) as lease:
            if lease:
                self._housekeeping.run(now_ms, self._seal, self.backoff)

    def _update_backlog(self) -> None:
        with self._scanning:
            self._scan.update()

    def _is_overdue(self, item: Range) -> bool:
        after_s = self._intervals.started_again_s if item.begun else self._intervals.range_again_s
        return self._clock() - self._range_sent_at.get(item.pk, float("-inf")) >= after_s

    def _send_range(self, item: Range) -> None:
        self._jobs.receive(item.pk)
        self._range_sent_at[item.pk] = self._clock()

    def _version(self, property: int) -> int | None:
        """Returns the version of the property's manifest, and drops from the backlog what it covers. None if it cannot
        be read: the worker that is sent to seal the property says so, too.
        """
        refresh = partial(self._scan.refresh, property)
        return self.backoff.result(Task.READ_MANIFEST, refresh, property, default=None)

    def _seal(self, property: int) -> bool:
        try:
            seal(self._store, ColumnCache(self._store, ONCE_BYTES, codes=False), property)
        except Conflict:
            return False
        self._scan.refresh(property)
        return True

    def _lead(self, stop: threading.Event) -> None:
        """Dispatches until it is stopped or loses the lease. Slow tasks run in threads of their own, which end before
        the lease is released.
        """
        with hold_lease(LEASE, self._intervals.lease_s) as lease:
            if lease is None or not self._has_started(stop, lease):
                return
            logger.info("this process dispatches now")
            threads = {"sealing": self._dispatch_seals_until, "maintenance": self._run_maintenance_until}
            with run_beside(threads) as check_threads:
                while not (stop.wait(self._intervals.turn_s) or lease.lost()):
                    check_threads()
                    self.backoff.attempt(Task.DISPATCHING, self.dispatch_ranges)

    def _has_started(self, stop: threading.Event, lease: HeldLease) -> bool:
        while not (stop.wait(self._intervals.turn_s) or lease.lost()):
            if self.backoff.attempt(Task.START, self.start):
                return True
        return False

    def _dispatch_seals_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._intervals.seal_every_s):
            self.backoff.attempt(Task.DISPATCHING_SEALS, self.dispatch_seals)

    def _run_maintenance_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._intervals.maintenance_every_s):
            self.backoff.attempt(
                Task.MAINTENANCE, lambda: self.run_maintenance(milliseconds(self._maintenance.wall_clock()))
            )
