"""Rows are taken out of a book's segments as if they had never come: for good, and at once."""

from collections import Counter
from typing import Final

import msgspec
import polars as pl

from processing.pipeline.process import NOTHING_DROPPED
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import COUNTING_COLUMNS, exclude_visitors, with_balanced_counts
from processing.segments.manifest import LayerRef, Manifest, PeriodEntry, RawPart
from processing.segments.raw_parts import process_parts, read_raw
from processing.segments.sealed_periods import SealedPeriods, read_layer
from processing.segments.writer import (
    Sections,
    encode_carry,
    encode_layer,
    raw_prefix,
    section_prefix,
    segment_name,
    write_changes,
)
from processing.sessions.layers import Layer, fold_layers, without_visitors
from processing.sessions.local_periods import local_days
from processing.sessions.timeline import advance
from processing.store.port import Store

SEGMENT_ROWS: Final = 250_000
CONDITION_COLUMNS: Final = ("position", "visitor", "received_us")


def remove_rows(
    store: Store, property: int, book: Manifest, gone: pl.Expr, visitors: pl.Series | None = None
) -> Manifest:
    """The book without the rows for which `gone` holds, an expression on position, visitor, received_us.

    `visitors` are those that may lose rows (None: they are looked for). What is left of theirs is built anew: an open
    session does not say which rows made it. Every segment that knows them is written again, even where only an old
    layer does, so that nothing of them is in a segment that the new book names.
    """
    columns = ColumnCache(store, ONCE_BYTES)
    visitors = visitors_losing_rows(store, book, gone) if visitors is None else visitors
    if visitors.is_empty():
        return book
    dirty = {name for name in book.segment_names() if segment_has_visitors(store, name, visitors)}
    dropped = _dropped(store, property, [part for part in book.raw if part.ref.segment in dirty], book, gone)
    sealed, staying = exclude_visitors(book, columns, visitors, gone)
    writer = _Writer(store, property)
    periods = {
        key: _written(writer, sealed, key, shelf) if _segments(shelf) & dirty else shelf
        for key, shelf in sealed.manifest.periods.items()
    }
    raw = [_raw_part(writer, part, gone) if part.ref.segment in dirty else part for part in book.raw]
    writer.flush()
    bare = msgspec.structs.replace(sealed.manifest, periods=periods, raw=tuple(part for part in raw if part))
    if staying.events.height or staying.rejected.height:
        kept = SealedPeriods(bare, columns)
        bare = write_changes(property, kept, advance(kept, staying), NOTHING_DROPPED)
    return with_balanced_counts(_with_less_dropped(bare, dropped))


def visitors_losing_rows(store: Store, book: Manifest, gone: pl.Expr) -> pl.Series:
    """The visitors that have such rows."""
    sealed = SealedPeriods(book, ColumnCache(store, ONCE_BYTES))
    shown = [
        sealed.visible(key, section, list(CONDITION_COLUMNS)) for key in book.periods for section in COUNTING_COLUMNS
    ]
    raw = [read_raw(store, part, CONDITION_COLUMNS) for part in book.raw]
    found = [frame.filter(gone)["visitor"] for frame in (*shown, *raw)]
    return pl.concat([pl.Series("visitor", [], dtype=pl.UInt64), *found]).unique().sort()


def segment_has_visitors(store: Store, segment: str, visitors: pl.Series) -> bool:
    """Whether any section of the segment has a row of the visitors, sections included that no book speaks of."""
    sections = (store.read(segment, section, ["visitor"])["visitor"] for section in store.sections(segment))
    return any(bool(column.is_in(visitors.implode()).any()) for column in sections)


class _Writer:
    """Collects sections, and writes them as segments of about SEGMENT_ROWS."""

    def __init__(self, store: Store, property: int) -> None:
        self.store, self._property = store, property
        self._start()

    def add(self, sections: Sections) -> None:
        self.sections |= sections
        self._rows += sum(frame.height for frame in sections.values())

    def make_room(self) -> None:
        """To be called before sections of one prefix are added."""
        if self._rows >= SEGMENT_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.sections:
            self.store.put_segment(self.name, self.sections)
        self._start()

    def _start(self) -> None:
        self.name, self.sections, self._rows = segment_name(self._property, "removed"), Sections(), 0


def _segments(shelf: PeriodEntry) -> set[str]:
    return {place.segment for place in (*shelf.layers, shelf.carry)}


def _written(writer: _Writer, sealed: SealedPeriods, key: str, shelf: PeriodEntry) -> PeriodEntry:
    """The period as one layer, without the hidden visitors."""
    writer.make_room()
    hidden = pl.Series("visitor", [], dtype=pl.UInt64) if sealed.hidden is None else sealed.hidden
    layer = fold_layers([read_layer(writer.store, place) for place in shelf.layers])
    rows = [without_visitors(frame, hidden) for frame in layer[1:]]
    ref, sections = encode_layer(writer.name, section_prefix(key), Layer(layer.visitors, *rows))
    carry_ref, carry_sections = encode_carry(ref, sealed.carry(key))
    writer.add(carry_sections | sections)
    return msgspec.structs.replace(shelf, layers=(ref,), carry=carry_ref)


def _raw_part(writer: _Writer, part: RawPart, gone: pl.Expr) -> RawPart | None:
    """The part without such rows; None, if it has no others."""
    rows = read_raw(writer.store, part).filter(~gone)
    if rows.is_empty():
        return None
    writer.make_room()
    prefix = f"{raw_prefix(part.received_month, part.day, part.rules)}{len(writer.sections)}_"
    writer.add({f"{prefix}rows": rows})
    return msgspec.structs.replace(part, ref=LayerRef(writer.name, prefix, rows.height))


def _dropped(store: Store, property: int, parts: list[RawPart], book: Manifest, gone: pl.Expr) -> pl.Series:
    """The times of the events of those hits that the steps dropped; as far as their raw rows are still there."""
    if not book.dropped_events():
        return NOTHING_DROPPED
    return process_parts(store, property, parts, gone, book.applied_rules).dropped


def _with_less_dropped(book: Manifest, times: pl.Series) -> Manifest:
    """They may be in their period's sum, or in that of the book."""
    periods, stray = dict(book.periods), 0
    for day, number in Counter(local_days(times, book.zone).to_list()).items():
        shelf = periods.get(key := book.key_of(day))
        taken = min(shelf.dropped, number) if shelf else 0
        stray += number - taken
        if shelf:
            periods[key] = msgspec.structs.replace(shelf, dropped=shelf.dropped - taken)
    return msgspec.structs.replace(book, periods=periods, dropped=max(book.dropped - stray, 0))
