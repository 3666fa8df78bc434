"""The data that reports read: one view cache and one log for all threads of the process."""

import logging
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from django.conf import settings

from collection.log import Log, LogError, LogUnavailable
from configuration.clock import now
from configuration.currencies import rates_into
from configuration.drafts.publishing import published
from configuration.ruleset.ruleset import Ruleset
from processing.installation import open_installed_log, open_installed_store
from processing.receiving import ledger
from processing.receiving.pending import PendingHits
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import UnreadableManifest
from processing.segments.read_view import ReadView
from processing.segments.tail import waiting_hits
from processing.segments.view_cache import ViewCache
from processing.store.port import CorruptBlob, Missing, StoreUnavailable

LOG_TIMEOUT_S: Final = 2.0  # pages do not wait longer for the log: they need it only to count pending hits
STORE_PATIENCE_S: Final = 5.0  # then a page says that the store is unavailable

logger = logging.getLogger(__name__)

# What reading may raise: stored data is not what was written, or the store or the log does not answer.
DAMAGED: Final = (CorruptBlob, Missing, UnreadableManifest)
UNREACHABLE: Final = (StoreUnavailable, LogError)
AS_OF: Final = "Hitstream-As-Of"  # the header of answers whose body does not say which moment they show


class Status(NamedTuple):
    """Hits of a property at the moment `as_of`: accepted = counted + rejected + pending.

    `pending` is None, and not part of `accepted`, while the log is unavailable. `lost` hits are those of the whole log
    that were trimmed before they were received. `cleaned`: hits that personal data was removed from.
    """

    as_of: datetime
    accepted: int
    counted: int
    rejected: int
    pending: int | None
    lost: int
    reasons: dict[str, int]
    cleaned: int = 0


@lru_cache(maxsize=1)
def view_cache() -> ViewCache:
    store = open_installed_store(STORE_PATIENCE_S)
    return ViewCache(store, ColumnCache(store, settings.COLUMN_CACHE))


@lru_cache(maxsize=1)
def log() -> Log:
    return open_installed_log(LOG_TIMEOUT_S)


@lru_cache(maxsize=1)
def pending_hits() -> PendingHits:
    return PendingHits(log())


def view_of(property: int) -> ReadView:
    """Returns the property as it is now, with its newest rules. Raises what ViewCache.view raises."""
    view = view_cache().view(property)
    return view.with_rules(newest_rules(property)).with_rates(rates_into(view.currency))


def newest_rules(property: int) -> Ruleset | None:
    """Returns the newest published version; None if there is no such property."""
    return published(property)


def status_of(view: ReadView, measurement_id: str) -> Status:
    """Returns the sums of the view's moment; hits that are not in the view yet are counted in the log."""
    counts = view.counts()
    try:
        waiting = waiting_hits(view_cache().store, view.property, view.waiting)
        pending = waiting + pending_hits().hits(
            (*view.tail.blocks, *view.waiting),
            view.sealed.manifest.covered,
            view.property,
            measurement_id,
            view.age_s(),
        )
    except LogUnavailable as error:
        # Reports do not need the log: they are shown all the same.
        logger.warning("The number of pending hits is unknown: %s", error)
        pending = None
    accepted = counts.accepted + (pending or 0)
    cleaned = ledger.count_cleaned(view.property)
    lost = ledger.count_lost()
    return Status(moment_of(view), accepted, counts.counted, counts.rejected, pending, lost, counts.reasons, cleaned)


def moment_of(view: ReadView) -> datetime:
    """Returns when the view was pinned: what came later is not in it."""
    return now() - timedelta(seconds=view.age_s())
