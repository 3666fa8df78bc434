"""The jobs of `workers/jobs.py` as Celery's tasks: acknowledged when they are done, and tried again later if log, store
or database are unavailable. A message carries numbers only.

The names of tasks are written in messages that may be waiting, so they never change.
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

UNAVAILABLE: Final = (LogUnavailable, StoreUnavailable, DatabaseError, OSError)
RETRIES: Final = {
    "autoretry_for": UNAVAILABLE, "retry_backoff": 1, "retry_backoff_max": 60, "retry_jitter": True, "max_retries": 6,
}  # fmt: skip

_stopping = threading.Event()


@shared_task(name="hitstream.receive", queue="receive", **RETRIES)
def receive(number: int) -> None:
    """Makes a range of the ledger a raw block."""
    _handlers().receive(number)


@shared_task(name="hitstream.seal", queue="seal", **RETRIES)
def seal(property: int) -> None:
    """Makes a property's tail segments."""
    _handlers().seal(property)


@shared_task(name="hitstream.keep_up_all", queue="seal")
def send_maintenance() -> None:
    """Sends a job for each group of properties."""
    groups = _handlers().property_groups()
    group(run_maintenance.si(list(properties)) for properties in groups).apply_async(expires=60)


@shared_task(name="hitstream.keep_up", queue="seal")
def run_maintenance(properties: list[int]) -> None:
    """Compacts properties and applies their retention. A failure is tried again by the next round."""
    _handlers().run_maintenance(properties)


@shared_task(name="hitstream.carry_out", queue="history")
def process_requests() -> None:
    """Applies rules to history and erases, until it is done or the worker is told to stop."""
    _handlers().process_requests(_stopping.is_set)


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _stopping.set()


@lru_cache(maxsize=1)
def _handlers() -> JobHandlers:
    """Returns the handlers of this process, with its connections and caches."""
    return make_job_handlers()
