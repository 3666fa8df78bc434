"""Lets a process go on although a task fails: the error is logged once for each cause, and the task is tried again less
and less often.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, NamedTuple

from processing.concurrency.clock import Clock

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
REMIND_S: Final = 600.0  # a cause that lasts is logged again

logger = logging.getLogger(__name__)


class Failure(NamedTuple):
    """How a task failed last, when that was logged, and when to try again, in seconds of the clock."""

    cause: type[Exception]
    logged_at: float
    pause_s: float
    retry_at: float


class Backoff:
    """Remembers the failures of tasks. A task is named by a few words, such as "sealing property 7".

    Safe to share between threads.
    """

    def __init__(
        self,
        clock: Clock = time.monotonic,
        fatal: tuple[type[Exception], ...] = (),
        recover: Callable[[], None] = lambda: None,
    ) -> None:
        """`fatal` errors are raised. `recover` is called after every other one, in the thread that raised it, to drop
        what the error may have left unusable.
        """
        self._clock, self._fatal, self._recover = clock, fatal, recover
        self._failures: dict[str, Failure] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """Returns how many tasks failed the last time."""
        return len(self._failures)

    def is_due(self, task: str) -> bool:
        """Returns whether the task should be tried now."""
        failure = self._failures.get(task)
        return failure is None or self._clock() >= failure.retry_at

    @contextmanager
    def suppress_and_log(self, task: str) -> Iterator[None]:
        """Suppresses the errors of the block, and logs each cause once."""
        try:
            yield
        except self._fatal:
            raise
        except Exception as error:  # noqa: BLE001 - an error in one task must not stop the others
            self._note(task, error)
            self._recover()
        else:
            with self._lock:
                failure = self._failures.pop(task, None)
            if failure:
                logger.warning("%s works again", task)

    def attempt(self, task: str, work: Callable[[], object]) -> bool:
        """Does the work if the task is due. Returns True if it was done, False if it failed or is not due."""
        succeeded = False
        if self.is_due(task):
            with self.suppress_and_log(task):
                work()
                succeeded = True
        return succeeded

    def _note(self, task: str, error: Exception) -> None:
        now = self._clock()
        with self._lock:
            last = self._failures.get(task)
            is_known = last is not None and last.cause is type(error) and now - last.logged_at < REMIND_S
            pause = min(last.pause_s * 2, LONGEST_PAUSE_S) if last else FIRST_PAUSE_S
            logged_at = last.logged_at if last and is_known else now
            self._failures[task] = Failure(type(error), logged_at, pause, now + pause)
        if not is_known:
            logger.error("%s failed and is tried again: %s: %s", task, type(error).__name__, error, exc_info=error)
