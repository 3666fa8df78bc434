"""The engine port: runs parallel work, such as reprocessing, in processes of this machine or on a cluster."""

from collections.abc import Callable, Generator, Sequence
from typing import Final, Protocol, TypeVar

__all__ = ["MOST_ATTEMPTS", "POLL_S", "Engine", "EngineFailed", "Stopped", "TaskFailed", "never_stop"]

MOST_ATTEMPTS: Final = 3
POLL_S: Final = 0.25  # half of the promised interval, since machines are busy

T = TypeVar("T")
R = TypeVar("R")


class Stopped(Exception):
    """`stop` returned True, or the engine was closed: some tasks have no result."""


class TaskFailed(Exception):
    """The function raised an exception; `text` is its type and message, `trace` where it happened."""

    def __init__(self, number: int, text: str, trace: str) -> None:
        super().__init__(number, text, trace)
        self.number, self.text, self.trace = number, text, trace

    def __str__(self) -> str:
        return f"task {self.number}: {self.text}\n{self.trace}"


class EngineFailed(Exception):
    """A task got no answer in MOST_ATTEMPTS attempts, or the engine has nowhere to run it."""


def never_stop() -> bool:
    return False


class Engine(Protocol):
    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never_stop
    ) -> Generator[tuple[int, R], None, None]:
        """Calls `function` with each task, wherever there is room; yields (number of the task, result), in any order.

        `function` is one of a module, found again by its name wherever it runs; else ValueError. Tasks and results are
        small and can be pickled: what is large goes through the store. Task n is `tasks[n]`.

        Each result is yielded once, but a task may be attempted several times, two attempts at the same time included,
        and an attempt may do its work although its result is lost: **the function must be idempotent**. If a worker is
        lost (killed, out of memory), only the task that it worked on is repeated. After MOST_ATTEMPTS attempts the run
        ends with EngineFailed, which names the task. An exception of the function is not repeated: it ends the run
        with TaskFailed; so does a result that cannot be pickled. A task that cannot be pickled raises pickle's error.

        The first task starts when the first result is requested. After that the engine runs at most as many tasks at a
        time as it has workers, so that a slow consumer is not flooded.

        `stop` is called in the consumer's thread, at least every 0.5 s while it waits for a result. Once it returns
        True, no task is started, running tasks are abandoned, and the iterator raises Stopped. An engine without
        workers of its own cannot abandon tasks: it calls `stop` between them.

        However the run ends, also by `close()` of the iterator, none of its tasks is left running. When this process is
        lost, its workers end by themselves. Several threads may run tasks at the same time, independently.
        """

    def close(self) -> None:
        """Ends all runs: their iterators raise Stopped. After that, `run` raises ValueError. May be called again."""
