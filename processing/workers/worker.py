"""The worker: receives, seals and keeps up, in turns, until it is told to stop.

What fails is said once and tried again later, and all else goes on: a full disk ends by itself, a damaged segment
stops its own property only. A log that went back, and a part that ended, end the process: it is started anew.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final, NamedTuple

from django.db import close_old_connections

from configuration.clock import WallClock
from processing.concurrency.backoff import Backoff
from processing.concurrency.clock import Clock
from processing.concurrency.threads import run_beside
from processing.maintenance.compaction import Retention, run_short_maintenance
from processing.receiving.backlog_scan import BacklogScan
from processing.receiving.ledger import LogWentBack
from processing.receiving.local_receiver import LocalReceiver
from processing.segments.column_cache import WORK_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.housekeeping import GRACE_S, ErasureWork, HistoryWork, Housekeeping

logger = logging.getLogger(__name__)

TURN_S: Final = 0.05
SEAL_EVERY_S: Final = 1.0
TIDY_EVERY_S: Final = 30.0


class WorkerIntervals(NamedTuple):
    """Seconds between two looks at the log, at the tails and at the upkeep, and before something unused is deleted:
    raw blocks, and segments, where others may be about to commit some.
    """

    turn_s: float = TURN_S
    seal_every_s: float = SEAL_EVERY_S
    tidy_every_s: float = TIDY_EVERY_S
    grace_s: float = GRACE_S
    sweep_after_s: float | None = None


class Worker:
    """Seals and upkeep of one store, beside the receiver that fills it."""

    def __init__(
        self,
        store: Store,
        receiver: LocalReceiver,
        *,
        retention: Callable[[], Mapping[int, Retention]],
        log_hours: int | None = None,
        history: HistoryWork | None = None,
        erasures: ErasureWork | None = None,
        wall_clock: WallClock,
        clock: Clock = time.monotonic,
        pace: WorkerIntervals = WorkerIntervals(),  # noqa: B008 - it never changes
    ) -> None:
        """Hits stay in the log for `log_hours`; None: for ever. The upkeep of properties to whose past rules are being
        applied waits: their raw rows are being read.
        """
        self.store, self.receiver, self.backlog = store, receiver, receiver.backlog
        self._columns, self._tails = ColumnCache(store, WORK_BYTES), BacklogScan(store, self.backlog, clock)
        self._retention, self._wall_clock, self._clock, self._pace = retention, wall_clock, clock, pace
        self.history, self.erasures = history, erasures
        self.housekeeping = Housekeeping(
            *(receiver.log, store, self.backlog),
            log_hours=log_hours,
            history=history,
            erasures=erasures,
            clock=clock,
            grace_s=pace.grace_s,
            sweep_after_s=pace.sweep_after_s,
        )
        self.troubles = Backoff(clock, fatal=(LogWentBack,), recover=close_old_connections)
        self._knows_tails = False

    def start(self) -> int:
        """Finishes what an earlier worker left, and finds the tails. Returns the number of hits received."""
        received = self.receiver.catch_up()
        self._tails.find(self.troubles)
        self._knows_tails = True
        return received

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set. Sealing and history have threads of their own, so that hits are received
        meanwhile; when this returns or raises, none of them works any more.

        Raises LogWentBack, PartEnded.
        """
        with run_beside({"sealing": self._seal_until, "history": self._history_until}) as look:
            while not stop.wait(self._pace.turn_s):
                look()
                self._receive()

    def _receive(self) -> None:
        self.troubles.tried("receiving", self.receiver.receive if self._knows_tails else self.start)

    def drain(self) -> int:
        """Receives and seals all there is. Returns the number of hits received."""
        received = self.receiver.receive(at_once=True)
        self.seal(everything=True)
        return received

    def seal(self, *, everything: bool = False) -> list[int]:
        """Seals the tails that are due. Returns the properties."""
        due = self.backlog.due(self._clock(), all_of_them=everything)
        return [property for property in due if self._seal(property, at_once=everything)]

    def erase(self, now_ms: int) -> None:
        """One turn of erasing, and of everything that it waits for: for a process that is the worker for a while."""
        for part in (self.history, self.erasures):
            if part:
                part.work(lambda: False)
        self.tidy(now_ms)

    def tidy(self, now_ms: int) -> None:
        """Upkeep of every property, of raw blocks and of orphans."""
        with self.troubles.outlived("upkeep"):
            retention, resting = self._retention(), self.history.resting() if self.history else ()
            for property in set(self.store.properties()).difference(resting, self._removing()):
                self._keep_up(property, now_ms, retention.get(property, Retention()))
        self.housekeeping.tidy(now_ms, self._sealed, self.troubles)

    def _keep_up(self, property: int, now_ms: int, retention: Retention) -> None:
        with self.troubles.outlived(f"upkeep of property {property}"):
            run_short_maintenance(self.store, self._columns, property, now_ms, retention)

    def _seal_until(self, stop: threading.Event) -> None:
        tidied = self._clock()
        while not stop.wait(self._pace.seal_every_s):
            with self.troubles.outlived("sealing"):
                self.seal()
            if self._knows_tails and self._clock() - tidied >= self._pace.tidy_every_s:
                self.tidy(milliseconds(self._wall_clock()))
                tidied = self._clock()

    def _history_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._pace.seal_every_s):
            for name, part in (("history", self.history), ("removing what is erased", self.erasures)):
                if part:
                    self.troubles.tried(name, partial(part.work, stop.is_set))

    def _seal(self, property: int, *, at_once: bool) -> bool:
        task = f"sealing property {property}"
        if property in self._removing():
            return False
        if at_once or self.troubles.due(task):
            with self.troubles.outlived(task):
                return self._sealed(property)
        return False

    def _sealed(self, property: int) -> bool:
        try:
            seal(self.store, self._columns, property)
        except Conflict:
            logger.warning("property %d was sealed by somebody else at the same time; trying again later", property)
            return False
        self._tails.notice(property)
        return True

    def _removing(self) -> Collection[int]:
        return self.erasures.removing() if self.erasures else ()
