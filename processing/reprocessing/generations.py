"""Generations of a property: one is live; another is a draft until it has everything that the live one has, and then
becomes live in one commit. The old one stays, so that it can take over again.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import polars as pl

from processing.pipeline.process import Processed
from processing.positions import encode_position
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import with_balanced_counts
from processing.segments.manifest import Manifest, OffsetRange, decode_manifest, encode_manifest
from processing.segments.process_raw import concat_processed
from processing.segments.raw_parts import holding, process_parts
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import write_changes
from processing.sessions.layers import Arrivals
from processing.sessions.local_periods import period
from processing.sessions.timeline import advance
from processing.store.port import Conflict, LiveChange, ManifestChange, Store, VersionedBlob

ROUNDS: Final = 20


class NothingToRebuild(Exception):
    """The property has no raw hits in these days; the message says so."""


class CannotRebuild(Exception):
    """It cannot be done as it was asked; the message says why and what to do."""


class DraftGeneration(NamedTuple):
    """A generation that is not live yet, as it was read."""

    generation: int
    version: int
    book: Manifest


def open_draft(store: Store, property: int, generation: int) -> DraftGeneration:
    """Raises CannotRebuild where somebody took the generation away."""
    manifest = store.manifest(property, generation)
    if manifest is None:
        raise CannotRebuild("The new generation was taken away meanwhile. Start again.")
    return DraftGeneration(generation, manifest.version, decode_manifest(manifest.data))


def write_draft(store: Store, property: int, draft: DraftGeneration, book: Manifest) -> DraftGeneration:
    store.commit(property, {draft.generation: ManifestChange(draft.version, encode_manifest(book))})
    return DraftGeneration(draft.generation, draft.version + 1, book)


def catch_up(
    store: Store, property: int, draft: DraftGeneration, ordinals: Mapping[str, int], live: VersionedBlob | None = None
) -> DraftGeneration:
    """Takes in what the live generation has and the draft has not: hits that arrived, and rows that were adopted."""
    live = live or live_manifest(store, property)
    theirs = decode_manifest(live.data)
    done = _missing(store, property, draft.book, theirs, ordinals)
    book = draft.book
    if done.events.height or done.rejected.height:
        sealed = SealedPeriods(book, ColumnCache(store, ONCE_BYTES))
        book = write_changes(property, sealed, advance(sealed, Arrivals(done.events, done.rejected)), done.dropped)
    book = with_balanced_counts(_like(book, theirs))
    return draft if book == draft.book else write_draft(store, property, draft, book)


def swap(store: Store, property: int, generation: int, ordinals: Mapping[str, int]) -> int:
    """Makes a generation live, in one commit, when it has everything that the live one has. Returns the old one."""
    for _ in range(ROUNDS):
        live = live_manifest(store, property)
        if live.generation == generation:
            raise CannotRebuild("This generation is live already.")
        draft = catch_up(store, property, open_draft(store, property, generation), ordinals, live)
        try:
            _change_places(store, property, live, draft)
        except Conflict:
            continue  # a seal was quicker: what it brought is taken in, too
        return live.generation
    raise CannotRebuild("Hits were sealed faster than they could be taken in. Try again when there are fewer.")


def remove_generation(store: Store, property: int, generation: int) -> None:
    """A generation that is not live disappears; its segments are orphans then. Raises Conflict if it is live."""
    manifest = store.manifest(property, generation)
    if manifest:
        store.commit(property, {generation: ManifestChange(manifest.version, None)})


def covered_by(spans: Sequence[OffsetRange], ordinals: Mapping[str, int]) -> pl.Expr:
    """Whether a row's position lies in the spans."""
    conditions = []
    for span in spans:
        start = encode_position(ordinals[span.log], span.partition, 0)
        conditions.append(pl.col("position").is_between(start + span.first, start + span.last))
    return pl.any_horizontal(conditions) if conditions else pl.lit(value=False)


def live_manifest(store: Store, property: int) -> VersionedBlob:
    """Raises NothingToRebuild where there is none."""
    manifest = store.manifest(property)
    if manifest is None:
        raise NothingToRebuild("The property has no hits yet.")
    return manifest


def _like(book: Manifest, theirs: Manifest) -> Manifest:
    """With everything that the live book has, and without what it has let go."""
    periods = {key: shelf for key, shelf in book.periods.items() if period(key, book.zone).end > theirs.kept_from}
    return msgspec.structs.replace(
        book,
        covered=theirs.covered,
        adopted=tuple(sorted({*book.adopted, *(part.adopted for part in theirs.raw if part.adopted)})),
        erased=theirs.erased,
        erased_hits=theirs.erased_hits,
        periods=periods,
        expired_counted=theirs.expired_counted,
        expired_rejected=theirs.expired_rejected,
        kept_from=theirs.kept_from,
        raw_from_us=theirs.raw_from_us,
    )


def _change_places(store: Store, property: int, live: VersionedBlob, draft: DraftGeneration) -> None:
    """The raw parts go with the live generation."""
    theirs = decode_manifest(live.data)
    new, old = msgspec.structs.replace(draft.book, raw=theirs.raw), msgspec.structs.replace(theirs, raw=())
    store.commit(
        property,
        {
            draft.generation: ManifestChange(draft.version, encode_manifest(new)),
            live.generation: ManifestChange(live.version, encode_manifest(old)),
        },
        LiveChange(live.generation, draft.generation),
    )


def _missing(store: Store, property: int, book: Manifest, theirs: Manifest, ordinals: Mapping[str, int]) -> Processed:
    """The rows of the live book's raw parts that this book has not: beyond what it covers, and adopted ones."""
    fresh, after = ~covered_by(book.covered, ordinals), pl.col("time") >= theirs.kept_from
    usual = [part for part in theirs.raw if not part.adopted] if book.covered != theirs.covered else []
    adopted = [part for part in theirs.raw if part.adopted and part.adopted not in book.adopted]
    return concat_processed(
        [
            process_parts(store, property, holding(store, usual, fresh), fresh & after, book.bases),
            process_parts(store, property, adopted, after, book.bases),
        ]
    )
