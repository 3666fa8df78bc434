"""Threads that live and end together with the work that they belong to."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

BackgroundThread = Callable[[threading.Event], None]


class ThreadEnded(RuntimeError):
    """A part ended that should go on for ever; the log says why."""


@contextmanager
def run_beside(parts: Mapping[str, BackgroundThread]) -> Iterator[Callable[[], None]]:
    """Each part runs in a thread of its own, and is told to end by the event at the end of the block, however it ends.

    Gives a function that raises PartEnded where one ended before.
    """
    over = threading.Event()
    threads = [threading.Thread(target=_run, args=(part, over), name=name, daemon=True) for name, part in parts.items()]

    def look() -> None:
        for thread in threads:
            if not thread.is_alive():
                raise ThreadEnded(thread.name)

    for thread in threads:
        thread.start()
    try:
        yield look
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _run(part: BackgroundThread, over: threading.Event) -> None:
    try:
        part(over)
    finally:
        connection.close()  # it is this thread's own
