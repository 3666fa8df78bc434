"""Makes the workers that the settings describe, and holds the lock that keeps a worker the only one."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Final

import maxminddb
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError

from collection.log import Log
from configuration import clock
from configuration.drafts.snapshot import receive_settings, receive_settings_of, retention_days, stored_rules
from configuration.models import Property
from configuration.ruleset.context import Context, ReceiveSettings
from processing import installation
from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.failures import DatabaseRecord
from processing.concurrency.leases import hold_lease
from processing.engine import open_engine
from processing.ingest.geoip import GeoDatabase, open_geo_database
from processing.installation import open_installed_log, open_installed_store
from processing.maintenance.compaction import Retention
from processing.pipeline.process import lists_version
from processing.privacy.erasure_requests import ErasureWorker
from processing.receiving.backlog import Backlog, SealThresholds
from processing.receiving.contexts import Contexts
from processing.receiving.local_receiver import LocalReceiver
from processing.receiving.range_keys import load_visitor_key_factory
from processing.receiving.range_receiver import RangeReceiver
from processing.reprocessing.runs import HistoryRunner
from processing.store.port import Store
from processing.workers.config import GRACE_S, SHARED_SEGMENT_GRACE_S, MaintenanceConfig
from processing.workers.dispatcher import LEASE, Dispatcher, DispatchIntervals, JobSender
from processing.workers.jobs import JobHandlers
from processing.workers.worker import Worker, WorkerIntervals

PASSING: Final = (DatabaseError, MemoryError, OSError)  # say nothing of a property's settings


def make_worker(
    *,
    intervals: WorkerIntervals = WorkerIntervals(),  # noqa: B008 - it never changes
    thresholds: SealThresholds = SealThresholds(),  # noqa: B008 - it never changes
    grace_s: float = GRACE_S,
) -> Worker:
    """Returns a worker that is not started yet."""
    log, store = open_installed_log(), open_installed_store()
    receiver = LocalReceiver(
        log,
        store,
        Backlog(thresholds),
        current_context=current_context,
        load_keys=load_visitor_key_factory,
        geo=geo_database(),
        load_rules=stored_rules,
    )
    return Worker(store, receiver, _maintenance(log, store, grace_s), intervals=intervals)


def make_dispatcher(
    jobs: JobSender,
    *,
    intervals: DispatchIntervals = DispatchIntervals(),  # noqa: B008 - it never changes
    thresholds: SealThresholds = SealThresholds(),  # noqa: B008 - it never changes
    grace_s: float = GRACE_S,
) -> Dispatcher:
    """Returns a dispatcher that is not started yet."""
    log, store = open_installed_log(), open_installed_store()
    return Dispatcher(
        log,
        store,
        jobs,
        contexts=Contexts(store, stored_rules),
        current_context=current_context,
        maintenance=_maintenance(log, store, grace_s),
        thresholds=thresholds,
        intervals=intervals,
    )


def make_job_handlers() -> JobHandlers:
    """Returns what a worker process of a cluster does with its jobs. Raises WrongInstallation."""
    installation.check()
    log, store = open_installed_log(), open_installed_store()

    @cache
    def range_receiver() -> RangeReceiver:
        return RangeReceiver(log, store, Contexts(store, stored_rules), load_visitor_key_factory, geo_database())

    return JobHandlers(store, range_receiver, _maintenance(log, store))


def geo_database() -> GeoDatabase:
    """Raises ImproperlyConfigured if the file of places is not one."""
    try:
        return open_geo_database(settings.PLACES)
    except maxminddb.InvalidDatabaseError as error:
        message = f"HITSTREAM_PLACES={settings.PLACES} is not a database of places (.mmdb)."
        raise ImproperlyConfigured(message) from error


def make_history(store: Store) -> HistoryRunner:
    return HistoryRunner(store, settings.STORE_URL, lambda: open_engine(settings.ENGINE_URL), clock.now)


def current_context() -> Context:
    """Returns the settings of this moment.

    A property whose published settings cannot be read is left out: its hits are kept as those of an unknown property,
    and a run over history claims them once the settings are repaired. All others are received as ever. Errors that
    pass by themselves (PASSING) are raised, whichever property they meet: nothing is received until they are over.
    """
    try:
        properties = receive_settings()
    except PASSING:
        raise
    except Exception:  # noqa: BLE001 - whatever is wrong with one property
        properties = _readable_settings()
    return Context(properties, lists=lists_version(), places=settings.PLACES.name if settings.PLACES else "")


def _readable_settings() -> tuple[ReceiveSettings, ...]:
    found = list[ReceiveSettings]()
    for property in Property.objects.order_by("pk").values_list("pk", flat=True):
        with _settings_backoff.suppress_and_log(Task.READ_SETTINGS, property):
            found += receive_settings_of(Property.objects.filter(pk=property))
    return tuple(found)


_settings_backoff: Final = Backoff(fatal=PASSING, record=DatabaseRecord())


@contextmanager
def single_worker_lock() -> Iterator[None]:
    """Holds the lock of the installation's only worker; on a cluster, also the dispatcher's lease.

    Raises CommandError if another process has it.
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


def _maintenance(log: Log, store: Store, grace_s: float = GRACE_S) -> MaintenanceConfig:
    return MaintenanceConfig(
        history=make_history(store),
        erasures=ErasureWorker(store, log, clock.now),
        retention=_retention,
        wall_clock=clock.now,
        log_hours=settings.LOG_RETENTION_HOURS,
        block_grace_s=grace_s,
        segment_grace_s=SHARED_SEGMENT_GRACE_S if settings.BROKER_URL else grace_s,
    )


def _retention() -> Mapping[int, Retention]:
    return {property: Retention(*days) for property, days in retention_days().items()}
