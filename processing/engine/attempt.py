"""What every engine does with a task, on both sides of the way to a worker."""

import pickle
from collections.abc import Callable
from typing import Any

from processing.engine.port import Stopped, TaskFailed


def check(function: Callable[..., Any], closed: bool) -> None:
    """Raises ValueError where the engine is closed or another process would not find the function by its name."""
    if closed:
        raise ValueError("the engine is closed")
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
    if module in (None, "__main__") or "<" in name:
        raise ValueError(f"not a function of a module that another process can import: {function!r}")


def obey(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped


def question(function: Callable[..., Any], task: Any) -> bytes:
    return pickle.dumps((function, task))


def answer(question: bytes) -> bytes:
    """Calls the function: (True, result) or (False, (type and message, traceback)), pickled."""
    try:
        function, task = pickle.loads(question)  # noqa: S301 -- we wrote it ourselves
        return pickle.dumps((True, function(task)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever it is, the one who waits is told
        import traceback  # a third of a process's start, seldom needed

        text = "".join(traceback.format_exception_only(error)).strip()
        return pickle.dumps((False, (text, traceback.format_exc())))


def result(number: int, reply: bytes) -> Any:
    """What the function returned; raises TaskFailed with what it raised."""
    worked, content = pickle.loads(reply)  # noqa: S301 -- `answer` wrote it
    if not worked:
        raise TaskFailed(number, *content)
    return content
