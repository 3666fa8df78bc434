"""What cannot be done now: said once for each cause, and tried again less and less often, while all else goes on."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, NamedTuple

from processing.concurrency.clock import Clock

logger = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
REMIND_S: Final = 600.0


class Failure(NamedTuple):
    """What a task ended with last; when it was said and when the task may be tried again, in the clock's seconds."""

    cause: type[Exception]
    said_at: float
    pause_s: float
    again_at: float


class Backoff:
    """By task, a few words such as "sealing property 7". Safe to share between threads."""

    def __init__(
        self,
        clock: Clock = time.monotonic,
        fatal: tuple[type[Exception], ...] = (),
        recover: Callable[[], None] = lambda: None,
    ) -> None:
        """`fatal` errors are not kept: they end the process. `recover` lets go of what an error may have left unusable,
        in the thread where it was raised.
        """
        self._clock, self._fatal, self._recover = clock, fatal, recover
        self._troubles: dict[str, Failure] = {}
        self._lock = Lock()

    def due(self, task: str) -> bool:
        """Whether the task should be tried now."""
        trouble = self._troubles.get(task)
        return trouble is None or self._clock() >= trouble.again_at

    @contextmanager
    def outlived(self, task: str) -> Iterator[None]:
        """What is raised inside is noted and goes no further."""
        try:
            yield
        except self._fatal:
            raise
        except Exception as error:  # noqa: BLE001 - whatever stops one task must not stop the others
            self._note(task, error)
            self._recover()
        else:
            self._settle(task)

    def tried(self, task: str, work: Callable[[], object]) -> bool:
        """Does the work if it is due. Whether it worked; where not, it is tried again later."""
        worked = False
        if self.due(task):
            with self.outlived(task):
                work()
                worked = True
        return worked

    def __len__(self) -> int:
        """How many tasks are in trouble."""
        return len(self._troubles)

    def _note(self, task: str, error: Exception) -> None:
        now = self._clock()
        with self._lock:
            known = self._troubles.get(task)
            same = known is not None and known.cause is type(error) and now - known.said_at < REMIND_S
            pause = min(known.pause_s * 2, LONGEST_PAUSE_S) if known else FIRST_PAUSE_S
            said_at = known.said_at if known and same else now
            self._troubles[task] = Failure(type(error), said_at, pause, now + pause)
        if not same:
            logger.error("%s failed and is tried again: %s: %s", task, type(error).__name__, error, exc_info=error)

    def _settle(self, task: str) -> None:
        with self._lock:
            known = self._troubles.pop(task, None)
        if known:
            logger.warning("%s works again", task)
