"""Group commit: all hits that arrive during one append share the next append."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from collection.log import Log, LogUnavailable
from configuration.numbers import how_many

MAX_WAITING_HITS: Final = 16_384
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
HIT_OVERHEAD_BYTES: Final = 256  # of Python objects, beside the value
REMIND_S: Final = 60.0

logger = logging.getLogger(__name__)


class Durable(asyncio.Future[bool]):
    """Resolved for all hits of a batch at once: True if they are durable, False if they may not be.

    Many requests wait for the same future: a client that disconnects must not cancel the answers to other clients.
    """

    def cancel(self, msg: object = None) -> bool:
        return False


class PendingBatch:
    """Hits that one append will write, and the future that their requests wait for. `bytes` estimates their memory."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.hits: list[tuple[bytes, bytes]] = []
        self.bytes = 0
        self.durable = Durable(loop=loop)


class GroupWriter:
    """Appends batches of hits in one thread. `submit` is called from the loop's thread only."""

    def __init__(
        self,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        observe: Callable[[int, float, bool], None],
        max_hits: int = MAX_WAITING_HITS,
        max_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        """`observe` is called after every append, in the writer's thread: (hits, seconds, durable)."""
        self._log = log
        self._loop = loop
        self._observe = observe
        self._max_hits = max_hits
        self._max_bytes = max_bytes
        self._next: PendingBatch | None = None
        self._in_progress: PendingBatch | None = None
        self._swapping = threading.Lock()
        self._refused = 0
        self._logged_at = float("-inf")
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """The number of hits that are not durable yet."""
        return sum(len(batch.hits) for batch in (self._next, self._in_progress) if batch)

    def submit(self, key: bytes, value: bytes) -> Durable | None:
        """Adds a hit to the next batch. Returns its future, or None if the queue is full or the thread has ended."""
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
        """Writes the waiting hits, then stops. The futures of all submitted hits are resolved."""
        self._wake.put(False)
        self._thread.join()

    def _work(self) -> None:
        while self._wake.get():
            if batch := self._take():
                self._commit(batch)

    def _take(self) -> PendingBatch | None:
        with self._swapping:
            self._in_progress, self._next = self._next, None
            return self._in_progress

    def _commit(self, batch: PendingBatch) -> None:
        started = time.perf_counter()
        durable = False
        try:
            self._log.append(batch.hits)
            durable = True
        except Exception as error:  # noqa: BLE001 - if the thread ended, all later hits would be refused
            self._log_refusal(len(batch.hits), error)
        finally:
            self._in_progress = None
            try:
                self._observe(len(batch.hits), time.perf_counter() - started, durable)
            finally:  # a fault of the metrics leaves no request waiting
                with contextlib.suppress(RuntimeError):  # the loop is closed: no request waits any more
                    self._loop.call_soon_threadsafe(batch.durable.set_result, durable)

    def _log_refusal(self, hits: int, error: Exception) -> None:
        """Logs once a minute: a full disk refuses thousands of hits, and the process may log to the same disk."""
        self._refused += hits
        if time.monotonic() - self._logged_at >= REMIND_S:
            cause = error if isinstance(error, LogUnavailable) else type(error).__name__
            logger.error("%s refused: %s", how_many(self._refused, "hit"), cause)
            self._refused, self._logged_at = 0, time.monotonic()
