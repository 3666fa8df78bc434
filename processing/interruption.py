"""Lets whoever waits for an answer end the work on it.

Data frames cannot be interrupted. So long work is done in pieces, such as periods, and calls `checkpoint` between them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Final, ParamSpec, TypeVar

Check = Callable[[], None]  # raises if the work is to end

CLIENT_GONE: Final = "hitstream.client_gone"  # in a WSGI environment: an Event, set once the client has hung up

P = ParamSpec("P")
T = TypeVar("T")


def checkpoint() -> None:
    """Raises what the check of the work raises; does nothing for work that nobody interrupts."""
    if check := _check.get():
        check()


@contextmanager
def interruptible(check: Check) -> Iterator[None]:
    """Makes `check` the check of all work in the block."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def in_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Returns a function for other threads, which checks as the caller does: a thread has no check of its own."""
    context = copy_context()
    return lambda *args, **kwargs: context.copy().run(function, *args, **kwargs)


_check: Final[ContextVar[Check | None]] = ContextVar("check", default=None)
