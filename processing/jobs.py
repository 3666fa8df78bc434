"""The jobs of a cluster's workers. Each may be done twice, by two workers at once, or be broken off anywhere: what is
stored stays right, and what was left is sent again.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from processing.columns import Columns
from processing.erasure import removing
from processing.housekeeping import Erasures, History
from processing.leases import held
from processing.models import Range
from processing.ranges import Ranges
from processing.seal import seal
from processing.store.port import Conflict, Store
from processing.upkeep import Retention, keep_up_for_now

logger = logging.getLogger(__name__)

CACHE_BYTES: Final = 64 * 2**20
LEASE_S: Final = 30.0
KEPT_UP_TOGETHER: Final = 50


class Work:
    """What one process can do. `ranges` makes its part of receiving, which needs more than the others."""

    def __init__(
        self, store: Store, ranges: Callable[[], Ranges], *, retention: Callable[[], Mapping[int, Retention]],
        history: History, erasures: Erasures,
    ) -> None:  # fmt: skip
        self._store, self._ranges, self._retention = store, ranges, retention
        self._history, self._erasures, self._columns = history, erasures, Columns(store, CACHE_BYTES)

    def receive(self, number: int) -> int:
        """The range of this number in the ledger. Returns how many hits; 0 where it is done."""
        item = Range.objects.filter(pk=number, done_at=None).first()
        return self._ranges().receive(item).hits if item else 0

    def seal(self, property: int) -> bool:
        """Whether anything was sealed; not while another worker does, nor while rows are taken out."""
        with held(f"sealing property {property}", LEASE_S) as lease:
            if lease is None or property in removing():
                return False
            try:
                return seal(self._store, self._columns, property)
            except Conflict as error:
                logger.info("property %d was written by another worker meanwhile: %s", property, error)
                return False

    def keep_up(self, properties: Collection[int]) -> None:
        """Upkeep of these. Raises what the store raises for the first that cannot be kept up, after the others."""
        retention, now_ms, failed = self._retention(), int(time.time() * 1000), list[Exception]()
        for property in set(properties).difference(self._history.resting(), self._erasures.removing()):
            try:
                keep_up_for_now(self._store, self._columns, property, now_ms, retention.get(property, Retention()))
            except Exception as error:  # noqa: BLE001 - one property must not hold up the others
                failed.append(error)
        if failed:
            raise failed[0]

    def groups(self) -> list[Sequence[int]]:
        """All properties, as many together as are kept up by one job."""
        properties = self._store.properties()
        return [properties[low : low + KEPT_UP_TOGETHER] for low in range(0, len(properties), KEPT_UP_TOGETHER)]

    def carry_out(self, stop: Callable[[], bool]) -> int:
        """Applies rules to history and erases, whatever was asked for. Returns how much came to an end; one worker at
        a time does.
        """
        with held("history", LEASE_S) as lease:
            if lease is None:
                return 0

            def stopped() -> bool:
                return stop() or lease.lost()

            return self._history.work(stopped) + self._erasures.work(stopped)
