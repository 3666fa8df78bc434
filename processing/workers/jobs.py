"""The jobs of a cluster's workers. A job may be done twice, by two workers at once, or be interrupted anywhere: what is
stored stays right, and what is left is sent again.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from django.db import close_old_connections

from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.failures import DatabaseRecord
from processing.concurrency.leases import hold_lease
from processing.concurrency.threads import run_beside
from processing.maintenance.compaction import Retention, run_short_maintenance
from processing.models import Range
from processing.privacy.erasure_requests import removing
from processing.receiving.range_receiver import RangeReceiver
from processing.segments.column_cache import WORK_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import milliseconds
from processing.store.port import Conflict, Store
from processing.workers.config import MaintenanceConfig

LEASE_S: Final = 30.0
GROUP_SIZE: Final = 50
ERASE_EVERY_S: Final = 1.0

logger = logging.getLogger(__name__)


class JobHandlers:
    """What one process does when it takes a job."""

    def __init__(
        self, store: Store, range_receiver: Callable[[], RangeReceiver], maintenance: MaintenanceConfig
    ) -> None:
        """`range_receiver` is called by the first job that receives: opening one takes time and memory."""
        self._store, self._range_receiver, self._maintenance = store, range_receiver, maintenance
        self._columns = ColumnCache(store, WORK_BYTES, codes=False)
        self._record = DatabaseRecord()
        self._backoff = Backoff(recover=close_old_connections, record=self._record)

    def receive(self, number: int) -> int:
        """Receives the range of this number in the ledger. Returns how many hits it had; 0 if it is done already, or
        of another log.
        """
        with self._recording(Task.RECEIVE_RANGE, number):
            receiver = self._range_receiver()
            item = Range.objects.filter(pk=number, log=receiver.log, done_at=None).first()
            if item is None:
                return 0
            has_been_tried = item.begun
            hits = receiver.receive_again(item).hits
            if has_been_tried:
                self._works_again(Task.RECEIVE_RANGE, number)
            return hits

    def seal(self, property: int) -> bool:
        """Returns False if there was nothing to seal, if another worker writes, or while rows are being removed."""
        with self._recording(Task.SEAL, property), hold_lease(_writing(property), LEASE_S) as lease:
            if lease is None or property in removing():
                return False
            try:
                has_sealed = seal(self._store, self._columns, property)
            except Conflict as error:
                logger.info("another worker wrote segments of property %d meanwhile: %s", property, error)
                return False
            self._works_again(Task.SEAL, property)
            return has_sealed

    def run_maintenance(self, properties: Collection[int]) -> None:
        """Compacts the properties and applies their retention. A failure is logged; the next round tries again."""
        retention, now_ms = self._maintenance.retention(), milliseconds(self._maintenance.wall_clock())
        being_rebuilt, being_removed = (
            self._maintenance.history.active_properties(),
            self._maintenance.erasures.removing(),
        )
        for property in set(properties).difference(being_rebuilt, being_removed):
            with (
                self._backoff.suppress_and_log(Task.MAINTAIN, property),
                hold_lease(_writing(property), LEASE_S) as lease,
            ):
                if lease:
                    limits = retention.get(property, Retention())
                    run_short_maintenance(self._store, self._columns, property, now_ms, limits)

    def property_groups(self) -> list[Sequence[int]]:
        """Returns all properties, in groups of those that one job maintains."""
        properties = self._store.properties()
        return [properties[low : low + GROUP_SIZE] for low in range(0, len(properties), GROUP_SIZE)]

    def process_requests(self, stop: Callable[[], bool]) -> int:
        """Applies rules to history and erases, as requested. Returns how many requests were finished.

        One worker at a time does this: 0 if another one holds the lease.
        """
        with hold_lease("history", LEASE_S) as lease:
            if lease is None:
                return 0

            def must_stop() -> bool:
                return stop() or lease.lost()

            finished = [self._erase(must_stop)]

            def erase_until(ended: threading.Event) -> None:
                while not ended.wait(ERASE_EVERY_S):
                    finished.append(self._erase(lambda: must_stop() or ended.is_set()))

            # Erasures that are asked for while a long run goes on do not wait for its end.
            with run_beside({"erasures": erase_until}):
                apply_rules = partial(self._maintenance.history.work, must_stop, self._backoff)
                finished.append(self._backoff.result(Task.HISTORY, apply_rules, default=0))
            return sum(finished)

    def _erase(self, must_stop: Callable[[], bool]) -> int:
        erase = partial(self._maintenance.erasures.work, must_stop, self._backoff)
        return self._backoff.result(Task.ERASING, erase, default=0)

    @contextmanager
    def _recording(self, task: Task, number: int) -> Iterator[None]:
        """Records a failure, and raises it: the broker's client or the dispatcher sends the job again."""
        try:
            yield
        except Exception as error:
            self._backoff.note(task, error, number)
            raise
        self._backoff.note_success(task, number)

    def _works_again(self, task: Task, number: int) -> None:
        """Forgets what another process may have recorded: only that one knows that it failed there."""
        self._record.works_again(task.name_of(number))


def _writing(property: int) -> str:
    return f"writing property {property}"
