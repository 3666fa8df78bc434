"""The engine on Spark: each task is a job, and as many run at a time as the cluster has cores for us.

So each result arrives as soon as it is ready, a run is cancelled by its job group, and Spark repeats the tasks of an
executor that is lost.
"""

import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from pyspark import SparkContext

from processing.engine.attempt import check_runnable, encode_task, raise_if_stopped, result, run_task
from processing.engine.driver import GONE, PACKAGES, Driver
from processing.engine.port import POLL_S, EngineFailed, never_stop

T = TypeVar("T")
R = TypeVar("R")


class SparkEngine:
    """Starts Spark with the first run, and again after the cluster gave it up. `master` is written as for Spark."""

    def __init__(
        self,
        master: str,
        address: str = "127.0.0.1",
        *,
        settings: Mapping[str, str] | None = None,
        packages: Sequence[str] = PACKAGES,
    ) -> None:
        self._make = lambda: Driver(master, address, settings or {}, packages)
        self._driver: Future[Driver] | None = None
        self._lock = Lock()
        self._runs: set[_Run[Any]] = set()
        self._closed = False

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never_stop
    ) -> Generator[tuple[int, R], None, None]:
        check_runnable(function, self._closed)
        return self._results(function, tasks, lambda: self._closed or stop())

    def _results(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool]
    ) -> Generator[tuple[int, R], None, None]:
        if not tasks:
            return
        run: _Run[R] = _Run(self._started(stop), function, tasks)
        self._runs.add(run)
        try:
            yield from run.results(stop)
        except EngineFailed:
            raise_if_stopped(lambda: self._closed)
            raise
        finally:
            run.end()
            self._runs.discard(run)

    def _started(self, stop: Callable[[], bool]) -> SparkContext:
        raise_if_stopped(stop)
        with self._lock:
            if self._driver is None or _is_useless(self._driver):
                self._driver = _start_in_background(self._make)
            driver = self._driver
        while not driver.done():
            wait([driver], POLL_S)
            raise_if_stopped(stop)
        if error := driver.exception():
            raise EngineFailed(f"Spark does not start: {_short_text(error)}") from error
        return driver.result().context

    def close(self) -> None:
        self._closed = True
        for run in list(self._runs):
            run.end()
        with self._lock:
            driver, self._driver = self._driver, None
        if driver is not None and not driver.exception():
            driver.result().close()


class _Run(Generic[R]):
    """Threads that wait for Spark's jobs, as many as there are cores."""

    def __init__(self, context: SparkContext, function: Callable[[T], R], tasks: Sequence[T]) -> None:
        self._context, self._function, self._tasks = context, function, tasks
        self._group = f"{function.__qualname__} {uuid.uuid4()}"
        self._waiting = deque(range(len(tasks)))
        self._in_progress = 0
        self._queue: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._replies: SimpleQueue[tuple[int, bytes | Exception]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._ended = False

    def results(self, stop: Callable[[], bool]) -> Iterator[tuple[int, R]]:
        while self._waiting or self._in_progress:
            raise_if_stopped(stop)
            self._fill()
            try:
                number, reply = self._replies.get(timeout=POLL_S)
            except Empty:
                continue
            raise_if_stopped(stop)
            yield number, self._result(number, reply)

    def end(self) -> None:
        """Cancels the jobs, from any thread, until all threads end: a job may still be on its way to Spark."""
        self._ended = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in list(self._threads):
            while thread.is_alive():
                if self._in_progress:
                    self._cancel()
                thread.join(POLL_S)

    def _cancel(self) -> None:
        with suppress(*GONE):  # the threads notice as well
            self._context.cancelJobGroup(self._group)

    def _fill(self) -> None:
        room = self._room()
        while self._waiting and self._in_progress < room:
            number = self._waiting.popleft()
            self._queue.put((number, encode_task(self._function, self._tasks[number])))
            self._in_progress += 1
            if len(self._threads) < self._in_progress:
                self._threads.append(Thread(target=self._work, daemon=True))
                self._threads[-1].start()

    def _room(self) -> int:
        """Returns the number of cores, which grows while executors arrive."""
        try:
            return int(self._context.defaultParallelism)
        except GONE as error:
            raise EngineFailed(f"Spark is lost: {_short_text(error)}") from error

    def _result(self, number: int, reply: bytes | Exception) -> R:
        self._in_progress -= 1
        if isinstance(reply, Exception):
            task = f"task {number} ({self._tasks[number]!r:.200})"
            raise EngineFailed(f"{task} got no answer: {_short_text(reply)}") from reply
        value: R = result(number, reply)
        self._fill()  # before the consumer takes its time
        return value

    def _work(self) -> None:
        while (item := self._queue.get()) is not None and not self._ended:
            number, encoded = item
            self._replies.put((number, self._attempt(number, encoded)))

    def _attempt(self, number: int, encoded: bytes) -> bytes | Exception:
        """Runs one job. No interrupt on cancel: Spark's thread would end, but Python would go on working."""
        try:
            self._context.setJobGroup(self._group, f"task {number}", interruptOnCancel=False)
            [reply] = self._context.parallelize([encoded], 1).map(run_task).collect()
        except Exception as error:  # noqa: BLE001 -- it is raised where the result is awaited
            return error
        return bytes(reply)


def _short_text(error: BaseException) -> str:
    """Returns the message without Java's traceback, which is in the exception's cause."""
    lines = [line for line in str(error).splitlines() if not line.startswith("\t")]
    return " ".join(lines[:3])[:1000]


def _is_useless(driver: Future[Driver]) -> bool:
    """Returns whether the driver did not start or is lost. Closes a lost one."""
    if not driver.done():
        return False
    if driver.exception():
        return True
    if lost := driver.result().lost():
        driver.result().close()
    return lost


def _start_in_background(make: Callable[[], Driver]) -> Future[Driver]:
    future: Future[Driver] = Future()

    def work() -> None:
        try:
            future.set_result(make())
        except Exception as error:  # noqa: BLE001 -- it is raised where the driver is awaited
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future
