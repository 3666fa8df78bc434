"""Generations of a property: one is live, and others are drafts or replaced.

A draft catches up until it has every hit that the live generation has, and then becomes live in one commit. The
replaced generation stays, so that the property can be rolled back to it.
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
from processing.segments.raw_parts import parts_with, process_parts
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import write_changes
from processing.sessions.layers import Arrivals
from processing.sessions.local_periods import period
from processing.sessions.timeline import advance
from processing.store.port import Conflict, LiveChange, ManifestChange, Store, VersionedBlob

ATTEMPTS: Final = 20


class NothingToRebuild(Exception):
    """The property has no raw hits in these days; the message says so."""


class CannotRebuild(Exception):
    """The rebuild is not possible as requested; the message says why and what to do."""


class DraftGeneration(NamedTuple):
    """A generation that is not live, as it was read: `version` is that of its stored manifest."""

    generation: int
    version: int
    manifest: Manifest


def open_draft(store: Store, property: int, generation: int) -> DraftGeneration:
    """Raises CannotRebuild if the generation was removed."""
    stored = store.manifest(property, generation)
    if stored is None:
        raise CannotRebuild("The new generation was removed meanwhile. Start again.")
    return DraftGeneration(generation, stored.version, decode_manifest(stored.data))


def write_draft(store: Store, property: int, draft: DraftGeneration, manifest: Manifest) -> DraftGeneration:
    """Replaces the draft's manifest, and returns the draft as it is now. Raises Conflict."""
    store.commit(property, {draft.generation: ManifestChange(draft.version, encode_manifest(manifest))})
    return DraftGeneration(draft.generation, draft.version + 1, manifest)


def catch_up(
    store: Store, property: int, draft: DraftGeneration, ordinals: Mapping[str, int], live: VersionedBlob | None = None
) -> DraftGeneration:
    """Adds to the draft what only the live generation has: hits that arrived since, and rows that were claimed.

    `ordinals` are the numbers of logs in positions. `live` saves reading the live manifest.
    """
    live_now = decode_manifest((live or live_manifest(store, property)).data)
    missing = _missing_hits(store, property, draft.manifest, live_now, ordinals)
    manifest = draft.manifest
    if missing.events.height or missing.rejected.height:
        sealed = SealedPeriods(manifest, ColumnCache(store, ONCE_BYTES, codes=False))
        changes = advance(sealed, Arrivals(missing.events, missing.rejected, missing.items))
        manifest = write_changes(property, sealed, changes, missing.dropped)
    # From here on the draft has the same hits, and no period that the live generation has let expire.
    manifest = msgspec.structs.replace(
        manifest,
        covered=live_now.covered,
        claims=tuple(sorted({*manifest.claims, *(part.claim for part in live_now.raw if part.claim)})),
        tombstones=live_now.tombstones,
        erased_hits=live_now.erased_hits,
        periods={
            key: entry for key, entry in manifest.periods.items() if period(key, manifest.zone).end > live_now.kept_from
        },
        expired_counted=live_now.expired_counted,
        expired_rejected=live_now.expired_rejected,
        kept_from=live_now.kept_from,
        raw_from_us=live_now.raw_from_us,
    )
    manifest = with_balanced_counts(manifest)
    return draft if manifest == draft.manifest else write_draft(store, property, draft, manifest)


def swap(store: Store, property: int, generation: int, ordinals: Mapping[str, int]) -> int:
    """Lets a draft catch up and makes it live, in one commit. Returns the generation that was live before.

    Raises CannotRebuild.
    """
    for _ in range(ATTEMPTS):
        live = live_manifest(store, property)
        if live.generation == generation:
            raise CannotRebuild("This generation is live already.")
        draft = catch_up(store, property, open_draft(store, property, generation), ordinals, live)
        try:
            _exchange(store, property, live, draft)
        except Conflict:
            continue  # a seal committed first: catch up with what it brought
        return live.generation
    raise CannotRebuild("Hits were sealed faster than they could be taken over. Try again when fewer arrive.")


def remove_generation(store: Store, property: int, generation: int) -> None:
    """Removes a generation that is not live; its segments become orphans. Raises Conflict if it is live."""
    stored = store.manifest(property, generation)
    if stored:
        store.commit(property, {generation: ManifestChange(stored.version, None)})


def covered_by(ranges: Sequence[OffsetRange], ordinals: Mapping[str, int]) -> pl.Expr:
    """Returns an expression that holds for rows whose position lies in one of the ranges."""
    conditions = []
    for covered in ranges:
        first, last = (
            encode_position(ordinals[covered.log], covered.partition, offset)
            for offset in (covered.first, covered.last)
        )
        conditions.append(pl.col("position").is_between(first, last))
    return pl.any_horizontal(conditions) if conditions else pl.lit(value=False)


def live_manifest(store: Store, property: int) -> VersionedBlob:
    """Raises NothingToRebuild if there is none."""
    stored = store.manifest(property)
    if stored is None:
        raise NothingToRebuild("The property has no hits yet.")
    return stored


def _exchange(store: Store, property: int, live: VersionedBlob, draft: DraftGeneration) -> None:
    """Makes the draft live. The raw parts move to it: only the live generation names them."""
    replaced = decode_manifest(live.data)
    new_live = msgspec.structs.replace(draft.manifest, raw=replaced.raw)
    store.commit(
        property,
        {
            draft.generation: ManifestChange(draft.version, encode_manifest(new_live)),
            live.generation: ManifestChange(live.version, encode_manifest(msgspec.structs.replace(replaced, raw=()))),
        },
        LiveChange(live.generation, draft.generation),
    )


def _missing_hits(
    store: Store, property: int, draft: Manifest, live: Manifest, ordinals: Mapping[str, int]
) -> Processed:
    """Processes the live generation's raw rows that the draft lacks: those of offsets that it does not cover, and those
    of claims that it does not know.
    """
    uncovered, kept = ~covered_by(draft.covered, ordinals), pl.col("time") >= live.kept_from
    received = [part for part in live.raw if not part.claim] if draft.covered != live.covered else []
    claimed = [part for part in live.raw if part.claim and part.claim not in draft.claims]
    return concat_processed(
        [
            process_parts(
                store, property, parts_with(store, received, uncovered), uncovered & kept, draft.applied_rules
            ),
            process_parts(store, property, claimed, kept, draft.applied_rules),
        ]
    )
