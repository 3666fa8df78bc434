"""Group commit: every hit that arrives while one append is under way shares the next."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from collection.log import Log, LogUnavailable

MAX_WAITING_HITS: Final = 16_384
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
HIT_OVERHEAD_BYTES: Final = 256
REMIND_S: Final = 60.0

logger = logging.getLogger(__name__)


class Durable(asyncio.Future[bool]):
    """Resolved for all hits of a batch at once: True when they are durable, False when they may not be.

    Many requests wait for the same one: a client that hangs up must not cancel the others' answer.
    """

    def cancel(self, msg: object = None) -> bool:
        return False


class PendingBatch:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.hits: list[tuple[bytes, bytes]] = []
        self.bytes = 0
        self.durable = Durable(loop=loop)


class GroupWriter:
    """One thread that appends. `submit` is called from the loop's thread only."""

    def __init__(
        self,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        observe: Callable[[int, float, bool], None],
        max_hits: int = MAX_WAITING_HITS,
        max_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        """`observe` is told of every append, in the writer's thread: hits, seconds, whether they are durable."""
        self._log = log
        self._loop = loop
        self._observe = observe
        self._max_hits = max_hits
        self._max_bytes = max_bytes
        self._next: PendingBatch | None = None
        self._under_way: PendingBatch | None = None
        self._swapping = threading.Lock()
        self._refused = 0
        self._said_at = float("-inf")
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Hits that are not durable yet."""
        return sum(len(batch.hits) for batch in (self._next, self._under_way) if batch)

    def submit(self, key: bytes, value: bytes) -> Durable | None:
        """What to wait for, or None if the queue is full or the writer is gone."""
        with self._swapping:
            batch = self._next
            if batch is None:
                if not self.alive:
                    return None
                batch = self._next = PendingBatch(self._loop)
                self._wake.put(True)
            elif len(batch.hits) >= self._max_hits or batch.bytes + len(value) > self._max_bytes:
                return None
            batch.hits.append((key, value))
            batch.bytes += len(value) + HIT_OVERHEAD_BYTES
            return batch.durable

    def close(self) -> None:
        """Write what waits, then stop. Every hit submitted so far is answered."""
        self._wake.put(False)
        self._thread.join()

    def _work(self) -> None:
        while self._wake.get():
            if batch := self._take():
                self._commit(batch)

    def _take(self) -> PendingBatch | None:
        with self._swapping:
            self._under_way, self._next = self._next, None
            return self._under_way

    def _commit(self, batch: PendingBatch) -> None:
        began = time.perf_counter()
        durable = False
        try:
            self._log.append(batch.hits)
            durable = True
        except Exception as error:  # noqa: BLE001 - a thread that ended would refuse all later hits
            self._complain(len(batch.hits), error)
        finally:
            self._under_way = None
            self._observe(len(batch.hits), time.perf_counter() - began, durable)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(batch.durable.set_result, durable)

    def _complain(self, hits: int, error: Exception) -> None:
        """Once a minute: a full disk would refuse thousands of times, and the log of the process may be on it."""
        self._refused += hits
        if time.monotonic() - self._said_at >= REMIND_S:
            cause = error if isinstance(error, LogUnavailable) else type(error).__name__
            logger.error("%d hits refused: %s", self._refused, cause)
            self._refused, self._said_at = 0, time.monotonic()
