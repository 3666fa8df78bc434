"""Lets a process go on although a task fails: the error is logged once for each cause, and the task is tried again less
and less often.

A task is work for one property, request or run, so that its failure stops no other one. `Task` lists all of them: a new
loop of a worker gets a member there, and with it a case in the test of all tasks (test_isolation.py).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock
from typing import Final, NamedTuple, Protocol, TypeVar

from configuration.outages import OUTAGES, WITHOUT_ADAPTER
from processing.concurrency.clock import Clock

NEVER: Final = float("-inf")
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
REMIND_S: Final = 600.0  # a cause that lasts is logged again
FORGET_S: Final = 900.0  # a task that nobody has tried for so long: another process does it, or it is no longer needed
RECORD_S: Final = 60.0  # and recorded again, so that the record does not look forgotten
Result = TypeVar("Result")


class Task(StrEnum):
    """What workers do, as it is logged. `{}` stands for the number of a property, or of what else is worked on."""

    # Turns of loops: what fails here is needed by everything in the loop.
    START = "reading log and store"
    LEAD = "holding the lease"
    RECEIVING = "receiving"
    DISPATCHING = "dispatching"
    DISPATCHING_SEALS = "dispatching seals"
    SEALING = "sealing"
    MAINTENANCE = "maintenance"
    HISTORY = "applying rules"
    ERASING = "erasing"
    FINISHING_ERASURES = "finishing erasures"
    # Of one property, request or run.
    RECEIVE_RANGE = "receiving range {}"
    SEAL = "sealing property {}"
    READ_SETTINGS = "reading the settings of property {}"
    READ_MANIFEST = "reading the manifest of property {}"
    MAINTAIN = "maintenance of property {}"
    APPLY_RULES = "applying rules to property {}"
    ROLL_BACK = "rolling back property {}"
    END_RUN = "ending a run of property {}"
    EXPIRE_GENERATION = "deleting an old generation of property {}"
    REMOVE_ROWS = "removing erased rows of property {}"
    FINISH_ERASURE = "finishing the erasure of property {}"
    EXPIRE_TOMBSTONES = "forgetting whom property {} has erased"
    MERGE_BLOCKS = "merging raw blocks from {} on"
    DELETE_SEGMENT = "deleting segment {}"
    # Of the store, the log and the database as a whole.
    DELETE_BLOCKS = "deleting raw blocks"
    DELETE_SEGMENTS = "deleting unused segments"
    SCRUB = "scrubbing the store"
    EXPIRE_DAY_SALTS = "deleting the salts of old days"
    EXPIRE_PROPERTY_SALTS = "deleting the salts of properties without raw hits"
    MERGE_RANGES = "merging old ranges of the ledger"
    TRIM_LOG = "deleting received hits from the log"
    EMPTY_JOURNAL = "emptying the database's journal"

    def name_of(self, number: object) -> str:
        return self.value.format(number)


class Failure(NamedTuple):
    """How a task failed last and how often, when that was logged and recorded, and when to try again, in seconds of the
    clock.
    """

    cause: type[Exception]
    tries: int
    logged_at: float  # -inf if a server is away, which is logged once for all tasks
    recorded_at: float
    pause_s: float
    retry_at: float


class Record(Protocol):
    """Keeps failures where people look: see `failures.py`. Both methods must not raise."""

    def failed(self, name: str, property: int | None, error: Exception, tries: int) -> None: ...
    def works_again(self, name: str) -> None: ...


class NoRecord:
    """Keeps nothing."""

    def failed(self, name: str, property: int | None, error: Exception, tries: int) -> None:
        return

    def works_again(self, name: str) -> None:
        return


logger = logging.getLogger(__name__)


class Backoff:
    """Remembers the failures of tasks. Safe to share between threads."""

    def __init__(
        self,
        clock: Clock = time.monotonic,
        fatal: tuple[type[Exception], ...] = (),
        recover: Callable[[], None] = lambda: None,
        record: Record = NoRecord(),  # noqa: B008 - it never changes
    ) -> None:
        """`fatal` errors are raised. `recover` is called after every other one, in the thread that raised it, to drop
        what the error may have left unusable, before the failure is recorded: that may need the same connection.
        """
        self._clock, self._fatal, self._recover, self._record = clock, fatal, recover, record
        self._failures: dict[str, Failure] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        """Returns how many tasks failed the last time."""
        return len(self._failures)

    def is_due(self, task: Task, number: object = "") -> bool:
        """Returns whether the task should be tried now."""
        failure = self._failures.get(task.name_of(number))
        return failure is None or self._clock() >= failure.retry_at

    @contextmanager
    def suppress_and_log(self, task: Task, number: object = "", property: int | None = None) -> Iterator[None]:
        """Suppresses the errors of the block, and logs each cause once.

        `number` is that of what is worked on; `property`: the property, if that is another number.
        """
        try:
            yield
        except self._fatal:
            raise
        except Exception as error:  # noqa: BLE001 - an error in one task must not stop the others
            self.note(task, error, number, property)
        else:
            self.note_success(task, number)

    def attempt(self, task: Task, work: Callable[[], object], number: object = "", property: int | None = None) -> bool:
        """Does the work if the task is due. Returns True if it was done, False if it failed or is not due."""
        succeeded = False
        if self.is_due(task, number):
            with self.suppress_and_log(task, number, property):
                work()
                succeeded = True
        return succeeded

    def result(
        self,
        task: Task,
        work: Callable[[], Result],
        number: object = "",
        property: int | None = None,
        *,
        default: Result,
    ) -> Result:
        """Does the work like `attempt`. Returns what it returns, or `default` where it failed or is not due."""
        results = list[Result]()
        self.attempt(task, lambda: results.append(work()), number, property)
        return results[0] if results else default

    def note(self, task: Task, error: Exception, number: object = "", property: int | None = None) -> None:
        """Logs and records that the task failed, for a caller that raises the error itself."""
        self._recover()
        name, now = task.name_of(number), self._clock()
        if (server := OUTAGES.classify(error)) in WITHOUT_ADAPTER:
            OUTAGES.began(server, error)
        is_explained = OUTAGES.explains(error)
        with self._lock:
            for old in [each for each, failure in self._failures.items() if now - failure.retry_at > FORGET_S]:
                del self._failures[old]
            last = self._failures.get(name)
            is_known = last is not None and last.cause is type(error) and now - last.logged_at < REMIND_S
            is_same = is_known or (is_explained and last is not None and last.cause is type(error))
            is_recorded = last is not None and is_same and now - last.recorded_at < RECORD_S
            tries = last.tries + 1 if last else 1
            pause = min(last.pause_s * 2, LONGEST_PAUSE_S) if last else FIRST_PAUSE_S
            logged_at = last.logged_at if last and is_known else NEVER if is_explained else now
            recorded_at = last.recorded_at if last and is_recorded else now
            self._failures[name] = Failure(type(error), tries, logged_at, recorded_at, pause, now + pause)
        if not is_known and not is_explained:
            logger.error("%s failed and is tried again: %s: %s", name, type(error).__name__, error, exc_info=error)
        if not is_recorded:
            of_number = number if isinstance(number, int) and "property {}" in task.value else None
            self._record.failed(name, of_number if property is None else property, error, tries)

    def note_success(self, task: Task, number: object = "") -> None:
        name = task.name_of(number)
        with self._lock:
            failure = self._failures.pop(name, None)
        if failure:
            if failure.logged_at > NEVER:
                logger.warning("%s works again", name)
            self._record.works_again(name)
