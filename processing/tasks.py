"""The jobs of `jobs.py` as Celery's tasks: acknowledged when they are done, tried again later where log, store or
database are away. A message carries numbers only.
"""

import threading
from functools import lru_cache
from typing import Any, Final

from celery import group, shared_task
from celery.signals import worker_shutting_down
from django.db import DatabaseError

from collection.log import LogUnavailable
from processing.store.port import StoreUnavailable
from processing.workers.jobs import JobHandlers
from processing.workers.wiring import make_job_handlers

AWAY: Final = (LogUnavailable, StoreUnavailable, DatabaseError, OSError)
RETRIES: Final = {
    "autoretry_for": AWAY, "retry_backoff": 1, "retry_backoff_max": 60, "retry_jitter": True, "max_retries": 6,
}  # fmt: skip

_stopping = threading.Event()


@shared_task(name="hitstream.receive", queue="receive", **RETRIES)
def receive(number: int) -> None:
    """One range of the ledger becomes a raw block."""
    _work().receive(number)


@shared_task(name="hitstream.seal", queue="seal", **RETRIES)
def seal(property: int) -> None:
    """A property's tail becomes segments."""
    _work().seal(property)


@shared_task(name="hitstream.keep_up_all", queue="seal")
def keep_up_all() -> None:
    """Sends a job for every few properties."""
    group(keep_up.si(list(properties)) for properties in _work().groups()).apply_async(expires=60)


@shared_task(name="hitstream.keep_up", queue="seal")
def keep_up(properties: list[int]) -> None:
    """Folds, merges, and lets go what is past its retention. What fails is tried again by the next round."""
    _work().keep_up(properties)


@shared_task(name="hitstream.carry_out", queue="history")
def carry_out() -> None:
    """Applies rules to history and erases, until it is done or the worker is told to stop."""
    _work().carry_out(_stopping.is_set)


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _stopping.set()


@lru_cache(maxsize=1)
def _work() -> JobHandlers:
    """Connections and caches are the process's."""
    return make_job_handlers()
