"""A worker as this installation's settings describe it, and the lock that keeps it the only one."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from collection.log import open_log
from configuration.rules import Context
from configuration.snapshot import property_settings, retention_days, stored_rules
from processing.backlog import Backlog, Ripeness
from processing.engine import open_engine
from processing.erasure import Erasures
from processing.history import History
from processing.pipeline import lists_version
from processing.places import open_places
from processing.receiver import Receiver
from processing.salts import keys_for
from processing.store import open_store
from processing.store.port import Store
from processing.upkeep import Retention
from processing.worker import Pace, Worker


def make_worker(pace: Pace = Pace(), ripeness: Ripeness = Ripeness()) -> Worker:  # noqa: B008 - they never change
    """Not started yet."""
    log, store = open_log(settings.LOG_URL), open_store(settings.STORE_URL, settings.SEGMENT_CACHE)
    places = open_places(settings.PLACES)
    receiver = Receiver(
        log, store, Backlog(ripeness), context=context_now, keys=keys_for, places=places, rules=stored_rules
    )
    return Worker(
        store,
        receiver,
        retention=_retention,
        log_hours=settings.LOG_RETENTION_HOURS,
        history=make_history(store),
        erasures=Erasures(store, log),
        pace=pace,
    )


def make_history(store: Store) -> History:
    return History(store, settings.STORE_URL, lambda: open_engine(settings.ENGINE_URL), timezone.now)


def context_now() -> Context:
    """What is in force at this moment."""
    return Context(property_settings(), lists=lists_version(), places=settings.PLACES.name if settings.PLACES else "")


@contextmanager
def alone() -> Iterator[None]:
    """Holds the installation's only worker's place. Raises CommandError where another process has it."""
    with (settings.DATA / "worker.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise CommandError(
                "Another worker is running in this data folder. One is enough: it does this work."
            ) from taken
        yield


def _retention() -> Mapping[int, Retention]:
    return {number: Retention(*days) for number, days in retention_days().items()}
