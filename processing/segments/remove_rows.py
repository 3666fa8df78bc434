"""Removes rows from the segments of a manifest for good, as if they had never arrived."""

from collections import Counter
from typing import Final

import msgspec
import polars as pl

from processing.pipeline.process import NOTHING_DROPPED
from processing.schema import RAW
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import COUNTING_COLUMNS, exclude_visitors, with_balanced_counts
from processing.segments.folding import Sections, fold
from processing.segments.manifest import LayerRef, Manifest, PeriodEntry, RawPart
from processing.segments.merged_rows import MergedRows, stored
from processing.segments.raw_parts import process_parts, read_raw
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import (
    RAW_ORDER,
    encode_carry,
    raw_prefix,
    section_prefix,
    segment_name,
    write_changes,
)
from processing.sessions.local_periods import local_days
from processing.sessions.timeline import advance
from processing.store.port import Store

SEGMENT_ROWS: Final = 250_000
CONDITION_COLUMNS: Final = ("position", "visitor", "received_us")


def remove_rows(
    store: Store, property: int, manifest: Manifest, gone: pl.Expr, visitors: pl.Series | None = None
) -> Manifest:
    """Returns the manifest without the rows for which `gone` holds, a condition on position, visitor, received_us.

    `visitors` are those that may lose rows (None: finds them). Their other rows are sessionized again, because an open
    session does not say which rows made it. Every segment with a row of theirs is written again, even if only an old
    layer has one, so that no segment of the new manifest has any.
    """
    columns = ColumnCache(store, ONCE_BYTES, codes=False)
    visitors = visitors_losing_rows(store, manifest, gone) if visitors is None else visitors
    if visitors.is_empty():
        return manifest
    dirty = {name for name in manifest.segment_names() if segment_has_visitors(store, name, visitors)}
    dropped = _dropped_times(
        store, property, [part for part in manifest.raw if part.ref.segment in dirty], manifest, gone
    )
    sealed, remaining = exclude_visitors(manifest, columns, visitors, gone)
    writer = _Writer(store, property)
    periods = {
        key: _write_period(writer, sealed, key, entry) if _segments(entry) & dirty else entry
        for key, entry in sealed.manifest.periods.items()
    }
    raw = [_write_raw_part(writer, part, gone) if part.ref.segment in dirty else part for part in manifest.raw]
    writer.flush()
    bare = msgspec.structs.replace(sealed.manifest, periods=periods, raw=tuple(part for part in raw if part))
    if remaining.events.height or remaining.rejected.height:
        kept = SealedPeriods(bare, columns)
        bare = write_changes(property, kept, advance(kept, remaining), NOTHING_DROPPED)
    return with_balanced_counts(_subtract_dropped(bare, dropped))


def visitors_losing_rows(store: Store, manifest: Manifest, gone: pl.Expr) -> pl.Series:
    """Returns the visitors that have rows for which `gone` holds."""
    sealed = SealedPeriods(manifest, ColumnCache(store, ONCE_BYTES, codes=False))
    sections = [(key, section) for key in manifest.periods for section in COUNTING_COLUMNS]
    shown = [sealed.visible(key, section, CONDITION_COLUMNS) for key, section in sections]
    raw = [read_raw(store, part, CONDITION_COLUMNS) for part in manifest.raw]
    losing = [frame.filter(gone)["visitor"] for frame in (*shown, *raw)]
    return pl.concat([pl.Series("visitor", [], dtype=pl.UInt64), *losing]).unique().sort()


def segment_has_visitors(store: Store, segment: str, visitors: pl.Series) -> bool:
    """Returns whether any section of the segment has a row of the visitors, even one that no manifest refers to."""
    sections = (store.read(segment, section, ["visitor"])["visitor"] for section in store.sections(segment))
    return any(bool(column.is_in(visitors.implode()).any()) for column in sections)


class _Writer:
    """Collects sections and writes them as segments of about SEGMENT_ROWS rows."""

    def __init__(self, store: Store, property: int) -> None:
        self.store, self._property = store, property
        self._start()

    def add(self, sections: Sections, rows: int) -> None:
        self.sections |= sections
        self._rows += rows

    def make_room(self) -> None:
        """Call it before sections of one prefix are added, so that they stay in one segment."""
        if self._rows >= SEGMENT_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.sections:
            self.store.put_segment(self.name, self.sections)
        self._start()

    def _start(self) -> None:
        self.name, self.sections, self._rows = segment_name(self._property, "removed"), Sections(), 0


def _segments(entry: PeriodEntry) -> set[str]:
    return {ref.segment for ref in (*entry.layers, entry.carry)}


def _write_period(writer: _Writer, sealed: SealedPeriods, key: str, entry: PeriodEntry) -> PeriodEntry:
    """Writes the period as one layer, without the hidden visitors."""
    writer.make_room()
    ref, sections = fold(writer.store, [entry.layers], writer.name, section_prefix(key), hidden=sealed.hidden)
    carry_ref, carry_sections = encode_carry(ref, sealed.carry(key))
    writer.add(carry_sections | sections, ref.rows)
    return msgspec.structs.replace(entry, layers=(ref,), carry=carry_ref)


def _write_raw_part(writer: _Writer, part: RawPart, gone: pl.Expr) -> RawPart | None:
    """Writes the part without the rows that are gone; None if none is left."""
    source = stored(writer.store, part.ref.segment, f"{part.ref.prefix}rows", ~gone)
    rows = MergedRows([source], RAW, RAW_ORDER)
    if not rows.height:
        return None
    writer.make_room()
    prefix = f"{raw_prefix(part.received_month, part.day, part.rules)}{len(writer.sections)}_"
    writer.add({f"{prefix}rows": rows}, rows.height)
    return msgspec.structs.replace(part, ref=LayerRef(writer.name, prefix, rows.height))


def _dropped_times(store: Store, property: int, parts: list[RawPart], manifest: Manifest, gone: pl.Expr) -> pl.Series:
    """Returns the times of the dropped events of removed hits, as far as their raw rows are still kept."""
    if not manifest.dropped_events():
        return NOTHING_DROPPED
    return process_parts(store, property, parts, gone, manifest.applied_rules).dropped


def _subtract_dropped(manifest: Manifest, times: pl.Series) -> Manifest:
    """Subtracts dropped events from the sums of their periods, and what is not in these from the manifest's own sum."""
    periods, elsewhere = dict(manifest.periods), 0
    for day, number in Counter(local_days(times, manifest.zone).to_list()).items():
        entry = periods.get(key := manifest.key_of(day))
        taken = min(entry.dropped, number) if entry else 0
        elsewhere += number - taken
        if entry:
            periods[key] = msgspec.structs.replace(entry, dropped=entry.dropped - taken)
    return msgspec.structs.replace(manifest, periods=periods, dropped=max(manifest.dropped - elsewhere, 0))
