"""The engine on Spark: each task is a job of its own, as many at a time as the cluster has cores for us.

So results come as they are done, a run is cancelled by its job group, and Spark repeats what was lost with an executor.
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

from processing.engine.attempt import answer, check, obey, question, result
from processing.engine.driver import GONE, PACKAGES, Driver
from processing.engine.port import POLL_S, EngineFailed, never

T = TypeVar("T")
R = TypeVar("R")


class SparkEngine:
    """`master` as Spark spells it. Starts with the first run; starts again when the cluster gave it up."""

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
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never
    ) -> Generator[tuple[int, R], None, None]:
        check(function, self._closed)
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
            obey(lambda: self._closed)
            raise
        finally:
            run.end()
            self._runs.discard(run)

    def _started(self, stop: Callable[[], bool]) -> SparkContext:
        obey(stop)
        with self._lock:
            if self._driver is None or _useless(self._driver):
                self._driver = _in_the_background(self._make)
            driver = self._driver
        while not driver.done():
            wait([driver], POLL_S)
            obey(stop)
        if error := driver.exception():
            raise EngineFailed(f"Spark does not start: {_in_short(error)}") from error
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
        self._in_hand = 0
        self._questions: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self._replies: SimpleQueue[tuple[int, bytes | Exception]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._ended = False

    def results(self, stop: Callable[[], bool]) -> Iterator[tuple[int, R]]:
        while self._waiting or self._in_hand:
            obey(stop)
            self._fill()
            try:
                number, reply = self._replies.get(timeout=POLL_S)
            except Empty:
                continue
            obey(stop)
            yield number, self._result(number, reply)

    def end(self) -> None:
        """From any thread. Again and again, since a job may be on its way to Spark."""
        self._ended = True
        for _ in self._threads:
            self._questions.put(None)
        for thread in list(self._threads):
            while thread.is_alive():
                if self._in_hand:
                    self._cancel()
                thread.join(POLL_S)

    def _cancel(self) -> None:
        with suppress(*GONE):  # the threads notice as well
            self._context.cancelJobGroup(self._group)

    def _fill(self) -> None:
        room = self._room()
        while self._waiting and self._in_hand < room:
            number = self._waiting.popleft()
            self._questions.put((number, question(self._function, self._tasks[number])))
            self._in_hand += 1
            if len(self._threads) < self._in_hand:
                self._threads.append(Thread(target=self._ask, daemon=True))
                self._threads[-1].start()

    def _room(self) -> int:
        """It grows while executors arrive."""
        try:
            return int(self._context.defaultParallelism)
        except GONE as error:
            raise EngineFailed(f"Spark is lost: {_in_short(error)}") from error

    def _result(self, number: int, reply: bytes | Exception) -> R:
        self._in_hand -= 1
        if isinstance(reply, Exception):
            task = f"task {number} ({self._tasks[number]!r:.200})"
            raise EngineFailed(f"{task} got no answer: {_in_short(reply)}") from reply
        value: R = result(number, reply)
        self._fill()  # before the consumer takes its time
        return value

    def _ask(self) -> None:
        while (given := self._questions.get()) is not None and not self._ended:
            number, asked = given
            self._replies.put((number, self._attempt(number, asked)))

    def _attempt(self, number: int, asked: bytes) -> bytes | Exception:
        """Without an interrupt: Spark's thread would go away and leave Python at work."""
        try:
            self._context.setJobGroup(self._group, f"task {number}", interruptOnCancel=False)
            [reply] = self._context.parallelize([asked], 1).map(answer).collect()
        except Exception as error:  # noqa: BLE001 -- it is raised where the result is awaited
            return error
        return bytes(reply)


def _in_short(error: BaseException) -> str:
    """Without Java's traceback, which is in the exception's cause."""
    lines = [line for line in str(error).splitlines() if not line.startswith("\t")]
    return " ".join(lines[:3])[:1000]


def _useless(driver: Future[Driver]) -> bool:
    """It did not start, or it is lost; then what is left of it is removed."""
    if not driver.done():
        return False
    if driver.exception():
        return True
    if lost := driver.result().lost():
        driver.result().close()
    return lost


def _in_the_background(make: Callable[[], Driver]) -> Future[Driver]:
    future: Future[Driver] = Future()

    def work() -> None:
        try:
            future.set_result(make())
        except Exception as error:  # noqa: BLE001 -- it is raised where the driver is awaited
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future
