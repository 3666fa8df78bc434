"""Erases visitors and properties on request.

The data is hidden when the request returns; the worker removes it from everything that is stored. A request has three
stages, and records each, so that a crash only repeats one:

1. The tombstones are in the manifest: no report shows the data.
2. The rows are in no segment that a manifest names (`removed_at`).
3. The old segments and the rows in raw blocks are deleted, and the storage is scrubbed (`done_at`).
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import DatabaseError, transaction

from collection.log.port import Log
from configuration.clock import WallClock
from configuration.drafts.publishing import published
from configuration.models import Property
from configuration.ruleset.context import UNKNOWN, UNKNOWN_PROPERTY
from configuration.ruleset.ruleset import plain_ruleset
from configuration.visitor_secrets import delete_property_salts
from processing.concurrency.backoff import Backoff, Task
from processing.maintenance.compaction import orphans
from processing.maintenance.log_retention import received_until
from processing.models import CleanedHits, Erasure, HistoryRun
from processing.privacy.tombstones import clean_blocks, delete, erase, expire_tombstones, remove_erased, segments_of
from processing.reprocessing.run_requests import cancel_runs
from processing.schema import NO_VISITOR
from processing.sessions.local_periods import microseconds
from processing.store.port import Conflict, Store

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 20
KEEP_TOMBSTONES: Final = timedelta(days=8)  # longer than anything received waits in a subscription or a block

Kind = Erasure.Kind


class ErasureRefused(Exception):
    """Nothing was erased; the message says why."""


def erase_visitors(
    store: Store, item: Property, visitors: Collection[int], author: str, now: datetime, hits: int = 0
) -> Erasure:
    """Hides what these visitors sent up to `now`, and creates a request to remove it. `hits`: how many are stored.

    The same visitors are erased from property 0, which has hits from before the property was registered. Raises
    ErasureRefused, Conflict.
    """
    if NO_VISITOR in visitors:
        raise ErasureRefused("Visitor 0 stands for hits that could not be read, and cannot be erased.")
    if not visitors:
        raise ErasureRefused("No such visitor is known.")
    request = Erasure.objects.create(
        property=item.pk,
        kind=Kind.VISITORS,
        visitors=[str(visitor) for visitor in sorted(visitors)],
        until_us=microseconds(now),
        hits=hits,
        asked_by=author,
    )
    _hide(store, request)
    return request


def delete_property(item: Property, author: str, now: datetime, hits: int = 0) -> Erasure:
    """Marks the property as deleted, which hides it everywhere, and creates a request to remove its data."""
    with transaction.atomic():
        item.deleted_at = now
        item.save(update_fields=["deleted_at"])
        cancel_runs(item.pk)
        return Erasure.objects.create(
            property=item.pk, kind=Kind.PROPERTY, until_us=microseconds(now), hits=hits, asked_by=author
        )


class ErasureWorker:
    """Processes the requests. Only one may work on a store at a time."""

    def __init__(self, store: Store, log: Log, clock: WallClock) -> None:
        self._store, self._log, self._clock = store, log, clock

    def removing(self) -> Collection[int]:
        """Returns the properties that must not be sealed or compacted, and whose unused segments must stay, for now."""
        return removing()

    def work(self, stop: Callable[[], bool], backoff: Backoff | None = None) -> int:
        """Removes the rows of open requests from all segments, until `stop`. Returns the number of requests.

        A run on the property gives way (`runs._is_erasing`), so that a request waits for seconds at most. Failures go
        to `backoff`; without it they are raised.
        """
        backoff = Backoff(fatal=(Exception,)) if backoff is None else backoff
        removed = 0
        for request in Erasure.objects.filter(removed_at=None).order_by("pk"):
            if not stop() and not _is_being_rebuilt(request.property):
                remove = partial(self._remove, request)
                removed += backoff.result(Task.REMOVE_ROWS, remove, _number(request), request.property, default=False)
        return removed

    def finish_requests(self, now: datetime, seal: Callable[[int], object], backoff: Backoff | None = None) -> None:
        """Cleans raw blocks, waits for old segments to be deleted, and closes the requests whose rows are removed.

        `seal` seals a property. Only the thread that seals and compacts may call this. Failures go to `backoff`;
        without it they are raised.
        """
        backoff = Backoff(fatal=(Exception,)) if backoff is None else backoff
        received = received_until(self._log, now)
        for request in Erasure.objects.exclude(removed_at=None).filter(done_at=None).order_by("pk"):
            with backoff.suppress_and_log(Task.FINISH_ERASURE, _number(request), request.property), _noting(request):
                self._finish(request, received, seal)
        open_properties = set(Erasure.objects.filter(done_at=None).values_list("property", flat=True))
        open_properties |= {UNKNOWN_PROPERTY} if open_properties else set()
        for property in set(self._store.properties()) - open_properties:
            with backoff.suppress_and_log(Task.EXPIRE_TOMBSTONES, property):
                expire_tombstones(self._store, property, microseconds(received - KEEP_TOMBSTONES))

    def _remove(self, request: Erasure) -> bool:
        """Returns False if a run began meanwhile: the request stays as it is until the run gives way or ends."""
        _save(request, removing=True)
        try:
            if _is_being_rebuilt(request.property):  # see `runs._is_erasing`
                return False
            with _noting(request):
                for property in _targets(request):
                    self._remove_from(property, request)
                _forget_other_generations(request.property)
                _save(request, removed_at=self._clock(), removing=False)
        finally:
            _save(request, removing=False)
        return True

    def _remove_from(self, property: int, request: Erasure) -> None:
        # A seal that had begun before `removing` was recorded may still commit, but no new one begins.
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if request.kind == Kind.PROPERTY:
                    delete(self._store, property)
                else:
                    _hide(self._store, request)
                    remove_erased(self._store, property)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
            else:
                return

    def _finish(self, request: Erasure, received: datetime, seal: Callable[[int], object]) -> None:
        waits_for = request.waits_for
        if waits_for is None:
            unused = orphans(self._store)
            waits_for = [name for target in _targets(request) for name in segments_of(target, unused)]
            _save(request, waits_for=waits_for)
        blocks_clean = [self._clean(property, seal) for property in _targets(request)]
        # Only segments that were unused then are waited for: one that was about to be committed has no erased rows.
        segments_deleted = not orphans(self._store).intersection(waits_for)
        if all(blocks_clean) and segments_deleted and microseconds(received) > request.until_us:
            self._store.scrub()
            _close(request, self._clock())

    def _clean(self, property: int, seal: Callable[[int], object]) -> bool:
        if clean_blocks(self._store, property):
            return True
        seal(property)
        return clean_blocks(self._store, property)


def removing() -> set[int]:
    """Returns the properties whose rows are being removed, by any process."""
    return {property for request in Erasure.objects.filter(removing=True) for property in _targets(request)}


def _save(request: Erasure, **values: object) -> None:
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))


@contextmanager
def _noting(request: Erasure) -> Iterator[None]:
    """Saves with the request why it failed, and that it does not any more."""
    try:
        yield
    except Exception as error:
        # A database that fails is said by the error itself.
        with suppress(DatabaseError):
            _save(request, error=f"{type(error).__name__}: {error}".replace("\0", ""))
        raise
    if request.error:
        _save(request, error="")


def _number(request: Erasure) -> str:
    """Two requests of one property are two tasks."""
    return f"{request.property} (request {request.pk})"


def _targets(request: Erasure) -> list[int]:
    return [request.property, UNKNOWN_PROPERTY] if request.kind == Kind.VISITORS else [request.property]


def _hide(store: Store, request: Erasure) -> None:
    item = Property.with_deleted.filter(pk=request.property).first()
    for property, received in (
        (request.property, item.receive_settings() if item else UNKNOWN),
        (UNKNOWN_PROPERTY, UNKNOWN),
    ):
        settings = (published(property) or plain_ruleset(received)).settings
        erase(store, property, request.keys(), request.until_us, settings)


def _is_being_rebuilt(property: int) -> bool:
    """True while a worker applies rules to its history, until it gives way."""
    return HistoryRun.objects.filter(property=property, state=HistoryRun.State.RUNNING).exists()


def _forget_other_generations(property: int) -> None:
    """Records that the generations from before the erasure are removed, so that no run can be rolled back to them."""
    runs = HistoryRun.objects.filter(property=property)
    runs.filter(state=HistoryRun.State.DONE).update(replaced=None)
    runs.filter(state=HistoryRun.State.UNDONE).update(generation=None)


def _close(request: Erasure, now: datetime) -> None:
    with transaction.atomic():
        if request.kind == Kind.PROPERTY:
            delete_property_salts([request.property])
            HistoryRun.objects.filter(property=request.property).delete()
            CleanedHits.objects.filter(property=request.property).delete()
            Property.with_deleted.filter(pk=request.property).delete()
        # Who was erased is not kept: it would be a new record of the person.
        _save(request, visitors=[], waits_for=[], done_at=now)
    logger.info("erasure %d of property %d is done", request.pk, request.property)
