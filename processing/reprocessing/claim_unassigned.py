"""Hits that came before their property was known are kept under property 0. They move to it when its history is built.

First the property gets the raw rows, which nothing counts yet; then a generation is built of them; and when that is
live, property 0 lets go of them. Each step can be repeated, and no hit is in no property at any moment.
"""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import msgspec
import polars as pl

from configuration.ruleset.context import UNKNOWN_PROPERTY
from configuration.ruleset.ruleset import PropertySettings
from processing.schema import RAW
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, RawPart, decode_manifest, empty_manifest
from processing.segments.process_raw import without_erased
from processing.segments.raw_parts import read_raw
from processing.segments.remove_rows import remove_rows
from processing.segments.seal import seal
from processing.segments.writer import commit, encode_raw, segment_name
from processing.store.port import Store

CACHE_BYTES: Final = 32 * 2**20


def claim(store: Store, property: int, measurement_id: str, settings: PropertySettings) -> int:
    """Gives the property the raw rows of property 0 that name it. Returns how many hits; none if it has them already.

    `settings` are for a property that has no hits of its own yet.
    """
    seal(store, ColumnCache(store, CACHE_BYTES), UNKNOWN_PROPERTY)
    manifest, theirs = store.manifest(property), store.manifest(UNKNOWN_PROPERTY)
    if theirs is None:
        return 0
    book = decode_manifest(manifest.data) if manifest else empty_manifest(settings)
    unknown = decode_manifest(theirs.data)
    rows = without_erased(_rows_of(store, unknown.raw, measurement_id), unknown.erased)
    rows = rows.filter(~pl.col("position").is_in(claimed_positions(store, book).implode()))
    if rows.is_empty():
        return 0
    segment, name = segment_name(property, "adopted"), uuid4().hex
    parts, sections = encode_raw([(0, rows)], segment)
    store.put_segment(segment, sections)
    new = tuple(msgspec.structs.replace(part, adopted=name) for part in parts)
    commit(store, property, manifest, msgspec.structs.replace(book, raw=(*book.raw, *new)))
    return rows["position"].n_unique()


def release(store: Store, property: int) -> None:
    """Property 0 lets go of what the property has adopted. Raises Conflict where a seal was quicker."""
    manifest, theirs = store.manifest(property), store.manifest(UNKNOWN_PROPERTY)
    if manifest is None or theirs is None:
        return
    positions = claimed_positions(store, decode_manifest(manifest.data))
    if len(positions):
        gone = pl.col("position").is_in(positions.implode())
        book = remove_rows(store, UNKNOWN_PROPERTY, decode_manifest(theirs.data), gone)
        commit(store, UNKNOWN_PROPERTY, theirs, book)


def claimed_positions(store: Store, book: Manifest) -> pl.Series:
    parts = [read_raw(store, part, ["position"])["position"] for part in book.raw if part.adopted]
    return pl.concat([pl.Series("position", [], dtype=pl.UInt64), *parts]).unique()


def _rows_of(store: Store, parts: Sequence[RawPart], measurement_id: str) -> pl.DataFrame:
    named = pl.col("rest").str.extract("(?:^|&)tid=([^&]*)").eq(measurement_id)
    frames = [read_raw(store, part).filter(named.fill_null(value=False)) for part in parts]
    return pl.concat([pl.DataFrame(schema=RAW), *frames])
