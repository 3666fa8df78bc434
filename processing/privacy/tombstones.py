"""Erases visitors and properties from a store, in three steps.

A tombstone hides a visitor at once, since reports read through `segments.exclusion`; the removal takes its rows out of
all segments of the property; raw blocks are cleaned last. Of a deleted property a manifest stays that only counts its
erased hits.

Every function can be repeated; a crash between two of them leaves nothing visible that was erased.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec

from configuration.ruleset.ruleset import PropertySettings
from processing.reprocessing.generations import remove_generation
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import hidden_visitors
from processing.segments.manifest import Manifest, Tombstone, decode_manifest, empty_manifest
from processing.segments.process_raw import is_erased
from processing.segments.remove_rows import remove_rows
from processing.segments.seal import seal
from processing.segments.tail import new_manifest
from processing.segments.writer import commit
from processing.store.port import BlockInfo, Conflict, Store
from processing.store.raw_block import merge, without_rows

ATTEMPTS: Final = 20
CONDITION_COLUMNS: Final = ("position", "visitor", "received_us")


def erase(store: Store, property: int, visitors: Collection[int], until_us: int, settings: PropertySettings) -> None:
    """Hides what the visitors sent up to `until_us`, at once and from every reader. Hits of it that still arrive are
    dropped.

    `settings` are for a property that has no hits yet. Raises Conflict if seals committed first too often.
    """

    def with_tombstones(manifest: Manifest) -> Manifest:
        if manifest.deleted:
            return manifest
        tombstones = {tombstone.visitor: tombstone for tombstone in manifest.tombstones}
        for visitor in visitors:
            if visitor not in tombstones or tombstones[visitor].until_us < until_us:
                tombstones[visitor] = Tombstone(visitor, until_us)
        return msgspec.structs.replace(
            manifest, tombstones=tuple(tombstones[visitor] for visitor in sorted(tombstones))
        )

    _change(store, property, with_tombstones, settings)


def delete(store: Store, property: int) -> None:
    """Removes the property's hits and reports. The manifest that stays knows the number of erased hits, and drops hits
    that still arrive. Raises Conflict.
    """

    def emptied(manifest: Manifest) -> Manifest:
        if manifest.deleted:
            return manifest
        return Manifest(
            manifest.zone,
            manifest.timeout_ms,
            covered=manifest.covered,
            erased_hits=manifest.accepted + manifest.erased_hits,
            deleted=True,
        )

    _change(store, property, emptied, PropertySettings())
    _remove_other_generations(store, property)
    seal(store, ColumnCache(store, ONCE_BYTES, codes=False), property)


def remove_erased(store: Store, property: int) -> int:
    """Removes the hidden rows from all segments of the property. Returns the number of hits.

    Nothing else may seal or compact the property meanwhile. Raises Conflict if something did.
    """
    _remove_other_generations(store, property)
    seal(store, ColumnCache(store, ONCE_BYTES, codes=False), property)
    stored = store.manifest(property)
    before = decode_manifest(stored.data) if stored else None
    if before is None or not (hidden := before.pending_tombstones()):
        return 0
    after = remove_rows(store, property, before, is_erased(hidden), hidden_visitors(hidden))
    removed_hits = before.accepted - after.accepted
    after = msgspec.structs.replace(
        after,
        tombstones=tuple(msgspec.structs.replace(tombstone, removed=True) for tombstone in before.tombstones),
        erased_hits=before.erased_hits + removed_hits,
    )
    commit(store, property, stored, after)
    return removed_hits


def expire_tombstones(store: Store, property: int, before_us: int) -> None:
    """Drops the tombstones of removed rows that were received before then, since nothing can bring them back."""

    def without_expired(manifest: Manifest) -> Manifest:
        kept = (
            tombstone for tombstone in manifest.tombstones if not tombstone.removed or tombstone.until_us >= before_us
        )
        return msgspec.structs.replace(manifest, tombstones=tuple(kept))

    _change(store, property, without_expired)


def clean_blocks(store: Store, property: int) -> bool:
    """Rewrites the raw blocks that hold erased rows, without them.

    Returns False if some of these blocks are not covered by the property's segments yet: seal the property, and call
    this again. Nothing else may replace blocks meanwhile. Raises CorruptBlob, Missing.
    """
    stored = store.manifest(property)
    manifest = decode_manifest(stored.data) if stored else None
    if manifest is None or not (manifest.tombstones or manifest.deleted):
        return True
    blocks = [block for block in store.blocks() if property in store.directory(block.key)]
    dirty = [block for block in blocks if manifest.deleted or _has_erased(store, block, property, manifest.tombstones)]
    for block in dirty:
        if manifest.covers(block.key):
            blob = store.blob(block.key)
            if manifest.deleted:
                clean = merge([blob], without=[property])
            else:
                clean = without_rows(blob, property, is_erased(manifest.tombstones))
            store.replace_blocks([block.key], block.key, block.context_id, clean)
    return all(manifest.covers(block.key) for block in dirty)


def segments_of(property: int, names: Iterable[str]) -> list[str]:
    """Returns the segments that were written for the property."""
    return [name for name in names if name.startswith(f"{property}-")]


def _change(
    store: Store, property: int, change: Callable[[Manifest], Manifest], settings: PropertySettings | None = None
) -> None:
    """Changes the live manifest, and tries again if a seal commits first. Without `settings` it must exist already."""
    for _ in range(ATTEMPTS):
        stored, blocks = store.pin(property)
        if stored:
            manifest = decode_manifest(stored.data)
        elif settings is None:
            return
        elif any(property in store.directory(block.key) for block in blocks):
            manifest = new_manifest(store, property, blocks)
        else:
            manifest = empty_manifest(settings)
        changed = change(manifest)
        if changed == manifest:
            return
        try:
            commit(store, property, stored, changed)
        except Conflict:
            continue
        return
    raise Conflict(f"property {property} is being sealed faster than its manifest can be changed")


def _remove_other_generations(store: Store, property: int) -> None:
    """No generation that still has the erased rows may become live again."""
    for generation in set(store.generations(property)) - {store.live(property)}:
        remove_generation(store, property, generation)


def _has_erased(store: Store, block: BlockInfo, property: int, tombstones: tuple[Tombstone, ...]) -> bool:
    rows = store.rows([block.key], property).select(*CONDITION_COLUMNS)
    return not rows.filter(is_erased(tombstones)).is_empty()
