"""Threads that start and end together with the work that they belong to."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

BackgroundThread = Callable[[threading.Event], None]


class ThreadEnded(RuntimeError):
    """A thread ended that should run until it is stopped; the log says why."""


@contextmanager
def run_beside(threads: Mapping[str, BackgroundThread]) -> Iterator[Callable[[], None]]:
    """Runs functions in threads, by name, for the duration of the block. Yields a check that raises ThreadEnded if one
    has ended.

    At the end of the block, however it ends, the event that each function is given is set, and the threads are joined.
    """
    stop = threading.Event()
    running = [
        threading.Thread(target=_run, args=(function, stop), name=name, daemon=True)
        for name, function in threads.items()
    ]

    def check() -> None:
        for thread in running:
            if not thread.is_alive():
                raise ThreadEnded(thread.name)

    for thread in running:
        thread.start()
    try:
        yield check
    finally:
        stop.set()
        for thread in running:
            thread.join()


def _run(function: BackgroundThread, stop: threading.Event) -> None:
    try:
        function(stop)
    finally:
        connection.close()  # every thread has one of its own
