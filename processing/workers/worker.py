"""The worker: receives, seals and maintains, in turns, until it is stopped.

A task that fails is logged once and tried again later, while all others go on: a full disk ends by itself, and a
damaged segment stops its own property only. Two failures end the process, which the supervisor then starts again: a log
that went back, and a thread that ended.
"""

import logging
import threading
import time
from typing import NamedTuple

from django.db import close_old_connections

from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.clock import Clock
from processing.concurrency.failures import DatabaseRecord
from processing.concurrency.threads import run_beside
from processing.maintenance.compaction import Retention, run_short_maintenance
from processing.receiving.backlog_scan import BacklogScan
from processing.receiving.ledger import LogWentBack
from processing.receiving.local_receiver import LocalReceiver
from processing.segments.column_cache import WORK_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.config import MaintenanceConfig
from processing.workers.housekeeping import Housekeeping

logger = logging.getLogger(__name__)


class WorkerIntervals(NamedTuple):
    """Seconds between two looks at the log, at the tails, and between two rounds of maintenance."""

    turn_s: float = 0.05
    seal_every_s: float = 1.0
    maintenance_every_s: float = 30.0


class Worker:
    """Seals and maintains one store, beside the receiver that fills it."""

    def __init__(
        self, store: Store, receiver: LocalReceiver, maintenance: MaintenanceConfig, *,
        intervals: WorkerIntervals = WorkerIntervals(),  # noqa: B008 - it never changes
        clock: Clock = time.monotonic,
    ) -> None:  # fmt: skip
        self.store, self.receiver, self.backlog = store, receiver, receiver.backlog
        self.maintenance, self._intervals, self._clock = maintenance, intervals, clock
        self._columns, self._scan = ColumnCache(store, WORK_BYTES, codes=False), BacklogScan(store, self.backlog, clock)
        self._housekeeping = Housekeeping(receiver.log, store, self.backlog, maintenance, clock)
        self.backoff = Backoff(clock, (LogWentBack,), recover=close_old_connections, record=DatabaseRecord())
        self._has_started = False

    def start(self) -> int:
        """Finishes what an earlier worker left, and finds the tails. Returns the number of hits received."""
        received = self.receiver.catch_up(self.backoff)
        self._scan.rebuild(self.backoff)
        self._has_started = True
        return received

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set. Sealing, runs over history and erasures have threads of their own, so that none of
        them waits for another, nor do hits; these have ended when this returns or raises.

        Raises LogWentBack, ThreadEnded.
        """
        threads = {"sealing": self._seal_until, "history": self._apply_rules_until, "erasures": self._erase_until}
        with run_beside(threads) as check_threads:
            while not stop.wait(self._intervals.turn_s):
                check_threads()
                self.backoff.attempt(Task.RECEIVING, self._receive if self._has_started else self.start)

    def drain(self) -> int:
        """Receives and seals everything at once. Returns the number of hits received."""
        received = self.receiver.receive(self.backoff, at_once=True)
        self.seal(everything=True)
        return received

    def seal(self, *, everything: bool = False) -> list[int]:
        """Seals the tails that are ready, or all. Returns the properties that were sealed."""
        ready = self.backlog.ready(self._clock(), everything=everything)
        return [property for property in ready if self._attempt_seal(property, at_once=everything)]

    def process_requests(self, now_ms: int) -> None:
        """Takes one turn of erasing, and of all that it waits for: for a process that stands in for the worker."""
        self.maintenance.history.work(lambda: False, self.backoff)
        self.maintenance.erasures.work(lambda: False, self.backoff)
        self.run_maintenance(now_ms)

    def run_maintenance(self, now_ms: int) -> None:
        """Compacts every property and applies its retention, then maintains the store as a whole."""
        with self.backoff.suppress_and_log(Task.MAINTENANCE):
            retention = self.maintenance.retention()
            # Raw rows of active properties are being read; rows of others are being removed.
            waiting = {*self.maintenance.history.active_properties(), *self.maintenance.erasures.removing()}
            for property in set(self.store.properties()) - waiting:
                with self.backoff.suppress_and_log(Task.MAINTAIN, property):
                    limits = retention.get(property, Retention())
                    run_short_maintenance(self.store, self._columns, property, now_ms, limits)
        self._housekeeping.run(now_ms, self.seal_property, self.backoff)

    def seal_property(self, property: int) -> bool:
        """Returns False if another process sealed the property at the same time. Raises what the store raises."""
        try:
            seal(self.store, self._columns, property)
        except Conflict:
            logger.warning("another process sealed property %d at the same time; trying again later", property)
            return False
        self._scan.refresh(property)
        return True

    def _attempt_seal(self, property: int, *, at_once: bool) -> bool:
        if property in self.maintenance.erasures.removing():
            return False
        if at_once or self.backoff.is_due(Task.SEAL, property):
            with self.backoff.suppress_and_log(Task.SEAL, property):
                return self.seal_property(property)
        return False

    def _seal_until(self, stop: threading.Event) -> None:
        maintained_at = self._clock()
        while not stop.wait(self._intervals.seal_every_s):
            with self.backoff.suppress_and_log(Task.SEALING):
                self.seal()
            if self._has_started and self._clock() - maintained_at >= self._intervals.maintenance_every_s:
                self.run_maintenance(milliseconds(self.maintenance.wall_clock()))
                maintained_at = self._clock()

    def _receive(self) -> int:
        return self.receiver.receive(self.backoff)

    def _apply_rules_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._intervals.seal_every_s):
            self.backoff.attempt(Task.HISTORY, lambda: self.maintenance.history.work(stop.is_set, self.backoff))

    def _erase_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._intervals.seal_every_s):
            self.backoff.attempt(Task.ERASING, lambda: self.maintenance.erasures.work(stop.is_set, self.backoff))
