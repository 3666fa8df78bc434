"""Runs heavy work in a process of its own, which has a lower priority than this one and ends with the work.

What it takes, processor, memory and time, is then no page's, and it can be ended at any moment.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Final, TypeVar

from django.conf import settings

from processing.engine import Engine, EngineFailed, open_engine, open_process
from processing.interruption import checkpoint
from processing.store.port import Missing
from reporting.capacity.attempts import attempt
from reporting.capacity.queue import Busy

VIEW_KEPT_S: Final = 50  # segments that a view names are kept for a minute; some of it may pass before the work begins
IN_THIS_PROCESS: Final = "processes://0"  # ENGINE_URL of the smallest installations

T = TypeVar("T")
R = TypeVar("R")


def run_elsewhere(function: Callable[[T], R], task: T) -> R:
    """Returns `function(task)`. Raises what the function raises of the errors that `attempt` returns; Busy if its
    process ends, or data that it reads was replaced meanwhile; and what ends the work early. The function is one of a
    module without Django.
    """
    began = time.monotonic()
    try:
        ((_, outcome),) = _engine().run(attempt, [(function, task)], stop=_end_early)
    except EngineFailed as error:
        raise Busy(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The process that worked on this ended, perhaps for want of memory. Ask for fewer days, dimensions or rows"
            " at a time.",
        ) from error
    if isinstance(outcome, Missing) and time.monotonic() - began > VIEW_KEPT_S:
        raise Busy(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "This took so long that the data was rewritten meanwhile. Ask again, or for fewer days or dimensions at a"
            " time.",
        ) from outcome
    if isinstance(outcome, Exception):
        raise outcome
    result: R = outcome
    return result


def _end_early() -> bool:
    checkpoint()
    return False


@lru_cache(maxsize=1)
def _engine() -> Engine:
    """One attempt: what took too much memory takes as much again, and somebody waits for the answer."""
    return open_engine(IN_THIS_PROCESS) if settings.ENGINE_URL == IN_THIS_PROCESS else open_process()
