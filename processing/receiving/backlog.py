"""Which properties have a tail, how large and how old: what a worker needs to know when to seal, and which blocks it
may delete.
"""

from collections.abc import Iterable
from threading import Lock
from typing import Final, NamedTuple

from processing.segments.manifest import Manifest
from processing.store.port import BlockKey

FULL_ROWS: Final = 50_000
WORTH_ROWS: Final = 2_000
AGE_S: Final = 60.0
QUIET_AGE_S: Final = 3600.0

Partition = tuple[str, int]


class Arrival(NamedTuple):
    """Rows of a property in a block, and the worker's time (s) at which they came."""

    rows: int
    at: float


class SealThresholds(NamedTuple):
    """When a tail is due: at so many rows, or at an age (s) if it is worth a segment, or at the age of a quiet one."""

    full_rows: int = FULL_ROWS
    worth_rows: int = WORTH_ROWS
    age_s: float = AGE_S
    quiet_age_s: float = QUIET_AGE_S


class Backlog:
    """Kept by the one worker that puts blocks, and rebuilt from the store when it starts.

    Safe to share between threads.
    """

    def __init__(self, ripeness: SealThresholds = SealThresholds()) -> None:  # noqa: B008 - it never changes
        self._ripeness = ripeness
        self._waiting: dict[int, dict[BlockKey, Arrival]] = {}
        self._received: dict[Partition, int] = {}
        self._lock = Lock()

    def set(self, property: int, key: BlockKey, rows: int, now: float) -> None:
        """Notes that a block holds rows of the property; noting it twice changes nothing."""
        with self._lock:
            self._waiting.setdefault(property, {}).setdefault(key, Arrival(rows, now))

    def received(self, key: BlockKey) -> None:
        """Notes that everything up to the end of the block is in blocks."""
        with self._lock:
            partition = (key.log, key.partition)
            self._received[partition] = max(self._received.get(partition, 0), key.last + 1)

    def sealed(self, property: int, book: Manifest) -> None:
        """Forgets what the book covers; blocks that came meanwhile stay."""
        with self._lock:
            left = {key: arrival for key, arrival in self._waiting.get(property, {}).items() if not book.covers(key)}
            self._waiting[property] = left
            if not left:
                del self._waiting[property]

    def due(self, now: float, *, all_of_them: bool = False) -> list[int]:
        """The properties to seal now, largest tail first."""
        with self._lock:
            sizes = {property: _size(waiting.values()) for property, waiting in self._waiting.items()}
        ripe = [(size.rows, property) for property, size in sizes.items() if all_of_them or self._ripe(size, now)]
        return [property for _, property in sorted(ripe, reverse=True)]

    def needed_from(self) -> dict[Partition, int]:
        """By partition, the first offset that some property's segments do not cover yet; all received, if there is
        none.
        """
        with self._lock:
            marks = dict(self._received)
            for waiting in self._waiting.values():
                for key in waiting:
                    partition = (key.log, key.partition)
                    marks[partition] = min(key.first, marks.get(partition, key.first))
            return marks

    def _ripe(self, size: Arrival, now: float) -> bool:
        at, age = self._ripeness, now - size.at
        return size.rows >= at.full_rows or (age >= at.age_s and size.rows >= at.worth_rows) or age >= at.quiet_age_s


def _size(arrivals: Iterable[Arrival]) -> Arrival:
    rows, at = zip(*arrivals, strict=True)
    return Arrival(sum(rows), min(at))
