"""Threads for each kind of request, so that one kind cannot take those of another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MOST_QUEUED: Final = 64  # requests that wait for a thread of their kind
LISTEN_AGAIN_S: Final = 0.1


class ThreadsOfKind:
    """The threads for one kind of request, and how many requests have or await one of them."""

    def __init__(self, kind: str, count: int) -> None:
        self.executor = ThreadPoolExecutor(count, thread_name_prefix=f"django {kind}".strip())
        self._most = count + MOST_QUEUED
        self._requests = 0

    def is_full(self) -> bool:
        return self._requests >= self._most

    @contextmanager
    def used(self) -> Iterator[None]:
        """Counts a request; in the event loop only."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1


def threads_of_kinds(counts: Mapping[str, int]) -> dict[str, ThreadsOfKind]:
    return {kind: ThreadsOfKind(kind, count) for kind, count in counts.items()}


@contextmanager
def noticing_end(receive: Receive) -> Iterator[threading.Event]:
    """Yields an event that is set when the client hangs up during the block."""
    gone = threading.Event()
    listening = asyncio.create_task(_notice_end(receive, gone))
    try:
        yield gone
    finally:
        listening.cancel()


async def _notice_end(receive: Receive, gone: threading.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(LISTEN_AGAIN_S)  # a server may say again that the body is complete
    gone.set()
