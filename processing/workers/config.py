"""How a store is maintained: one value for every process that takes part in it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from configuration.clock import WallClock
from processing.concurrency.backoff import Backoff
from processing.maintenance.compaction import Retention
from processing.segments.writer import MAX_WORK_S

GRACE_S: Final = 60.0  # a report that was opened before a deletion has ended by then
SHARED_SEGMENT_GRACE_S: Final = 6 * MAX_WORK_S  # where other processes seal, too: longer than a seal can take


class HistoryWork(Protocol):
    """Applies rules to the past, see `reprocessing/runs.py`."""

    def work(self, stop: Callable[[], bool], backoff: Backoff | None = None) -> int: ...
    def active_properties(self) -> Collection[int]: ...
    def writing_properties(self) -> Collection[int]: ...
    def expire_generations(self, backoff: Backoff | None = None) -> None: ...


class ErasureWork(Protocol):
    """Erases visitors and properties, see `privacy/erasure_requests.py`."""

    def work(self, stop: Callable[[], bool], backoff: Backoff | None = None) -> int: ...
    def removing(self) -> Collection[int]: ...
    def finish_requests(self, now: datetime, seal: Callable[[int], object], backoff: Backoff | None = None) -> None: ...


@dataclass(frozen=True, kw_only=True)
class MaintenanceConfig:
    """`retention` returns the limits of the properties that have any, by id.

    Hits stay in the log for `log_hours`; None: for ever. A raw block is deleted `block_grace_s` after segments cover
    it, and a segment `segment_grace_s` after it was found unused. A seal must take less, because its segment is unused
    until it is committed.
    """

    history: HistoryWork
    erasures: ErasureWork
    retention: Callable[[], Mapping[int, Retention]]
    wall_clock: WallClock
    log_hours: int | None = None
    block_grace_s: float = GRACE_S
    segment_grace_s: float = GRACE_S
