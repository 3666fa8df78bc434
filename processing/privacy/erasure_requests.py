"""Erasing as people ask for it: hidden when the asking returns, removed from everything that is stored by the worker.

Three stages, each written down in the request, so that a crash only repeats: the tombstones are in the book; the rows
are in no segment that a book names (`removed_at`); the old segments and the rows in raw blocks are gone, and what was
deleted is unreadable (`done_at`).
"""

import logging
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from collection.log.port import Log
from configuration.clock import WallClock
from configuration.drafts.publishing import published
from configuration.models import Property
from configuration.ruleset.context import UNKNOWN, UNKNOWN_PROPERTY, ReceiveSettings
from configuration.ruleset.ruleset import PropertySettings, plain_ruleset
from configuration.visitor_secrets import delete_property_salts
from processing.ingest.receive import NO_VISITOR
from processing.maintenance.compaction import orphans
from processing.maintenance.log_retention import received_until
from processing.models import Erasure, HistoryRun
from processing.privacy.tombstones import clean_blocks, delete, erase, expire_tombstones, remove_erased, segments_of
from processing.sessions.local_periods import microseconds
from processing.store.port import Conflict, Store

logger = logging.getLogger(__name__)

ROUNDS: Final = 20
KEEP_TOMBSTONES: Final = timedelta(days=8)  # longer than anything received waits in a subscription or a block

Kind = Erasure.Kind


class ErasureRefused(Exception):
    """Nothing was erased; the message says why."""


def erase_visitors(
    store: Store, item: Property, visitors: Collection[int], author: str, now: datetime, hits: int = 0
) -> Erasure:
    """Hides all that these visitors sent up to `now`, and asks for its removal. `hits`: how many of them are stored.

    The same keys are erased from property 0: hits that came before the property was registered are there. Raises
    ErasureRefused, Conflict.
    """
    if NO_VISITOR in visitors:
        raise ErasureRefused("Visitor 0 is nobody: it stands for hits that could not be read.")
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
    """The property is gone for everybody at once; the worker removes what is stored of it."""
    with transaction.atomic():
        item.deleted_at = now
        item.save(update_fields=["deleted_at"])
        HistoryRun.objects.filter(property=item.pk, state__in=HistoryRun.ACTIVE).update(
            wish=HistoryRun.RequestedAction.CANCEL
        )
        return Erasure.objects.create(
            property=item.pk, kind=Kind.PROPERTY, until_us=microseconds(now), hits=hits, asked_by=author
        )


class ErasureWorker:
    """Carries out what was asked for. One at a time works for each store."""

    def __init__(self, store: Store, log: Log, clock: WallClock) -> None:
        self._store, self._log, self._clock = store, log, clock

    def removing(self) -> Collection[int]:
        """The properties that must not be sealed nor kept up, and whose unused segments must stay, for now."""
        return removing()

    def work(self, stop: Callable[[], bool]) -> int:
        """Takes out of all segments what was asked for, until `stop`. Returns how many requests that were."""
        removed = 0
        for request in Erasure.objects.filter(removed_at=None).order_by("pk"):
            if not stop() and not _is_rebuilt(request.property):
                self._remove(request)
                removed += 1
        return removed

    def tidy(self, now: datetime, seal: Callable[[int], object]) -> None:
        """What is left to do when no book names the rows any more: raw blocks, old segments, the medium. `seal` seals
        a property. Only the thread that seals and keeps up may call this.
        """
        received = received_until(self._log, now)
        for request in Erasure.objects.exclude(removed_at=None).filter(done_at=None).order_by("pk"):
            self._finish(request, received, seal)
        waiting = set(Erasure.objects.filter(done_at=None).values_list("property", flat=True))
        waiting |= {UNKNOWN_PROPERTY} if waiting else set()
        for property in set(self._store.properties()) - waiting:
            expire_tombstones(self._store, property, microseconds(received - KEEP_TOMBSTONES))

    def _remove(self, request: Erasure) -> None:
        _save(request, removing=True)
        try:
            for property in _targets(request):
                _again(partial(self._remove_from, property, request))
        finally:
            _save(request, removing=False)
        _leave_no_way_back(request.property)
        _save(request, removed_at=self._clock())

    def _remove_from(self, property: int, request: Erasure) -> None:
        if request.kind == Kind.PROPERTY:
            delete(self._store, property)
        else:
            _hide(self._store, request)
            remove_erased(self._store, property)

    def _finish(self, request: Erasure, received: datetime, seal: Callable[[int], object]) -> None:
        if request.waits_for is None:
            names = orphans(self._store)
            request.waits_for = [name for each in _targets(request) for name in segments_of(each, names)]
            request.save(update_fields=["waits_for"])
        clean = [self._clean(property, seal) for property in _targets(request)]
        swept = not orphans(self._store).intersection(request.waits_for)  # one that was about to be committed is clean
        if all(clean) and swept and microseconds(received) > request.until_us:
            self._store.scrub()
            _close(request, self._clock())

    def _clean(self, property: int, seal: Callable[[int], object]) -> bool:
        if clean_blocks(self._store, property):
            return True
        seal(property)
        return clean_blocks(self._store, property)


def removing() -> set[int]:
    """The properties that rows are being taken out of, by whichever process."""
    return {property for request in Erasure.objects.filter(removing=True) for property in _targets(request)}


def _save(request: Erasure, **values: object) -> None:
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))


def _again(step: Callable[[], None]) -> None:
    """A seal that was under way commits once; a new one does not begin."""
    for _ in range(ROUNDS - 1):
        try:
            return step()
        except Conflict:
            continue
    return step()


def _targets(request: Erasure) -> list[int]:
    return [request.property, UNKNOWN_PROPERTY] if request.kind == Kind.VISITORS else [request.property]


def _hide(store: Store, request: Erasure) -> None:
    item = Property.with_deleted.filter(pk=request.property).first()
    for property, settings in (
        (request.property, item.receive_settings() if item else UNKNOWN),
        (UNKNOWN_PROPERTY, UNKNOWN),
    ):
        erase(store, property, request.keys(), request.until_us, _property_settings(property, settings))


def _property_settings(property: int, settings: ReceiveSettings) -> PropertySettings:
    return (published(property) or plain_ruleset(settings)).settings


def _is_rebuilt(property: int) -> bool:
    """Whether rules are being applied to its past, or taken back. A paused run must begin anew."""
    runs, state = HistoryRun.objects.filter(property=property), HistoryRun.State
    going_on = runs.filter(state__in=(state.WAITING, state.RUNNING))
    return (going_on | runs.filter(wish=HistoryRun.RequestedAction.UNDO)).exists()


def _leave_no_way_back(property: int) -> None:
    """The generations from before are gone."""
    runs = HistoryRun.objects.filter(property=property)
    runs.filter(state=HistoryRun.State.DONE).update(replaced=None)
    runs.filter(state=HistoryRun.State.UNDONE).update(generation=None)


def _close(request: Erasure, now: datetime) -> None:
    with transaction.atomic():
        if request.kind == Kind.PROPERTY:
            delete_property_salts([request.property])
            HistoryRun.objects.filter(property=request.property).delete()
            Property.with_deleted.filter(pk=request.property).delete()
        request.visitors, request.waits_for, request.done_at = [], [], now
        request.save(update_fields=["visitors", "waits_for", "done_at"])
    logger.info("erasure %d of property %d is done", request.pk, request.property)
