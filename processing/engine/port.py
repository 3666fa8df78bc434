"""The engine port: where parallel work runs, such as reprocessing: in processes of this machine, or on a cluster."""

from collections.abc import Callable, Generator, Sequence
from typing import Final, Protocol, TypeVar

__all__ = ["MOST_ATTEMPTS", "POLL_S", "Engine", "EngineFailed", "Stopped", "TaskFailed", "never"]

MOST_ATTEMPTS: Final = 3
POLL_S: Final = 0.25  # half of what is promised, since machines are busy

T = TypeVar("T")
R = TypeVar("R")


class Stopped(Exception):
    """`stop` said so, or the engine was closed: some tasks have no result."""


class TaskFailed(Exception):
    """The function raised an exception; `text` is its type and message, `trace` where it happened."""

    def __init__(self, number: int, text: str, trace: str) -> None:
        super().__init__(number, text, trace)
        self.number, self.text, self.trace = number, text, trace

    def __str__(self) -> str:
        return f"task {self.number}: {self.text}\n{self.trace}"


class EngineFailed(Exception):
    """A task got no answer although it was attempted MOST_ATTEMPTS times, or the engine has no place to run one."""


def never() -> bool:
    return False


class Engine(Protocol):
    def run(
        self, function: Callable[[T], R], tasks: Sequence[T], stop: Callable[[], bool] = never
    ) -> Generator[tuple[int, R], None, None]:
        """Calls `function` with each task, wherever there is room; yields (number of the task, result), in any order.

        `function` is one of a module, found again by its name wherever it runs; else ValueError. Tasks and results are
        small and can be pickled: what is large goes through the store. Task n is `tasks[n]`.

        Each result is yielded once, but a task may be attempted several times, two attempts at the same time included,
        and it may have done its work although nobody hears of it: **the function must be idempotent**. Where a worker
        is lost (killed, out of memory) only the task in its hand is repeated: MOST_ATTEMPTS attempts in all, then the
        run ends with EngineFailed, which names the task. An exception of the function is not repeated: it ends the run
        with TaskFailed; so does a result that cannot be pickled. A task that cannot be pickled raises what pickle says.

        Nothing is started before the first result is asked for, and then no more tasks at a time than there is room
        for: a consumer that takes its time is not flooded.

        `stop` is called in the consumer's thread, at least every 0.5 s while it waits for a result. Once it said True,
        no task is started, those that run are abandoned, and the iterator raises Stopped. An engine without workers of
        its own cannot abandon: it asks between tasks.

        However the run ends, also by `close()` of the iterator, nothing of it is left running. When this process is
        lost, its workers end by themselves. Runs at the same time, in several threads, know nothing of each other.
        """

    def close(self) -> None:
        """Ends what still runs: such iterators raise Stopped. Then `run` raises ValueError. May be repeated."""
