"""Engines of one machine: a pool of processes, or this process alone.

The pool is made of bare child processes (`child.py`) with one connection each. Python's own pools end as a whole when
one process dies, fork (which polars and threads do not survive), or leave a process behind.
"""

import pickle
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any, Final, Generic, TypeVar

from configuration.numbers import how_many
from processing.engine.attempt import check_runnable, encode_task, raise_if_stopped, result, run_task
from processing.engine.port import MOST_ATTEMPTS, POLL_S, EngineFailed, never_stop

CHILD: Final = Path(__file__).with_name("child.py")
NICE: Final = 10  # hits are received first
TASKS_EACH: Final = 100  # then a process is replaced, which returns the memory that its libraries keep

T = TypeVar("T")
R = TypeVar("R")


class ProcessEngine:
    """Each run has at most `processes` children, with a priority lower by `nice`. A child runs `tasks_each` at most. A
    task whose process ends is attempted `attempts` times in all.
    """

    def __init__(
        self, processes: int, *, tasks_each: int = TASKS_EACH, nice: int = NICE, attempts: int = MOST_ATTEMPTS
    ) -> None:
        self._processes, self._tasks_each, self._nice, self._attempts = processes, tasks_each, nice, attempts
        self._crews: set[_Crew[Any]] = set()
        self._closed = False

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never_stop
    ) -> Generator[tuple[int, R], None, None]:
        check_runnable(function, self._closed)
        crew: _Crew[R] = _Crew(function, tasks, self._start, min(self._processes, len(tasks)), self._attempts)
        return self._results(crew, stop)

    def _results(self, crew: "_Crew[R]", stop: Callable[[], bool]) -> Generator[tuple[int, R], None, None]:
        self._crews.add(crew)
        try:
            yield from crew.results(lambda: self._closed or stop())
        finally:
            crew.end()
            self._crews.discard(crew)

    def _start(self) -> "_Child":
        return _Child(self._tasks_each, self._nice)

    def close(self) -> None:
        self._closed = True
        for crew in list(self._crews):
            crew.kill()


class SerialEngine:
    """This process, one task after the other: for tests and the smallest installations. A task can end the process.

    Tasks and results are pickled nevertheless: what works here works elsewhere.
    """

    def __init__(self) -> None:
        self._closed = False

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never_stop
    ) -> Generator[tuple[int, R], None, None]:
        check_runnable(function, self._closed)
        return self._results(function, tasks, stop)

    def _results(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool]
    ) -> Generator[tuple[int, R], None, None]:
        for number, task in enumerate(tasks):
            raise_if_stopped(lambda: self._closed or stop())
            yield number, result(number, run_task(encode_task(function, task)))

    def close(self) -> None:
        self._closed = True


class _Child:
    """A process with its current task; `left` is the number of tasks that it may still be given."""

    def __init__(self, tasks: int, nice: int) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = _start(theirs.fileno(), nice)
        self.number, self.left = -1, tasks
        self._send(pickle.dumps(sys.path))

    def give(self, number: int, encoded: bytes) -> None:
        self.number, self.left = number, self.left - 1
        self._send(encoded)

    def end(self) -> str:
        """Ends the process; returns how it ended, in words."""
        self.connection.close()
        self.process.kill()
        status = self.process.wait()
        return f"status {status}" if status >= 0 else signal.Signals(-status).name

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # it has ended, which is noticed where its reply is awaited
            self.connection.send_bytes(message)


class _Crew(Generic[R]):
    """The children of one run. There are at most as many as tasks, and none is idle."""

    def __init__(
        self, function: Callable[[T], R], tasks: Sequence[T], start: Callable[[], _Child], room: int, attempts: int
    ) -> None:
        self._function, self._tasks, self._start, self._room = function, tasks, start, room
        self._most_attempts = attempts
        self._waiting = deque(range(len(tasks)))
        self._attempts: Counter[int] = Counter()
        self._children: dict[Any, _Child] = {}  # by connection

    def results(self, stop: Callable[[], bool]) -> Iterator[tuple[int, R]]:
        while self._waiting or self._children:
            raise_if_stopped(stop)
            self._fill()
            for connection in wait(list(self._children), POLL_S):
                raise_if_stopped(stop)
                yield from self._take(self._children[connection])

    def end(self) -> None:
        while self._children:
            self._children.popitem()[1].end()

    def kill(self) -> None:
        """Kills the children, from any thread; the thread that waits for results notices and ends."""
        for child in list(self._children.values()):
            child.process.kill()
            child.process.wait()

    def _fill(self) -> None:
        while self._waiting and len(self._children) < self._room:
            child = self._start()
            self._children[child.connection] = child
            self._give(child)

    def _take(self, child: _Child) -> Iterator[tuple[int, R]]:
        number = child.number
        try:
            reply = child.connection.recv_bytes()
        except (EOFError, OSError):
            self._lost(child)
            return
        value = result(number, reply)
        self._give_next(child)  # before the consumer takes its time
        yield number, value

    def _give_next(self, child: _Child) -> None:
        if self._waiting and child.left:
            self._give(child)
        else:
            self._children.pop(child.connection).end()
            self._fill()

    def _give(self, child: _Child) -> None:
        number = self._waiting.popleft()
        self._attempts[number] += 1
        child.give(number, encode_task(self._function, self._tasks[number]))

    def _lost(self, child: _Child) -> None:
        how = self._children.pop(child.connection).end()
        if self._attempts[child.number] >= self._most_attempts:
            task = f"task {child.number} ({self._tasks[child.number]!r:.200})"
            times = how_many(self._most_attempts, "time")
            raise EngineFailed(f"{task} was attempted {times}, and each time its process ended: {how}")
        self._waiting.appendleft(child.number)


def _start(connection: int, nice: int) -> Popen[bytes]:
    """Starts a child; `connection` is the file descriptor of its end of the pipe."""
    command = [sys.executable, "-P", str(CHILD), str(connection), str(nice)]
    try:
        # In a process group of its own, since Ctrl-C is for the parent, which then ends its children.
        return Popen(command, pass_fds=[connection], stdin=DEVNULL, process_group=0)  # noqa: S603 -- a file of our own
    except OSError as error:
        raise EngineFailed(f"a process cannot be started: {error}") from error
