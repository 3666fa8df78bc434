"""An installation whose jobs go by a broker that loses, doubles and shuffles them, to two workers of one store."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from collection.hit import RawHit, encode
from collection.log import open_log
from configuration.ruleset.context import Context
from processing.concurrency.backoff import Backoff
from processing.engine import open_engine
from processing.ingest.geoip import NoGeoDatabase
from processing.models import Range
from processing.privacy.erasure_requests import ErasureWorker
from processing.receiving import ledger
from processing.receiving.contexts import Contexts
from processing.receiving.pending import PendingHits
from processing.receiving.range_receiver import RangeReceiver
from processing.reprocessing.runs import HistoryRunner
from processing.segments.read_view import ReadView
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from processing.workers.config import MaintenanceConfig
from processing.workers.dispatcher import Dispatcher, DispatchIntervals
from processing.workers.jobs import JobHandlers
from tests.support import clock
from tests.support.installation import BLOG, SHOP, keys, plain_rules

GRACE_S = 50.0
INTERVALS = DispatchIntervals(range_again_s=5.0, started_again_s=9.0, seal_again_s=20.0)


class Died(BaseException):
    """What a worker that is killed does: nothing more."""


@contextmanager
def dying(rnd: random.Random) -> Iterator[None]:
    """One time in ten, when a range would be called done, before it is or after."""
    if rnd.random() > 0.1:
        yield
        return
    done, after = ledger.finish, rnd.random() < 0.5

    def die(item: Range, cleaned: Mapping[int, int]) -> bool:
        if after:
            done(item, cleaned)
        raise Died

    with patch.object(ledger, "finish", die):
        yield


class Broker:
    """See `processing.workers.dispatcher.JobSender`. What it carries can be lost as a whole."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, int]] = []

    def waiting(self, kind: str) -> int:
        return sum(job[0] == kind for job in self.jobs)

    def receive(self, number: int) -> None:
        self.jobs.append(("receive", number))

    def seal(self, property: int) -> None:
        self.jobs.append(("seal", property))


class Dispatched:
    """`step` lets a while pass; `finish` lets everything come to rest."""

    def __init__(self, folder: Path, rnd: random.Random) -> None:
        self.rnd, self.now, self.broker = rnd, 0.0, Broker()
        self.url = f"sqlite://{folder}/store"
        self.log, self.store = open_log(f"sqlite://{folder}/log"), open_store(self.url)
        self.reader, self.pending = ViewCache(self.store), PendingHits(self.log)
        self.workers = [self._worker() for _ in range(2)]
        self.elect()

    def elect(self) -> None:
        """A dispatcher that knows nothing of the one before."""
        self.dispatcher = Dispatcher(
            *(self.log, self.store, self.broker),
            contexts=self._contexts(),
            current_context=self._current_context,
            maintenance=self._maintenance(),
            clock=lambda: self.now,
            intervals=INTERVALS,
        )
        self.dispatcher.backoff = Backoff(fatal=(Exception,))
        self.dispatcher.start()

    def send(self, *hits: RawHit) -> None:
        self.log.append([(hit.address.encode(), encode(hit)) for hit in hits])

    def step(self, now_ms: int) -> None:
        """Something happens, or something else."""
        self.now += self.rnd.choice([0.0, 1.0, 7.0, 70.0])
        act = self.rnd.choice(
            [self._dispatch, self._work, self._work, lambda: self.dispatcher.run_maintenance(now_ms), self._disturb]
        )
        act()

    def finish(self) -> None:
        """A tail is seen in one turn, and old enough in the next."""
        idle = 0
        for _ in range(100):
            self.now += 4_000
            self._dispatch()
            idle = 0 if self.broker.jobs else idle + 1
            if idle == 2:
                return
            for job in self._taken():
                self._do(job)
        raise AssertionError("jobs are sent for ever")

    def view(self, property: int = SHOP.id) -> ReadView:
        return self.reader.view(property)

    def accounted(self, property: int, measurement_id: str) -> int:
        """Hits that reports hold, and those that wait in the log."""
        view = self.view(property)
        waiting = self.pending.hits(view.tail.blocks, view.sealed.manifest.covered, property, measurement_id)
        return view.counts().accepted + waiting

    def _dispatch(self) -> None:
        self.dispatcher.dispatch_ranges()
        self.now += 1  # what has not filled a range waits so long at most
        self.dispatcher.dispatch_ranges()
        self.dispatcher.dispatch_seals()

    def _work(self) -> None:
        jobs = self._taken()
        self.rnd.shuffle(jobs)
        for job in jobs:
            fate = self.rnd.random()
            if fate < 0.2:
                self.broker.jobs.append(job)  # later
            elif fate > 0.3:
                self._do(job)
            if fate > 0.9:
                self._do(job)

    def _do(self, job: tuple[str, int]) -> None:
        """By some worker, which may die before or after what it writes last."""
        work = self.rnd.choice(self.workers)
        does: dict[str, Callable[[int], object]] = {"receive": work.receive, "seal": work.seal}
        with suppress(Died), dying(self.rnd):
            does[job[0]](job[1])

    def _taken(self) -> list[tuple[str, int]]:
        jobs, self.broker.jobs = self.broker.jobs, []
        return jobs

    def _disturb(self) -> None:
        acts: list[Callable[[], object]] = [self._taken, self.elect, self._run_maintenance]
        self.rnd.choice(acts)()

    def _run_maintenance(self) -> None:
        self.workers[0].run_maintenance([SHOP.id, BLOG.id])

    def _worker(self) -> JobHandlers:
        ranges = RangeReceiver(self.log, self.store, self._contexts(), keys, NoGeoDatabase())
        return JobHandlers(self.store, lambda: ranges, self._maintenance())

    def _contexts(self) -> Contexts:
        return Contexts(self.store, plain_rules)

    def _current_context(self) -> Context:
        return Context((SHOP, BLOG))

    def _maintenance(self) -> MaintenanceConfig:
        return MaintenanceConfig(
            history=HistoryRunner(self.store, self.url, lambda: open_engine("processes://0"), clock.now),
            erasures=ErasureWorker(self.store, self.log, clock.now),
            retention=dict,
            wall_clock=clock.now,
            block_grace_s=GRACE_S,
            segment_grace_s=GRACE_S,
        )
