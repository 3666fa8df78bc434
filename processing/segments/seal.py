"""Sealing: turns the tail of a property into segments, in one commit.

Segments are written first, and nothing shows them until the new manifest names them. If another seal commits earlier,
or the process dies, the segments are orphans, which maintenance deletes.
"""

import time
from functools import partial
from typing import Final

import msgspec

from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import RawPart, decode_manifest, merge_ranges
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.tail import Tail, Weight, new_manifest, read_tail, take, terms_of, uncovered, weigh
from processing.segments.writer import commit, encode_raw, segment_name, write_changes
from processing.sessions.layers import Arrivals
from processing.sessions.timeline import advance
from processing.store.port import Store

PORTION: Final = Weight(40_000, 32 * 2**20)


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
    portion, _ = take(uncovered(manifest, blocks), partial(weigh, store, property), PORTION)
    tail = read_tail(store, property, portion, terms_of(manifest), keep_raw=True)
    if not tail.hits and not tail.erased:
        return False
    parts = _write_raw(store, property, tail)
    tail = tail._replace(raw=())  # makes room for the events
    sealed = SealedPeriods(manifest, columns)
    changes = advance(sealed, Arrivals(tail.events, tail.rejected, tail.items))
    manifest = write_changes(property, sealed, changes, tail.dropped)
    manifest = msgspec.structs.replace(
        manifest,
        covered=merge_ranges(manifest.covered, (block.key for block in tail.blocks)),
        accepted=manifest.accepted + tail.hits,
        erased_hits=manifest.erased_hits + tail.erased,
        raw=(*manifest.raw, *parts),
    )
    commit(store, property, stored, manifest, started)
    return True


def _write_raw(store: Store, property: int, tail: Tail) -> list[RawPart]:
    segment = segment_name(property, "raw")
    parts, sections = encode_raw(tail.raw, segment)
    if sections:
        store.put_segment(segment, sections)
    return parts
