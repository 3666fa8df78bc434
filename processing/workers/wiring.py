"""A worker as this installation's settings describe it, and the lock that keeps it the only one."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from django.conf import settings
from django.core.management.base import CommandError

from collection.log import open_log
from configuration import clock
from configuration.drafts.snapshot import property_settings, retention_days, stored_rules
from configuration.ruleset.context import Context
from processing.concurrency.leases import hold_lease
from processing.engine import open_engine
from processing.ingest.geoip import open_geo_database
from processing.maintenance.compaction import Retention
from processing.pipeline.process import lists_version
from processing.privacy.erasure_requests import ErasureWorker
from processing.receiving.backlog import Backlog, SealThresholds
from processing.receiving.contexts import Contexts
from processing.receiving.local_receiver import LocalReceiver
from processing.receiving.range_keys import load_visitor_key_factory
from processing.receiving.range_receiver import RangeReceiver
from processing.reprocessing.runs import HistoryRunner
from processing.store import open_store
from processing.store.port import Store
from processing.workers.dispatcher import LEASE, SWEEP_AFTER_S, Dispatcher, DispatchIntervals, JobSender
from processing.workers.housekeeping import Housekeeping
from processing.workers.jobs import JobHandlers
from processing.workers.worker import Worker, WorkerIntervals


def make_worker(pace: WorkerIntervals = WorkerIntervals(), ripeness: SealThresholds = SealThresholds()) -> Worker:  # noqa: B008 - they never change
    """Not started yet. On a cluster others may still seal."""
    log, store = open_log(settings.LOG_URL), make_store()
    pace = pace._replace(sweep_after_s=SWEEP_AFTER_S) if settings.BROKER_URL else pace
    receiver = LocalReceiver(
        log,
        store,
        Backlog(ripeness),
        current_context=current_context,
        load_keys=load_visitor_key_factory,
        geo=open_geo_database(settings.PLACES),
        load_rules=stored_rules,
    )
    return Worker(
        store,
        receiver,
        retention=_retention,
        log_hours=settings.LOG_RETENTION_HOURS,
        history=make_history(store),
        erasures=ErasureWorker(store, log, clock.now),
        wall_clock=clock.now,
        pace=pace,
    )


def make_dispatcher(
    jobs: JobSender,
    rhythm: DispatchIntervals = DispatchIntervals(),  # noqa: B008 - it never changes
    ripeness: SealThresholds = SealThresholds(),  # noqa: B008 - it never changes
) -> Dispatcher:
    """Not started yet."""
    log, store = open_log(settings.LOG_URL), make_store()
    erasures = ErasureWorker(store, log, clock.now)

    def housekeeping(backlog: Backlog, look: Callable[[], None]) -> Housekeeping:
        return Housekeeping(
            *(log, store, backlog),
            log_hours=settings.LOG_RETENTION_HOURS,
            history=make_history(store),
            erasures=erasures,
            clock=time.monotonic,
            sweep_after_s=SWEEP_AFTER_S,
            look=look,
        )

    return Dispatcher(
        *(log, store, jobs),
        contexts=Contexts(store, stored_rules),
        current_context=current_context,
        backlog=Backlog(ripeness),
        housekeeping=housekeeping,
        erasures=erasures,
        wall_clock=clock.now,
        rhythm=rhythm,
    )


def make_job_handlers() -> JobHandlers:
    """What a worker process of a cluster can do."""
    store = make_store()
    log = open_log(settings.LOG_URL)

    @cache
    def ranges() -> RangeReceiver:
        contexts = Contexts(store, stored_rules)
        return RangeReceiver(log, store, contexts, load_visitor_key_factory, open_geo_database(settings.PLACES))

    return JobHandlers(
        store,
        ranges,
        retention=_retention,
        history=make_history(store),
        erasures=ErasureWorker(store, log, clock.now),
        wall_clock=clock.now,
    )


def make_store() -> Store:
    return open_store(settings.STORE_URL, settings.SEGMENT_CACHE)


def make_history(store: Store) -> HistoryRunner:
    return HistoryRunner(store, settings.STORE_URL, lambda: open_engine(settings.ENGINE_URL), clock.now)


def current_context() -> Context:
    """The settings of this moment."""
    return Context(property_settings(), lists=lists_version(), places=settings.PLACES.name if settings.PLACES else "")


@contextmanager
def single_worker_lock() -> Iterator[None]:
    """Holds the place of the installation's only worker; on a cluster, of its dispatcher. Raises CommandError where
    another process has it.
    """
    with (settings.DATA / "worker.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise CommandError(
                "Another worker is running in this data folder. One is enough: it does this work."
            ) from taken
        if not settings.BROKER_URL:
            yield
            return
        with hold_lease(LEASE, DispatchIntervals().lease_s) as lease:
            if lease is None:
                raise CommandError("A dispatcher is running: its workers do this work. To do it here, stop beat first.")
            yield


def _retention() -> Mapping[int, Retention]:
    return {number: Retention(*days) for number, days in retention_days().items()}
