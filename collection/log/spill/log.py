"""A log on other machines, and a folder here for when it is away or too slow: hits stay accepted.

What could not be appended goes into the folder, durable before it is acknowledged, and everything after it too, so that
order stays. A thread carries it over once the log answers again; when the folder is empty, appends go straight again.

An append that failed may have been stored all the same. So before the same hits are appended again, the log is searched
for them from where it ended before, and those that are found are left out. The mark on the disk says which hits of the
folder are in doubt, also after a crash. Doubled are only hits that a server stores later than SETTLE_S after it began
to answer again; they are the same bytes with the same id, and count once.
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

CARRIED_AT_ONCE: Final = 1024
FEW: Final = 2048  # so many are carried over while appends wait, so that it comes to an end
SEARCHED_AT_ONCE: Final = 2048
LOOK_AT_END_S: Final = 5.0
PAUSE_S: Final = 1.0
SETTLE_S: Final = 2.0
REMIND_S: Final = 60.0
TRIM_EVERY: Final = 65_536

Hit = tuple[bytes, bytes]

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Hit).decode


class SpillingLog:
    """See `collection.log.port.Log`. All but appending is asked of the log itself.

    Hits are told apart by their bytes: each must carry an id of its own, as the collector's do.
    """

    def __init__(self, log: Log, folder: Path, *, pause_s: float = PAUSE_S, settle_s: float = SETTLE_S) -> None:
        """`pause_s`: between two attempts to carry over. Raises LogUnavailable if the folder cannot be used."""
        self._log, self._pause_s, self._settle_s = log, pause_s, settle_s
        with unavailable("cannot be spilled"):
            self._folder = SpillFolder(folder)
            self._spill = EmbeddedLog(folder / "hits")
            self._mark = self._where_it_was_left(self._folder.read())
        self._appending = threading.Lock()
        self._floor: dict[int, int] = {}
        self._looked_at = float("-inf")
        self._complaints = RateLimitedLog()
        self._wake, self._closing = threading.Event(), threading.Event()
        if self.spilled or not self._answers():
            self._wake.set()
        self._thread = threading.Thread(target=self._work, name="log-spill", daemon=True)
        self._thread.start()

    @property
    def spilled(self) -> int:
        """Hits in the folder that are not known to be in the log."""
        return self._spill.ends()[PARTITION] - self._mark.next

    @property
    def id(self) -> str:
        return self._log.id

    def append(self, hits: Sequence[Hit]) -> None:
        if not hits:
            return
        with self._appending:
            if self._wake.is_set() or not self._appended(hits):
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
        """What is in the folder stays there, for the next start."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        with self._appending:
            self._log.close()
            self._spill.close()
            self._folder.close()

    def _where_it_was_left(self, mark: SpillState | None) -> SpillState:
        """A mark may be behind what was carried over and deleted since."""
        start = self._spill.starts()[PARTITION]
        if mark is None or mark.next + mark.doubt <= start:
            return SpillState(start)
        return replace(mark, next=max(mark.next, start), doubt=min(mark.doubt, mark.next + mark.doubt - start))

    def _answers(self) -> bool:
        try:
            self._look()
        except LogUnavailable as error:
            self._complaints.say(f"the log does not answer, hits are kept here: {error}")
            return False
        return True

    def _appended(self, hits: Sequence[Hit]) -> bool:
        """Whether they went straight into the log; where not, everything spills from now on."""
        doubt = 0
        try:
            self._look()
            doubt = len(hits)
            self._log.append(hits)
        except LogUnavailable as error:
            self._complaints.say(f"hits are kept here until the log can be written: {error}")
            self._begin(doubt)
            return False
        return True

    def _look(self) -> None:
        """Where the log ends: whatever is appended from now on is found behind it."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AT_END_S:
            self._floor, self._looked_at = self._log.ends(), now

    def _begin(self, doubt: int) -> None:
        with unavailable("cannot be spilled"):
            end = self._spill.ends()[PARTITION]
            self._remember(SpillState(end, doubt, self._log.id if doubt else "", self._floor))
        self._wake.set()

    def _remember(self, mark: SpillState) -> None:
        self._folder.write(mark)
        self._mark = mark

    def _work(self) -> None:
        while self._wake.wait() and not self._closing.is_set():
            try:
                with unavailable("cannot be spilled"):
                    self._carry_all()
            except LogError as error:
                self._complaints.say(f"{self.spilled} hits wait here: {error}")
                self._closing.wait(self._pause_s)

    def _carry_all(self) -> None:
        """Until the folder is empty, and appends go straight again. Raises LogError."""
        if self._mark.doubt:
            self._log.ends()
            self._closing.wait(self._settle_s)
        while self.spilled > FEW and not self._closing.is_set():
            self._carry_some()
        with self._appending:
            while self.spilled and not self._closing.is_set():
                self._carry_some()
            if not self.spilled and not self._closing.is_set():
                self._end()

    def _end(self) -> None:
        self._log.ends()  # there may have been nothing to carry: only an answer shows that it is back
        self._remember(SpillState(self._mark.next))
        self._spill.trim(PARTITION, self._mark.next)
        self._looked_at = float("-inf")
        self._wake.clear()
        if self._closing.is_set():  # and it may have been woken up just before
            self._wake.set()
        self._complaints.over("the log is written again, and nothing waits here any more")

    def _carry_some(self) -> None:
        """The next hits in doubt, or some more."""
        entries = self._next_entries()
        hits = [_decode(entry.value) for entry in entries]
        if self._mark.doubt:
            hits = self._missing(hits)
        else:
            self._remember(SpillState(self._mark.next, len(hits), self._log.id, self._log.ends()))
        self._log.append(hits)
        self._mark = SpillState(self._mark.next + len(entries))
        if self._mark.next // TRIM_EVERY != (self._mark.next - len(entries)) // TRIM_EVERY:
            self._spill.trim(PARTITION, self._mark.next)

    def _next_entries(self) -> list[LogEntry]:
        first = self._mark.next
        end = self._spill.ends()[PARTITION]
        last = min(end, first + (self._mark.doubt or CARRIED_AT_ONCE)) - 1
        try:
            return self._spill.read(PARTITION, first, last)
        except CorruptLog as fault:
            if fault.first > first:
                return self._spill.read(PARTITION, first, fault.first - 1)
            logger.error("%d spilled hits are lost: %s", min(fault.last, last) + 1 - first, fault)
            self._mark = SpillState(min(fault.last, last) + 1)
            return []

    def _missing(self, hits: Sequence[Hit]) -> list[Hit]:
        """Those that the log does not hold yet."""
        sought = {value for _, value in hits}
        starts, ends = self._log.starts(), self._log.ends()
        floor = self._mark.floor if self._mark.log == self._log.id else {}
        for partition, end in ends.items():
            sought -= self._found(partition, max(floor.get(partition, 0), starts[partition]), end, sought)
        return [hit for hit in hits if hit[1] in sought]

    def _found(self, partition: int, first: int, end: int, sought: Set[bytes]) -> set[bytes]:
        """Which of them the log holds from `first` to before `end`."""
        found: set[bytes] = set()
        for low in range(first, end, SEARCHED_AT_ONCE):
            try:
                entries = self._log.read(partition, low, min(low + SEARCHED_AT_ONCE, end) - 1)
            except (CorruptLog, Trimmed) as error:
                logger.warning("spilled hits are not sought there, and may be doubled: %s", error)
                continue
            found |= {entry.value for entry in entries} & sought
        return found


class RateLimitedLog:
    """Says what is wrong at first and then once a minute, and when it is over."""

    def __init__(self) -> None:
        self._said_at = float("-inf")

    def say(self, what: str) -> None:
        if time.monotonic() - self._said_at >= REMIND_S:
            logger.error("%s", what)
            self._said_at = time.monotonic()

    def over(self, what: str) -> None:
        if self._said_at > float("-inf"):
            logger.warning("%s", what)
            self._said_at = float("-inf")
