"""A log on other machines, with a folder here for the time when it is unavailable or too slow: hits stay accepted.

Hits that could not be appended go into the folder, durable before they are acknowledged, and so do all later hits, to
keep their order. A thread carries them over once the log answers again; when the folder is empty, appends go to the log
directly again.

A failed append may nevertheless have been stored. So before the same hits are appended again, the thread searches the
log for them, from the end that the log had before, and leaves out those it finds. The state on the disk says which hits
of the folder are unconfirmed in this way, also after a crash. A hit is doubled only if a server stores it later than
SETTLE_S after it started to answer again; the two have the same bytes and the same id, and count once.
"""

import logging
import threading
import time
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from collection.log.embedded.batch_file import PARTITION
from collection.log.embedded.log import EmbeddedLog, unavailable
from collection.log.port import CorruptLog, Log, LogEntry, LogError, LogUnavailable, Trimmed
from collection.log.spill.state import SpillFolder, SpillState
from configuration.numbers import how_many
from configuration.outages import OUTAGES

CARRY_BATCH: Final = 1024
FINAL_HITS: Final = 2048  # the last hits are carried over while appends wait, or else it might never end
SEARCH_BATCH: Final = 2048
NOTE_ENDS_EVERY_S: Final = 5.0
PAUSE_S: Final = 1.0
SETTLE_S: Final = 2.0
REMIND_S: Final = 60.0
TRIM_EVERY: Final = 65_536

Hit = tuple[bytes, bytes]

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Hit).decode


class SpillingLog:
    """See `collection.log.port.Log`. Every method except `append` is passed on to the log itself.

    Hits are compared by their bytes: each must carry a unique id, as the collector's hits do.
    """

    def __init__(self, log: Log, folder: Path, *, pause_s: float = PAUSE_S, settle_s: float = SETTLE_S) -> None:
        """`pause_s`: between two attempts to carry hits over. Raises LogUnavailable if the folder cannot be used."""
        self._log, self._pause_s, self._settle_s = log, pause_s, settle_s
        with unavailable("cannot be spilled"):
            self._folder = SpillFolder(folder)
            self._spill = EmbeddedLog(folder / "hits")
            self._state = self._restored(self._folder.read())
        self._appending = threading.Lock()
        self._noted_ends: dict[int, int] = {}
        self._ends_noted_at = float("-inf")
        self._problems = RateLimitedLog()
        OUTAGES.consequences["log"] = f"hits are kept in {folder} until it does"
        self._spilling, self._closing = threading.Event(), threading.Event()
        if self.spilled or not self._is_available():
            self._spilling.set()
        self._thread = threading.Thread(target=self._work, name="log-spill", daemon=True)
        self._thread.start()

    @property
    def spilled(self) -> int:
        """The number of hits in the folder that are not known to be in the log."""
        return self._spill.ends()[PARTITION] - self._state.next

    @property
    def id(self) -> str:
        return self._log.id

    def append(self, hits: Sequence[Hit]) -> None:
        if not hits:
            return
        with self._appending:
            if self._spilling.is_set() or not self._append_directly(hits):
                self._spill.append([(key, _encode((key, value))) for key, value in hits])

    def partitions(self) -> list[int]:
        return self._log.partitions()

    def starts(self) -> dict[int, int]:
        return self._log.starts()

    def ends(self) -> dict[int, int]:
        return self._log.ends()

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        return self._log.read(partition, first, last)

    def position(self, name: str, partition: int) -> int:
        return self._log.position(name, partition)

    def commit(self, name: str, partition: int, offset: int) -> None:
        self._log.commit(name, partition, offset)

    def seek(self, partition: int, at_us: int) -> int:
        return self._log.seek(partition, at_us)

    def trim(self, partition: int, before: int) -> None:
        self._log.trim(partition, before)

    def verify(self) -> list[str]:
        return [*self._log.verify(), *(f"spilled hits: {fault}" for fault in self._spill.verify())]

    def close(self) -> None:
        """Leaves the spilled hits in the folder, for the next start."""
        self._closing.set()
        self._spilling.set()  # wakes the thread
        self._thread.join()
        with self._appending:
            self._log.close()
            self._spill.close()
            self._folder.close()

    def _restored(self, state: SpillState | None) -> SpillState:
        """Brings the written state up to date: it may be behind the hits that were carried over and deleted since.

        If hits 10 to 14 are unconfirmed and the folder starts at 12, then 12 to 14 are.
        """
        start = self._spill.starts()[PARTITION]
        if state is None or state.next + state.unconfirmed <= start:
            return SpillState(start)
        unconfirmed = min(state.unconfirmed, state.next + state.unconfirmed - start)
        return replace(state, next=max(state.next, start), unconfirmed=unconfirmed)

    def _is_available(self) -> bool:
        try:
            self._note_ends()
        except LogUnavailable as error:
            self._problems.report(f"the log does not answer, hits are kept here: {error}")
            return False
        return True

    def _append_directly(self, hits: Sequence[Hit]) -> bool:
        """Appends to the log itself. Returns False if that fails; then all hits spill from now on."""
        unconfirmed = 0
        try:
            self._note_ends()
            unconfirmed = len(hits)
            self._log.append(hits)
        except LogUnavailable as error:
            self._problems.report(f"hits are kept here until the log can be written: {error}")
            with unavailable("cannot be spilled"):
                end = self._spill.ends()[PARTITION]
                log_id = self._log.id if unconfirmed else ""
                self._write_state(SpillState(end, unconfirmed, log_id, self._noted_ends))
            self._spilling.set()
            return False
        return True

    def _note_ends(self) -> None:
        """Notes the ends of the log every few seconds: hits appended from now on are at these offsets or later."""
        now = time.monotonic()
        if now - self._ends_noted_at >= NOTE_ENDS_EVERY_S:
            self._noted_ends, self._ends_noted_at = self._log.ends(), now

    def _write_state(self, state: SpillState) -> None:
        self._folder.write(state)
        self._state = state

    def _work(self) -> None:
        while self._spilling.wait() and not self._closing.is_set():
            try:
                with unavailable("cannot be spilled"):
                    self._carry_over_all()
            except LogError as error:
                self._problems.report(f"{how_many(self.spilled, 'hit')} kept here: {error}")
                self._closing.wait(self._pause_s)

    def _carry_over_all(self) -> None:
        """Carries hits over until the folder is empty, then lets appends go to the log again. Raises LogError."""
        if self._state.unconfirmed:
            self._log.ends()
            self._closing.wait(self._settle_s)
        while self.spilled > FINAL_HITS and not self._closing.is_set():
            self._carry_over_batch()
        with self._appending:
            while self.spilled and not self._closing.is_set():
                self._carry_over_batch()
            if not self.spilled and not self._closing.is_set():
                self._stop_spilling()

    def _stop_spilling(self) -> None:
        self._log.ends()  # even if nothing had to be carried over: only an answer shows that the log is available
        self._write_state(SpillState(self._state.next))
        self._spill.trim(PARTITION, self._state.next)
        self._ends_noted_at = float("-inf")
        self._spilling.clear()
        if self._closing.is_set():  # `close` may have set `_spilling` just before it was cleared
            self._spilling.set()
        self._problems.resolve("the log is written again, and no hits wait here any more")

    def _carry_over_batch(self) -> None:
        """Appends the unconfirmed hits that the log lacks, or else the next CARRY_BATCH hits."""
        entries = self._next_entries()
        hits = [_decode(entry.value) for entry in entries]
        if self._state.unconfirmed:
            hits = self._missing(hits)
        else:
            self._write_state(SpillState(self._state.next, len(hits), self._log.id, self._log.ends()))
        self._log.append(hits)
        before = self._state.next
        self._state = SpillState(before + len(entries))
        if self._state.next // TRIM_EVERY != before // TRIM_EVERY:
            self._spill.trim(PARTITION, self._state.next)

    def _next_entries(self) -> list[LogEntry]:
        """Reads the next batch from the folder. Passes over damaged hits and logs their number."""
        first = self._state.next
        end = self._spill.ends()[PARTITION]
        last = min(end, first + (self._state.unconfirmed or CARRY_BATCH)) - 1
        try:
            return self._spill.read(PARTITION, first, last)
        except CorruptLog as damage:
            if damage.first > first:
                return self._spill.read(PARTITION, first, damage.first - 1)
            logger.error("%d spilled hits are lost: %s", min(damage.last, last) + 1 - first, damage)
            self._state = SpillState(min(damage.last, last) + 1)
            return []

    def _missing(self, hits: Sequence[Hit]) -> list[Hit]:
        """Returns the hits that the log does not hold yet."""
        missing = {value for _, value in hits}
        starts, ends = self._log.starts(), self._log.ends()
        search_from = self._state.search_from if self._state.log == self._log.id else {}
        for partition, end in ends.items():
            first = max(search_from.get(partition, 0), starts[partition])
            missing -= self._stored(partition, first, end, missing)
        return [hit for hit in hits if hit[1] in missing]

    def _stored(self, partition: int, first: int, end: int, values: Set[bytes]) -> set[bytes]:
        """Returns those of the values that the log holds from offset `first` to before `end`."""
        stored: set[bytes] = set()
        for low in range(first, end, SEARCH_BATCH):
            try:
                entries = self._log.read(partition, low, min(low + SEARCH_BATCH, end) - 1)
            except (CorruptLog, Trimmed) as error:
                logger.warning("cannot look for spilled hits at unreadable offsets, they may be doubled: %s", error)
                continue
            stored |= {entry.value for entry in entries} & values
        return stored


class RateLimitedLog:
    """Logs a problem when it starts, then once a minute, and when it is resolved; nothing about a log that is away,
    which its adapter logs once.
    """

    def __init__(self) -> None:
        self._reported_at = float("-inf")

    def report(self, problem: str) -> None:
        if time.monotonic() - self._reported_at >= REMIND_S and not OUTAGES.is_away("log"):
            logger.error("%s", problem)
            self._reported_at = time.monotonic()

    def resolve(self, message: str) -> None:
        """Does nothing if no problem was reported."""
        if self._reported_at > float("-inf"):
            logger.warning("%s", message)
            self._reported_at = float("-inf")
