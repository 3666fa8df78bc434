"""The backlog says which properties have a tail, and how large and how old it is: so when to seal, and which raw blocks
may be deleted.
"""

from threading import Lock
from typing import Final, NamedTuple

from processing.segments.manifest import Manifest
from processing.store.port import BlockKey

FULL_ROWS: Final = 50_000
WORTH_ROWS: Final = 2_000
AGE_S: Final = 60.0
QUIET_AGE_S: Final = 3600.0

Partition = tuple[str, int]  # a log and the number of its partition


class Arrival(NamedTuple):
    """Rows of a property in a block, and the time of the worker's clock (s) at which they came."""

    rows: int
    at: float


class SealThresholds(NamedTuple):
    """When a tail is ready to seal: at `full_rows`, at `age_s` if it has `worth_rows`, or at `quiet_age_s` (s)."""

    full_rows: int = FULL_ROWS
    worth_rows: int = WORTH_ROWS
    age_s: float = AGE_S
    quiet_age_s: float = QUIET_AGE_S

    def is_reached(self, rows: int, age_s: float) -> bool:
        is_worth_it = rows >= self.worth_rows and age_s >= self.age_s
        return rows >= self.full_rows or is_worth_it or age_s >= self.quiet_age_s


class Backlog:
    """The process that seals, or that sends the jobs to seal, keeps it, and rebuilds it from the store when it starts.

    Safe to share between threads.
    """

    def __init__(self, thresholds: SealThresholds = SealThresholds()) -> None:  # noqa: B008 - it never changes
        self._thresholds = thresholds
        self._tails: dict[int, dict[BlockKey, Arrival]] = {}  # by property
        self._received: dict[Partition, int] = {}  # up to before this offset
        self._lock = Lock()

    def add(self, property: int, key: BlockKey, rows: int, now: float) -> None:
        """Notes that a block holds rows of the property; doing so again changes nothing."""
        with self._lock:
            self._tails.setdefault(property, {}).setdefault(key, Arrival(rows, now))

    def mark_received(self, key: BlockKey) -> None:
        """Notes that all hits up to the end of the block are in blocks."""
        with self._lock:
            partition = (key.log, key.partition)
            self._received[partition] = max(self._received.get(partition, 0), key.last + 1)

    def mark_sealed(self, property: int, manifest: Manifest) -> None:
        """Drops the blocks that the manifest covers; blocks that came meanwhile stay."""
        with self._lock:
            tail = self._tails.pop(property, {})
            uncovered = {key: arrival for key, arrival in tail.items() if not manifest.covers(key)}
            if uncovered:
                self._tails[property] = uncovered

    def ready(self, now: float, *, everything: bool = False) -> list[int]:
        """Returns the properties to seal now, the one with the largest tail first; all that have one, if asked."""
        with self._lock:
            tails = {property: list(tail.values()) for property, tail in self._tails.items()}
        sizes = []
        for property, arrivals in tails.items():
            rows, oldest = sum(arrival.rows for arrival in arrivals), min(arrival.at for arrival in arrivals)
            if everything or self._thresholds.is_reached(rows, now - oldest):
                sizes.append((rows, property))
        return [property for _, property in sorted(sizes, reverse=True)]

    def needed_from(self) -> dict[Partition, int]:
        """Returns, by partition, the first offset that some property's segments do not cover yet; the end of what is
        received if they cover everything.
        """
        with self._lock:
            offsets = dict(self._received)
            for tail in self._tails.values():
                for key in tail:
                    partition = (key.log, key.partition)
                    offsets[partition] = min(key.first, offsets.get(partition, key.first))
            return offsets
