"""The jobs of a cluster's workers. Each may be done twice, by two workers at once, or be broken off anywhere: what is
stored stays right, and what was left is sent again.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from django.db import close_old_connections

from configuration.clock import WallClock
from processing.concurrency.backoff import Backoff
from processing.concurrency.leases import hold_lease
from processing.maintenance.compaction import Retention, run_short_maintenance
from processing.models import Range
from processing.privacy.erasure_requests import removing
from processing.receiving.range_receiver import RangeReceiver
from processing.segments.column_cache import WORK_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.housekeeping import ErasureWork, HistoryWork

logger = logging.getLogger(__name__)

LEASE_S: Final = 30.0
KEPT_UP_TOGETHER: Final = 50


class JobHandlers:
    """What one process can do. `ranges` makes its part of receiving, which needs more than the others."""

    def __init__(
        self, store: Store, ranges: Callable[[], RangeReceiver], *, retention: Callable[[], Mapping[int, Retention]],
        history: HistoryWork, erasures: ErasureWork, wall_clock: WallClock,
    ) -> None:  # fmt: skip
        self._store, self._ranges, self._retention = store, ranges, retention
        self._history, self._erasures, self._columns = history, erasures, ColumnCache(store, WORK_BYTES)
        self._wall_clock = wall_clock
        self._troubles = Backoff(recover=close_old_connections)

    def receive(self, number: int) -> int:
        """The range of this number in the ledger. Returns how many hits; 0 where it is done, or of another log."""
        ranges = self._ranges()
        item = Range.objects.filter(pk=number, log=ranges.log, done_at=None).first()
        return ranges.receive_again(item).hits if item else 0

    def seal(self, property: int) -> bool:
        """Whether anything was sealed; not while another worker writes, nor while rows are taken out."""
        with hold_lease(_writing(property), LEASE_S) as lease:
            if lease is None or property in removing():
                return False
            try:
                return seal(self._store, self._columns, property)
            except Conflict as error:
                logger.info("property %d was written by another worker meanwhile: %s", property, error)
                return False

    def keep_up(self, properties: Collection[int]) -> None:
        """Upkeep of these; what fails is said, and tried again by the next round."""
        retention, now_ms = self._retention(), milliseconds(self._wall_clock())
        for property in set(properties).difference(self._history.resting(), self._erasures.removing()):
            with (
                self._troubles.outlived(f"upkeep of property {property}"),
                hold_lease(_writing(property), LEASE_S) as lease,
            ):
                if lease:
                    limits = retention.get(property, Retention())
                    run_short_maintenance(self._store, self._columns, property, now_ms, limits)

    def groups(self) -> list[Sequence[int]]:
        """All properties, as many together as are kept up by one job."""
        properties = self._store.properties()
        return [properties[low : low + KEPT_UP_TOGETHER] for low in range(0, len(properties), KEPT_UP_TOGETHER)]

    def carry_out(self, stop: Callable[[], bool]) -> int:
        """Applies rules to history and erases, whatever was asked for. Returns how much came to an end; one worker at
        a time does.
        """
        with hold_lease("history", LEASE_S) as lease:
            if lease is None:
                return 0

            def stopped() -> bool:
                return stop() or lease.lost()

            ended = 0
            for name, work in (("history", self._history.work), ("removing what is erased", self._erasures.work)):
                if self._troubles.due(name):
                    with self._troubles.outlived(name):
                        ended += work(stopped)
            return ended


def _writing(property: int) -> str:
    return f"writing property {property}"
