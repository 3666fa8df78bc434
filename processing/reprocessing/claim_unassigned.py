"""Moves hits that came before their property was registered from property 0 to the property.

It happens when the property's history is rebuilt, in three steps. The property gets the raw rows, which nothing counts
yet; a generation is built from them; when that is live, property 0 releases them. Each step can be repeated, and every
hit belongs to a property at every moment.
"""

from typing import Final
from uuid import uuid4

import msgspec
import polars as pl

from configuration.ruleset.context import UNKNOWN_PROPERTY
from configuration.ruleset.ruleset import PropertySettings
from processing.schema import RAW
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, decode_manifest, empty_manifest
from processing.segments.process_raw import without_erased
from processing.segments.raw_parts import read_raw
from processing.segments.remove_rows import remove_rows
from processing.segments.seal import seal
from processing.segments.writer import commit, encode_raw, segment_name
from processing.store.port import Store

CACHE_BYTES: Final = 32 * 2**20


def claim(store: Store, property: int, measurement_id: str, settings: PropertySettings) -> int:
    """Copies the raw rows of property 0 that name the measurement id to the property, except those it has already.

    Returns the number of hits. `settings` are for a property that has no hits of its own yet.
    """
    seal(store, ColumnCache(store, CACHE_BYTES, codes=False), UNKNOWN_PROPERTY)
    stored, stored_unknown = store.manifest(property), store.manifest(UNKNOWN_PROPERTY)
    if stored_unknown is None:
        return 0
    manifest = decode_manifest(stored.data) if stored else empty_manifest(settings)
    unknown = decode_manifest(stored_unknown.data)
    names_it = pl.col("rest").str.extract("(?:^|&)tid=([^&]*)").eq(measurement_id).fill_null(value=False)
    rows = pl.concat([pl.DataFrame(schema=RAW), *(read_raw(store, part).filter(names_it) for part in unknown.raw)])
    rows = without_erased(rows, unknown.tombstones)
    rows = rows.filter(~pl.col("position").is_in(claimed_positions(store, manifest).implode()))
    if rows.is_empty():
        return 0
    segment, claim_id = segment_name(property, "adopted"), uuid4().hex
    parts, sections = encode_raw([(0, rows)], segment)
    store.put_segment(segment, sections)
    claimed = tuple(msgspec.structs.replace(part, claim=claim_id) for part in parts)
    commit(store, property, stored, msgspec.structs.replace(manifest, raw=(*manifest.raw, *claimed)))
    return rows["position"].n_unique()


def release(store: Store, property: int) -> None:
    """Removes from property 0 the rows that the property has claimed. Raises Conflict if a seal committed first."""
    stored, stored_unknown = store.manifest(property), store.manifest(UNKNOWN_PROPERTY)
    if stored is None or stored_unknown is None:
        return
    positions = claimed_positions(store, decode_manifest(stored.data))
    if len(positions):
        claimed = pl.col("position").is_in(positions.implode())
        unknown = remove_rows(store, UNKNOWN_PROPERTY, decode_manifest(stored_unknown.data), claimed)
        commit(store, UNKNOWN_PROPERTY, stored_unknown, unknown)


def claimed_positions(store: Store, manifest: Manifest) -> pl.Series:
    """Returns the positions of the hits that the property has claimed, each once."""
    parts = [read_raw(store, part, ["position"])["position"] for part in manifest.raw if part.claim]
    return pl.concat([pl.Series("position", [], dtype=pl.UInt64), *parts]).unique()
