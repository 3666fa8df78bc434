"""Sealing: turns the tail of a property into segments, in one commit.

Segments are written first, and nothing shows them until the new manifest names them. If another seal commits earlier,
or the process dies, the segments are orphans, which maintenance deletes.
"""

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, decode_manifest, merge_ranges
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.tail import Tail, new_manifest, read_tail, terms_of, uncovered
from processing.segments.writer import commit, encode_raw, segment_name, write_changes
from processing.sessions.layers import Arrivals
from processing.sessions.timeline import PeriodChange, advance
from processing.store.port import BlockInfo, Store

PORTION_ROWS: Final = 50_000


def seal(store: Store, columns: ColumnCache, property: int) -> bool:
    """Seals the whole tail of a property; returns False if it has none.

    Works in portions, so that a long tail needs no more memory than a short one. Raises Conflict if another seal
    committed earlier; nothing is lost then.
    """
    portions = 0
    while _seal_portion(store, columns, property):
        portions += 1
    return portions > 0


def _seal_portion(store: Store, columns: ColumnCache, property: int) -> bool:
    started = time.monotonic()
    stored, blocks = store.pin(property)
    manifest = decode_manifest(stored.data) if stored else new_manifest(store, property, blocks)
    portion = _portion(store, property, uncovered(manifest, blocks))
    tail = read_tail(store, property, portion, terms_of(manifest), keep_raw=True)
    if not tail.hits and not tail.erased:
        return False
    sealed = SealedPeriods(manifest, columns)
    changes = advance(sealed, Arrivals(tail.events, tail.rejected))
    commit(store, property, stored, _write(property, sealed, tail, changes), started)
    return True


def _portion(store: Store, property: int, blocks: Sequence[BlockInfo]) -> list[BlockInfo]:
    """Takes blocks from the front until they hold PORTION_ROWS rows of the property."""
    portion, rows = [], 0
    for block in blocks:
        portion.append(block)
        chunk = store.directory(block.key).chunk(property)
        rows += chunk.rows if chunk else 0
        if rows >= PORTION_ROWS:
            break
    return portion


def _write(property: int, sealed: SealedPeriods, tail: Tail, changes: Sequence[PeriodChange]) -> Manifest:
    """Writes the segments, and returns the manifest that names them."""
    segment = segment_name(property, "raw")
    parts, sections = encode_raw(tail.raw, segment)
    if sections:
        sealed.columns.store.put_segment(segment, sections)
    manifest = write_changes(property, sealed, changes, tail.dropped)
    return msgspec.structs.replace(
        manifest,
        covered=merge_ranges(manifest.covered, (block.key for block in tail.blocks)),
        accepted=manifest.accepted + tail.hits,
        erased_hits=manifest.erased_hits + tail.erased,
        raw=(*manifest.raw, *parts),
    )
