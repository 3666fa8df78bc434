"""The log: an ordered, durable record of hits that anyone may subscribe to."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class LogError(Exception):
    """Anything that a log has to complain about."""


class LogUnavailable(LogError):
    """The hits could not be made durable, or the log cannot be reached. The same call may succeed later."""


class Trimmed(LogError):
    """The range begins before the first offset that is still held."""


class BeyondEnd(LogError):
    """The range ends where nothing has been written yet: either the caller is wrong, or the log lost its end."""


class CorruptLog(LogError):
    """Stored hits are not what was appended. Names the offsets; nothing of such a batch is ever served."""

    def __init__(self, partition: int, first: int, last: int, cause: str) -> None:
        super().__init__(f"partition {partition}, offsets {first} to {last}: {cause}")
        self.partition = partition
        self.first = first
        self.last = last


class LogEntry(NamedTuple):
    """One hit. Offsets of a partition are contiguous and start at 0 in a new log; one that is missing is damage."""

    offset: int
    value: bytes


class Log(Protocol):
    """What every log promises. Any number of processes and threads may use it at once.

    - A hit whose append returned survives a power cut, and is read with the same bytes at the same offset ever after,
      until it is trimmed. An append that raised may nevertheless have been stored.
    - Hits of one partition key that are appended one after the other are in one partition, in that order.
    - Offsets are never used twice, trimmed or not.
    """

    @property
    def id(self) -> str:
        """32 hexadecimal digits, made with the log: a log that is made anew is another one."""

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        """Write (partition key, value) pairs, durable on return, in each partition in this order.

        Raises LogUnavailable; then each partition may hold a beginning of its pairs: none, some, or all.
        """

    def partitions(self) -> list[int]:
        """The numbers of all partitions, ascending."""

    def starts(self) -> dict[int, int]:
        """The first offset still held, by partition; equal to the end where nothing is."""

    def ends(self) -> dict[int, int]:
        """The offset that will be written next, by partition. Cheap enough to ask every few milliseconds."""

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        """The entries first to last, both included: all of them, in order.

        Raises Trimmed, BeyondEnd, CorruptLog, LogUnavailable.
        """

    def position(self, name: str, partition: int) -> int:
        """The offset that this subscription reads next: the one it committed last, 0 before any."""

    def commit(self, name: str, partition: int, offset: int) -> None:
        """Remember that the subscription is done with everything below the offset. Durable on return."""

    def seek(self, partition: int, at_us: int) -> int:
        """The first held offset that was appended at that time (microseconds since 1970 UTC) or later, else the end.

        Times may be kept to the millisecond: then nothing of the same one is passed over.
        """

    def trim(self, partition: int, before: int) -> None:
        """Forget everything below the offset, for good. Subscriptions are not asked: that is the caller's duty."""

    def verify(self) -> list[str]:
        """Read everything that is held; one sentence per fault, naming partition and offsets."""

    def close(self) -> None:
        """Release files and connections. Appends that have not returned may or may not be stored."""


@runtime_checkable
class Spills(Protocol):
    """A log that keeps hits on this machine while it cannot be reached."""

    @property
    def spilled(self) -> int:
        """Hits that wait on this machine. Not behind the ends that the log tells."""
