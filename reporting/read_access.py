"""Where reports get their data from in this process: one reader for all threads."""

import logging
from functools import lru_cache
from typing import Final, NamedTuple

from django.conf import settings

from collection.log import Log, LogError, LogUnavailable, open_log
from configuration.drafts.publishing import published
from configuration.ruleset.ruleset import Ruleset
from processing.receiving import ledger
from processing.receiving.pending import PendingHits
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import UnreadableManifest
from processing.segments.read_view import ReadView
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from processing.store.port import CorruptBlob, Missing, StoreUnavailable

logger = logging.getLogger(__name__)

# What reading may raise: stored data is not what was written, or the store or the log does not answer.
DAMAGED: Final = (CorruptBlob, Missing, UnreadableManifest)
UNREACHABLE: Final = (StoreUnavailable, LogError)


class Status(NamedTuple):
    """Hits of a property: accepted = counted + rejected + pending.

    `pending` is None, and not among the accepted ones, while the log cannot be asked. `lost` are those of the whole log
    that were gone before they were received.
    """

    accepted: int
    counted: int
    rejected: int
    pending: int | None
    lost: int
    reasons: dict[str, int]


@lru_cache(maxsize=1)
def view_cache() -> ViewCache:
    store = open_store(settings.STORE_URL, settings.SEGMENT_CACHE)
    return ViewCache(store, ColumnCache(store, settings.COLUMN_CACHE))


@lru_cache(maxsize=1)
def log() -> Log:
    return open_log(settings.LOG_URL)


@lru_cache(maxsize=1)
def pending_hits() -> PendingHits:
    return PendingHits(log())


def view_of(property: int) -> ReadView:
    """The property as it is now, with its newest rules. Raises what Reader.view raises."""
    return view_cache().view(property).with_rules(newest_rules(property))


def newest_rules(property: int) -> Ruleset | None:
    """The newest published version; None where there is no property."""
    return published(property)


def status_of(view: ReadView, measurement_id: str) -> Status:
    """The sums of the view's moment. What the view does not hold is counted in the log."""
    counts = view.counts()
    pending = _pending(view, measurement_id)
    return Status(
        counts.accepted + (pending or 0), counts.counted, counts.rejected, pending, ledger.lost(), counts.reasons
    )


def _pending(view: ReadView, measurement_id: str) -> int | None:
    """What is in reports is shown all the same while the log is away."""
    try:
        return pending_hits().hits(view.tail.blocks, view.sealed.book.covered, view.property, measurement_id)
    except LogUnavailable as error:
        logger.warning("how many hits are pending is unknown: %s", error)
        return None
