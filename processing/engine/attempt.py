"""Encodes tasks for a worker, runs them there, and decodes the replies: common to all engines."""

import pickle
from collections.abc import Callable
from typing import Any

from processing.engine.port import Stopped, TaskFailed


def check_runnable(function: Callable[..., Any], closed: bool) -> None:
    """Raises ValueError if the engine is closed, or if another process cannot find the function by its name."""
    if closed:
        raise ValueError("the engine is closed")
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
    if module in (None, "__main__") or "<" in name:
        raise ValueError(f"not a function of a module that another process can import: {function!r}")


def raise_if_stopped(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped


def encode_task(function: Callable[..., Any], task: Any) -> bytes:
    return pickle.dumps((function, task))


def run_task(encoded: bytes) -> bytes:
    """Calls the function; returns the pickle of (True, result) or (False, (type and message, traceback))."""
    try:
        function, task = pickle.loads(encoded)  # noqa: S301 -- `encode_task` wrote it
        return pickle.dumps((True, function(task)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- it is raised where the result is awaited
        import traceback  # takes a third of a process's start, and is seldom needed

        text = "".join(traceback.format_exception_only(error)).strip()
        return pickle.dumps((False, (text, traceback.format_exc())))


def result(number: int, reply: bytes) -> Any:
    """Returns the function's result; raises TaskFailed if it raised an exception."""
    worked, content = pickle.loads(reply)  # noqa: S301 -- `run_task` wrote it
    if not worked:
        raise TaskFailed(number, *content)
    return content
