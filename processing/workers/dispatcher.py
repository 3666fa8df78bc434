"""The dispatcher of a cluster: gives out ranges of the log and tails to seal, as jobs that any worker may take, and
keeps the store in order. Many may run; the one that holds the lease dispatches, and another takes over when it dies.

A job that is lost, with the broker or with its worker, is sent again: what is to be done is in ledger and store, never
in the broker. A job that is done twice changes nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from django.db import close_old_connections

from collection.log.port import Log
from configuration.clock import WallClock
from configuration.ruleset.context import Context
from processing.concurrency.backoff import Backoff
from processing.concurrency.clock import Clock
from processing.concurrency.leases import HeldLease, hold_lease
from processing.concurrency.threads import ThreadEnded, run_beside
from processing.models import Range
from processing.receiving import ledger
from processing.receiving.backlog import Backlog
from processing.receiving.backlog_scan import BacklogScan
from processing.receiving.batcher import RangeBatcher
from processing.receiving.contexts import Contexts
from processing.receiving.ledger import LogWentBack
from processing.receiving.range_receiver import log_lost_hits
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.segments.writer import MAX_WORK_S
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.housekeeping import ErasureWork, Housekeeping

logger = logging.getLogger(__name__)

LEASE: Final = "dispatcher"
TIDYING: Final = "tidying"
TIDYING_S: Final = 30.0
MOST_RANGES: Final = 64  # in flight: more wait in the log, where they belong
MOST_SEALS: Final = 64
SWEEP_AFTER_S: Final = 6 * MAX_WORK_S


class JobSender(Protocol):
    """Where jobs are sent to. All raise where the broker does not answer."""

    def receive(self, number: int) -> None: ...
    def seal(self, property: int) -> None: ...

    def waiting(self, kind: str) -> int:
        """How many jobs of the kind (`receive`, `seal`) no worker has taken yet."""


class DispatchIntervals(NamedTuple):
    """Seconds: between two looks at the log, at the tails and at the store; until a job is sent again, of which nobody
    was heard, or that somebody has begun; and how long a dispatcher that says nothing is waited for.
    """

    turn_s: float = 0.05
    seal_every_s: float = 1.0
    tidy_every_s: float = 30.0
    range_again_s: float = 15.0
    begun_again_s: float = 45.0
    seal_again_s: float = 60.0
    lease_s: float = 10.0


class SentJob(NamedTuple):
    """When a job was sent to seal a property, and the version of its manifest then."""

    at: float
    version: int


class Dispatcher:
    """Dispatches for one log and one store. `current_context` returns the settings of this moment."""

    def __init__(
        self, log: Log, store: Store, jobs: JobSender, *, contexts: Contexts,
        current_context: Callable[[], Context], backlog: Backlog,
        housekeeping: Callable[[Backlog, Callable[[], None]], Housekeeping], erasures: ErasureWork,
        wall_clock: WallClock, clock: Clock = time.monotonic,
        rhythm: DispatchIntervals = DispatchIntervals(),  # noqa: B008 - it never changes
    ) -> None:  # fmt: skip
        self._log, self._store, self._jobs = log, store, jobs
        self._contexts, self._current_context = contexts, current_context
        self._backlog, self._erasures, self._clock, self._rhythm = backlog, erasures, clock, rhythm
        self._wall_clock = wall_clock
        self._tails = BacklogScan(store, backlog, clock)
        self._new_housekeeping = housekeeping
        self.troubles = Backoff(clock, fatal=(LogWentBack, ThreadEnded), recover=close_old_connections)
        self._ranges: dict[int, float] = {}  # when they were sent
        self._seals: dict[int, SentJob] = {}
        self._looking = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Dispatches while it holds the lease, until `stop` is set. Raises LogWentBack, PartEnded."""
        while not stop.is_set():
            self.troubles.tried("holding the lease", lambda: self._lead(stop))
            stop.wait(self._rhythm.lease_s / 10)

    def dispatch(self) -> None:
        """Sends what is to be received: what is unfinished and was not sent lately, then new ranges."""
        unfinished = {item.pk: item for item in ledger.unfinished(self._log.id)}
        self._ranges = {number: at for number, at in self._ranges.items() if number in unfinished}
        late = [item for item in unfinished.values() if self._is_late(item)]
        if late and not self._jobs.waiting("receive"):  # or they are not lost: workers are behind
            for item in late:
                self._send_range(item)
        if len(unfinished) < MOST_RANGES:
            busy = {item.partition for item in unfinished.values()}
            for room, item in enumerate(self._batcher.next_ranges(busy=busy), start=len(unfinished) + 1):
                log_lost_hits(item) if item.done_at else self._send_range(item)
                if room >= MOST_RANGES:
                    break

    def dispatch_seals(self) -> None:
        """Sends the tails that are due and are not being sealed."""
        self._look()
        now = self._clock()
        for property, sent in list(self._seals.items()):
            late = now - sent.at >= self._rhythm.seal_again_s
            if self._tails.notice(property) != sent.version or (late and not self._jobs.waiting("seal")):
                del self._seals[property]
        due = self._backlog.due(now)
        removing = self._erasures.removing() if due else ()
        for property in due:
            if property not in self._seals and property not in removing and len(self._seals) < MOST_SEALS:
                self._jobs.seal(property)
                self._seals[property] = SentJob(now, self._tails.notice(property))

    def tidy(self, now_ms: int) -> None:
        """What there is to do once for the whole store; not beside a dispatcher that lost its lease and still does."""
        with hold_lease(TIDYING, TIDYING_S) as lease:
            if lease:
                self._housekeeping.tidy(now_ms, self._seal, self.troubles)

    def begin(self) -> None:
        """Learns what is there, when others dispatched before. Raises LogWentBack, and what log and store raise."""
        self._batcher = RangeBatcher(self._log, self._contexts, self._current_context, self._clock)
        self._batcher.check(self._store)
        self._tails.find(self.troubles)
        self._housekeeping = self._new_housekeeping(self._backlog, self._look)
        self._ranges, self._seals = {}, {}

    def _look(self) -> None:
        with self._looking:
            self._tails.look()

    def _is_late(self, item: Range) -> bool:
        again = self._rhythm.begun_again_s if item.begun else self._rhythm.range_again_s
        return self._clock() - self._ranges.get(item.pk, float("-inf")) >= again

    def _send_range(self, item: Range) -> None:
        self._jobs.receive(item.pk)
        self._ranges[item.pk] = self._clock()

    def _seal(self, property: int) -> bool:
        try:
            seal(self._store, ColumnCache(self._store, ONCE_BYTES), property)
        except Conflict:
            return False
        self._tails.notice(property)
        return True

    def _lead(self, stop: threading.Event) -> None:
        """What takes long has threads of its own, which end before the lease is given back."""
        with hold_lease(LEASE, self._rhythm.lease_s) as lease:
            if lease is None or not self._begun(stop, lease):
                return
            logger.info("this process dispatches now")
            with run_beside({"sealing": self._seals_due, "tidying": self._tidy_now}) as look:
                while not (stop.wait(self._rhythm.turn_s) or lease.lost()):
                    look()
                    self.troubles.tried("dispatching", self.dispatch)

    def _begun(self, stop: threading.Event, lease: HeldLease) -> bool:
        while not (stop.wait(self._rhythm.turn_s) or lease.lost()):
            if self.troubles.tried("looking at log and store", self.begin):
                return True
        return False

    def _seals_due(self, over: threading.Event) -> None:
        while not over.wait(self._rhythm.seal_every_s):
            self.troubles.tried("dispatching seals", self.dispatch_seals)

    def _tidy_now(self, over: threading.Event) -> None:
        while not over.wait(self._rhythm.tidy_every_s):
            self.troubles.tried("tidying", lambda: self.tidy(milliseconds(self._wall_clock())))
