"""The worker: receives, seals and keeps up, in turns, until it is told to stop."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from processing.backlog import Backlog
from processing.book import Book, decode_book
from processing.columns import Columns
from processing.receiver import Clock, Receiver
from processing.seal import seal
from processing.store.port import Conflict, Store
from processing.upkeep import Retention, delete_blocks, keep_up, merge_blocks, orphans

logger = logging.getLogger(__name__)

TURN_S: Final = 0.05
SEAL_EVERY_S: Final = 1.0
TIDY_EVERY_S: Final = 30.0
GRACE_S: Final = 60.0  # a report that began before a deletion has ended by then
CACHE_BYTES: Final = 64 * 2**20


class Worker:
    """Seals and upkeep of one store, beside the receiver that fills it."""

    def __init__(
        self,
        store: Store,
        receiver: Receiver,
        *,
        retention: Callable[[], Mapping[int, Retention]],
        clock: Clock = time.monotonic,
    ) -> None:
        self.store, self.receiver, self.backlog = store, receiver, receiver.backlog
        self._columns = Columns(store, CACHE_BYTES)
        self._retention, self._clock = retention, clock
        self._marks: list[tuple[float, dict[tuple[str, int], int]]] = []
        self._orphans: dict[str, float] = {}

    def start(self) -> int:
        """Finishes what an earlier worker left, and finds the tails. Returns the number of hits received."""
        received = self.receiver.catch_up()
        self._find_tails(self.backlog)
        return received

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set. Sealing has a thread of its own, so that hits are received meanwhile."""
        self.start()
        sealing = threading.Thread(target=self._seal_until, args=(stop,), name="seal", daemon=True)
        sealing.start()
        while not stop.wait(TURN_S):
            self.receiver.receive()
        sealing.join()

    def drain(self) -> int:
        """Receives and seals all there is. Returns the number of hits received."""
        received = self.receiver.receive(at_once=True)
        self.seal(everything=True)
        return received

    def seal(self, *, everything: bool = False) -> list[int]:
        """Seals the tails that are due. Returns the properties."""
        return [
            property for property in self.backlog.due(self._clock(), all_of_them=everything) if self._seal(property)
        ]

    def tidy(self, now_ms: int) -> None:
        """Upkeep of every property, of raw blocks and of orphans."""
        retention = self._retention()
        for property in self.store.properties():
            try:
                keep_up(self.store, self._columns, property, now_ms, retention.get(property, Retention()))
            except Conflict:
                logger.info("property %d was sealed meanwhile; its upkeep waits for the next turn", property)
        self._delete_covered()
        merge_blocks(self.store)
        self._sweep()

    def _seal_until(self, stop: threading.Event) -> None:
        tidied = self._clock()
        while not stop.wait(SEAL_EVERY_S):
            self.seal()
            if self._clock() - tidied >= TIDY_EVERY_S:
                self.tidy(int(time.time() * 1000))
                tidied = self._clock()

    def _seal(self, property: int) -> bool:
        try:
            seal(self.store, self._columns, property)
        except Conflict:
            logger.warning("property %d was sealed by somebody else at the same time; trying again later", property)
            return False
        book = self._book(property)
        if book:
            self.backlog.sealed(property, book)
        return True

    def _find_tails(self, backlog: Backlog) -> None:
        books = {property: self._book(property) for property in self.store.properties()}
        for block in self.store.blocks():
            backlog.received(block.key)
            for chunk in self.store.directory(block.key):
                book = books.get(chunk.property)
                if book is None or not book.covers(block.key):
                    backlog.set(chunk.property, block.key, chunk.rows, self._clock())

    def _book(self, property: int) -> Book | None:
        manifest = self.store.manifest(property)
        return decode_book(manifest.data) if manifest else None

    def _delete_covered(self) -> None:
        """Deletes the blocks that were in all their properties' segments GRACE_S ago."""
        now = self._clock()
        self._marks.append((now, self.backlog.needed_from()))
        while len(self._marks) > 1 and self._marks[1][0] <= now - GRACE_S:
            self._marks.pop(0)
        taken, marks = self._marks[0]
        if taken <= now - GRACE_S:
            delete_blocks(self.store, marks)

    def _sweep(self) -> None:
        """Deletes segments that have been orphans for GRACE_S."""
        now = self._clock()
        self._orphans = {name: self._orphans.get(name, now) for name in orphans(self.store)}
        for name, since in self._orphans.items():
            if since <= now - GRACE_S:
                self.store.delete_segment(name)
