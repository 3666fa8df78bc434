"""The log: an ordered, durable record of hits that anyone may subscribe to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class LogError(Exception):
    """The base of all errors of a log."""


class LogUnavailable(LogError):
    """The hits could not be made durable, or the log cannot be reached. The same call may succeed later."""


class WrongLog(LogUnavailable):
    """The log is another one than this installation was set up with."""


# Returns the id of the log that an installation was set up with; "" if any will do. It is called once, when the log's
# own id is known.
Expected = Callable[[], str]


def any_log() -> str:
    return ""


def check_identity(found: str, expected: Expected) -> None:
    """Raises WrongLog."""
    wanted = expected()
    if wanted and wanted != found:
        raise WrongLog(
            "it is not the log that this installation was set up with: LOG_URL names another one, or the topic was"
            " deleted and created again. Give all machines the same LOG_URL; if the log is to change, run"
            " `manage.py setup_cluster --accept log` once"
        )


class Trimmed(LogError):
    """The range begins before the first offset that is still held."""


class BeyondEnd(LogError):
    """The range ends beyond the last hit: either the caller is wrong, or the log lost its newest hits."""


class CorruptLog(LogError):
    """Stored hits differ from what was appended. Names the offsets; no hit of such a batch is ever returned."""

    def __init__(self, partition: int, first: int, last: int, cause: str) -> None:
        super().__init__(f"partition {partition}, offsets {first} to {last}: {cause}")
        self.partition = partition
        self.first = first
        self.last = last


class LogEntry(NamedTuple):
    """One hit. The offsets of a partition are contiguous and start at 0 in a new log; a missing offset is damage."""

    offset: int
    value: bytes


class Log(Protocol):
    """The promises of every log. Any number of processes and threads may use it at once.

    - A hit whose append returned survives a power cut, and is read with the same bytes at the same offset until it is
      trimmed. An append that raised may nevertheless have been stored.
    - Hits of one partition key that are appended one after the other are in one partition, in that order.
    - Offsets are never used twice, even after trimming.
    """

    @property
    def id(self) -> str:
        """32 hexadecimal digits, created with the log: a log that is deleted and created again has another id."""

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        """Writes (partition key, value) pairs, durable on return, in each partition in this order.

        Raises LogUnavailable; then each partition may hold the first of its pairs: none, some, or all.
        """

    def partitions(self) -> list[int]:
        """Returns the numbers of all partitions, ascending."""

    def starts(self) -> dict[int, int]:
        """Returns the first offset still held, by partition; it equals the end of an empty partition."""

    def ends(self) -> dict[int, int]:
        """Returns the offset that is written next, by partition. Cheap enough to call every few milliseconds."""

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        """Returns all entries from first to last, both included, in order.

        Raises Trimmed, BeyondEnd, CorruptLog, LogUnavailable.
        """

    def position(self, name: str, partition: int) -> int:
        """Returns the offset that this subscription reads next: the one it committed last, 0 before the first."""

    def commit(self, name: str, partition: int, offset: int) -> None:
        """Records that the subscription is done with every offset below this one. Durable on return."""

    def seek(self, partition: int, at_us: int) -> int:
        """Returns the first held offset appended at that time (microseconds since 1970 UTC) or later, else the end.

        A log may keep times in milliseconds: then the result is the first offset of that millisecond.
        """

    def trim(self, partition: int, before: int) -> None:
        """Deletes every offset below this one for good. The caller must check that all subscriptions are past it."""

    def verify(self) -> list[str]:
        """Reads all held entries. Returns one sentence per fault, with its partition and offsets."""

    def close(self) -> None:
        """Releases files and connections. Appends that have not returned may or may not be stored."""


@runtime_checkable
class Spills(Protocol):
    """A log that keeps hits on this machine while it cannot be reached."""

    @property
    def spilled(self) -> int:
        """The number of hits that wait on this machine. The log's `ends` do not include them."""
