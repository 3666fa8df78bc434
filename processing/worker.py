"""The worker: receives, seals and keeps up, in turns, until it is told to stop.

What fails is said once and tried again later, and all else goes on: a full disk ends by itself, a damaged segment
stops its own property only. A log that went back, and a part that ended, end the process: it is started anew.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

from django.db import close_old_connections

from configuration.secrets import forget_property_salts
from processing.backlog import Backlog
from processing.book import Book, decode_book
from processing.columns import Columns
from processing.ledger import LogWentBack
from processing.receiver import Clock, Receiver
from processing.seal import seal
from processing.store.port import BlockInfo, Conflict, CorruptBlob, Store
from processing.trimming import forget_salts_of_days, trim, without_raw_hits
from processing.troubles import Troubles
from processing.upkeep import Retention, delete_blocks, keep_up, merge_blocks, orphans

logger = logging.getLogger(__name__)

TURN_S: Final = 0.05
SEAL_EVERY_S: Final = 1.0
TIDY_EVERY_S: Final = 30.0
SCRUB_EVERY_S: Final = 86_400.0
GRACE_S: Final = 60.0  # a report that began before a deletion has ended by then
CACHE_BYTES: Final = 64 * 2**20
MOST_PASSES: Final = 8  # over one property, until the others have their turn
NOBODY: Final = 0  # blocks whose directory cannot be read wait under it, so that they are not deleted


class History(Protocol):
    """What applies rules to the past, see `history.py`."""

    def work(self, stop: Callable[[], bool]) -> int: ...
    def resting(self) -> Collection[int]: ...
    def sweep(self) -> None: ...


class Erasures(Protocol):
    """What erases visitors and properties, see `erasure.py`."""

    def work(self, stop: Callable[[], bool]) -> int: ...
    def removing(self) -> Collection[int]: ...
    def tidy(self, now: datetime, seal: Callable[[int], object]) -> None: ...


class Pace(NamedTuple):
    """Seconds between two looks at the log, at the tails and at the upkeep, and before something unused is deleted."""

    turn_s: float = TURN_S
    seal_every_s: float = SEAL_EVERY_S
    tidy_every_s: float = TIDY_EVERY_S
    grace_s: float = GRACE_S


class PartEnded(RuntimeError):
    """A part of the worker ended that should go on for ever; the log says why."""


class Worker:
    """Seals and upkeep of one store, beside the receiver that fills it."""

    def __init__(
        self,
        store: Store,
        receiver: Receiver,
        *,
        retention: Callable[[], Mapping[int, Retention]],
        log_hours: int | None = None,
        history: History | None = None,
        erasures: Erasures | None = None,
        clock: Clock = time.monotonic,
        pace: Pace = Pace(),  # noqa: B008 - it never changes
    ) -> None:
        """Hits stay in the log for `log_hours`; None: for ever. The upkeep of properties to whose past rules are being
        applied waits: their raw rows are being read.
        """
        self.store, self.receiver, self.backlog = store, receiver, receiver.backlog
        self._columns = Columns(store, CACHE_BYTES)
        self._retention, self._log_hours, self._clock, self._pace = retention, log_hours, clock, pace
        self.history, self.erasures = history, erasures
        self.troubles = Troubles(clock, fatal=(LogWentBack,), recover=close_old_connections)
        self._knows_tails = False
        self._marks: list[tuple[float, dict[tuple[str, int], int]]] = []
        self._orphans: dict[str, float] = {}
        self._without_raw: set[int] = set()
        self._scrub_at = clock()

    def start(self) -> int:
        """Finishes what an earlier worker left, and finds the tails. Returns the number of hits received."""
        received = self.receiver.catch_up()
        self._find_tails(self.backlog)
        self._knows_tails = True
        return received

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set. Sealing and history have threads of their own, so that hits are received
        meanwhile; when this returns or raises, none of them works any more.

        Raises LogWentBack, PartEnded.
        """
        parts = [
            threading.Thread(target=part, args=(stop,), name=name, daemon=True)
            for name, part in (("sealing", self._seal_until), ("history", self._history_until))
        ]
        for part in parts:
            part.start()
        try:
            while not stop.wait(self._pace.turn_s):
                self._look_after(parts)
                self._receive()
        finally:
            stop.set()  # also where something was raised: no part goes on alone
            for part in parts:
                part.join()

    @staticmethod
    def _look_after(parts: Sequence[threading.Thread]) -> None:
        for part in parts:
            if not part.is_alive():
                raise PartEnded(part.name)

    def _receive(self) -> None:
        if self.troubles.due("receiving"):
            with self.troubles.outlived("receiving"):
                self.receiver.receive() if self._knows_tails else self.start()

    def drain(self) -> int:
        """Receives and seals all there is. Returns the number of hits received."""
        received = self.receiver.receive(at_once=True)
        self.seal(everything=True)
        return received

    def seal(self, *, everything: bool = False) -> list[int]:
        """Seals the tails that are due. Returns the properties."""
        due = self.backlog.due(self._clock(), all_of_them=everything)
        return [property for property in due if self._seal(property, at_once=everything)]

    def erase(self, now_ms: int) -> None:
        """One turn of erasing, and of everything that it waits for: for a process that is the worker for a while."""
        for part in (self.history, self.erasures):
            if part:
                part.work(lambda: False)
        self.tidy(now_ms)

    def tidy(self, now_ms: int) -> None:
        """Upkeep of every property, of raw blocks and of orphans."""
        with self.troubles.outlived("upkeep"):
            retention, resting = self._retention(), self.history.resting() if self.history else ()
            for property in set(self.store.properties()).difference(resting, self._removing()):
                self._keep_up(property, now_ms, retention.get(property, Retention()))
        with self.troubles.outlived("upkeep of raw blocks"):
            self._delete_covered()
            merge_blocks(self.store)
        with self.troubles.outlived("sweeping unused segments"):
            self._sweep()
        if self.history:
            with self.troubles.outlived("sweeping old generations"):
                self.history.sweep()
        now = datetime.fromtimestamp(now_ms / 1000, tz=UTC)
        if self.erasures:
            with self.troubles.outlived("erasing"):
                self.erasures.tidy(now, self._sealed)
        with self.troubles.outlived("scrubbing the store"):
            self._scrub()
        with self.troubles.outlived("letting go of received hits and old salts"):
            self._let_go(now)

    def _keep_up(self, property: int, now_ms: int, retention: Retention) -> None:
        with self.troubles.outlived(f"upkeep of property {property}"):
            try:
                for _ in range(MOST_PASSES):
                    if not keep_up(self.store, self._columns, property, now_ms, retention):
                        break
            except Conflict:
                logger.info("property %d was sealed meanwhile; its upkeep waits for the next turn", property)

    def _let_go(self, now: datetime) -> None:
        forget_salts_of_days(self.receiver.log, now)
        empty = without_raw_hits(self.store, self.backlog.due(self._clock(), all_of_them=True))
        forget_property_salts(empty - self._without_raw)
        self._without_raw = empty
        if self._log_hours is not None:
            trim(self.receiver.log, now, timedelta(hours=self._log_hours))

    def _seal_until(self, stop: threading.Event) -> None:
        tidied = self._clock()
        while not stop.wait(self._pace.seal_every_s):
            with self.troubles.outlived("sealing"):
                self.seal()
            if self._knows_tails and self._clock() - tidied >= self._pace.tidy_every_s:
                self.tidy(int(time.time() * 1000))
                tidied = self._clock()

    def _history_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._pace.seal_every_s):
            if self.history and self.troubles.due("history"):
                with self.troubles.outlived("history"):
                    self.history.work(stop.is_set)
            if self.erasures and self.troubles.due("removing what is erased"):
                with self.troubles.outlived("removing what is erased"):
                    self.erasures.work(stop.is_set)

    def _seal(self, property: int, *, at_once: bool) -> bool:
        task = f"sealing property {property}"
        if property in self._removing():
            return False
        if at_once or self.troubles.due(task):
            with self.troubles.outlived(task):
                return self._sealed(property)
        return False

    def _sealed(self, property: int) -> bool:
        try:
            seal(self.store, self._columns, property)
        except Conflict:
            logger.warning("property %d was sealed by somebody else at the same time; trying again later", property)
            return False
        book = self._book(property)
        if book:
            self.backlog.sealed(property, book)
        return True

    def _removing(self) -> Collection[int]:
        return self.erasures.removing() if self.erasures else ()

    def _find_tails(self, backlog: Backlog) -> None:
        books: dict[int, Book | None] = {}
        for property in self.store.properties():
            with self.troubles.outlived(f"reading the manifest of property {property}"):
                books[property] = self._book(property)
        for block in self.store.blocks():
            self._find_tails_in(block, books, backlog)
            backlog.received(block.key)

    def _find_tails_in(self, block: BlockInfo, books: Mapping[int, Book | None], backlog: Backlog) -> None:
        """A manifest that cannot be read covers nothing, so that no block is deleted before it can."""
        try:
            directory = self.store.directory(block.key)
        except CorruptBlob:
            logger.exception("raw block %s is damaged: it is kept, and what it holds is not reported", block.key)
            backlog.set(NOBODY, block.key, block.rows, self._clock())
            return
        for chunk in directory:
            book = books.get(chunk.property)
            if book is None or not book.covers(block.key):
                backlog.set(chunk.property, block.key, chunk.rows, self._clock())

    def _book(self, property: int) -> Book | None:
        manifest = self.store.manifest(property)
        return decode_book(manifest.data) if manifest else None

    def _delete_covered(self) -> None:
        """Deletes the blocks that were in all their properties' segments a grace period ago."""
        now = self._clock()
        self._marks.append((now, self.backlog.needed_from()))
        while len(self._marks) > 1 and self._marks[1][0] <= now - self._pace.grace_s:
            self._marks.pop(0)
        taken, marks = self._marks[0]
        if taken <= now - self._pace.grace_s:
            delete_blocks(self.store, marks)

    def _sweep(self) -> None:
        """Deletes segments that have been orphans for a grace period; not while a removal writes some, which takes
        long.
        """
        if self._removing():
            self._orphans = {}
            return
        now = self._clock()
        self._orphans = {name: self._orphans.get(name, now) for name in orphans(self.store)}
        for name, since in self._orphans.items():
            if since <= now - self._pace.grace_s:
                self.store.delete_segment(name)

    def _scrub(self) -> None:
        """Once a day: also what writers left behind that died is then gone."""
        if self._clock() >= self._scrub_at:
            self.store.scrub()
            self._scrub_at = self._clock() + SCRUB_EVERY_S
