"""Sealing: a property's tail becomes segments, in one commit.

Segments are written first and are invisible until the new book names them; where another seal was quicker, or the
process died, they are orphans that the upkeep sweeps.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast
from uuid import uuid4

import msgspec
import polars as pl

from processing.schema import DAY_MS, INSTEAD, Schema, conform
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import (
    NO_CARRY,
    LayerRef,
    Manifest,
    PeriodEntry,
    RawPart,
    add_counts,
    decode_manifest,
    encode_manifest,
    merge_ranges,
)
from processing.segments.sealed_periods import SECTIONS, SealedPeriods, categorical_text
from processing.segments.tail import Tail, new_manifest, read_tail, terms_of, uncovered
from processing.sessions.condensed import VERSION, WORTH_ROWS, condensed_rows
from processing.sessions.layers import Arrivals, Layer, count_hits, fold_layers, refusals
from processing.sessions.local_periods import local_days
from processing.sessions.sessionize import Carry
from processing.sessions.timeline import PeriodChange, advance
from processing.store import port
from processing.store.port import BlockInfo, Conflict, Store, VersionedBlob

FIRST_GENERATION: Final = 1
PORTION_ROWS: Final = 50_000
LONGEST_S: Final = 600.0  # what took longer is not committed: segments that nobody names are swept some time
WHOLE_ROWS: Final = 1_000_000  # are written at once at most: memory goes by it, and a day is not read out of a month
CODED: Final = {"events", "stretches"}  # text as Categorical, which reports read several times as fast
Sections = dict[str, pl.DataFrame]


def seal(store: Store, columns: ColumnCache, property: int) -> bool:
    """Writes the property's tail down, a portion at a time, so that a long one needs no more memory than a short one.

    False where there is none. Raises Conflict where another seal was quicker; nothing is lost then.
    """
    portions = 0
    while _seal_portion(store, columns, property):
        portions += 1
    return portions > 0


def _seal_portion(store: Store, columns: ColumnCache, property: int) -> bool:
    began = time.monotonic()
    manifest, blocks = store.pin(property)
    book = decode_manifest(manifest.data) if manifest else new_manifest(store, property, blocks)
    tail = read_tail(store, property, _portion(store, property, uncovered(book, blocks)), terms_of(book), keep_raw=True)
    if not tail.hits and not tail.erased:
        return False
    sealed = SealedPeriods(book, columns)
    changes = advance(sealed, Arrivals(tail.events, tail.rejected))
    commit(store, property, manifest, _written(store, property, sealed, tail, changes), began)
    return True


def _portion(store: Store, property: int, blocks: Sequence[BlockInfo]) -> list[BlockInfo]:
    """The first blocks, up to the one with which they hold PORTION_ROWS of the property."""
    chosen, rows = [], 0
    for block in blocks:
        chosen.append(block)
        chunk = store.directory(block.key).chunk(property)
        rows += chunk.rows if chunk else 0
        if rows >= PORTION_ROWS:
            break
    return chosen


def commit(
    store: Store, property: int, manifest: VersionedBlob | None, book: Manifest, began: float | None = None
) -> None:
    """Makes the book the manifest of its generation. Raises Conflict where it moved since it was read, or where the
    work on it `began` (monotonic, s) too long ago.
    """
    if began is not None and time.monotonic() - began > LONGEST_S:
        raise Conflict(f"property {property} took longer than {LONGEST_S:.0f} s")
    generation = manifest.generation if manifest else FIRST_GENERATION
    expected = manifest.version if manifest else 0
    first = None if manifest else port.LiveChange(None, generation)
    store.commit(property, {generation: port.ManifestChange(expected, encode_manifest(book))}, first)


def read_layer(store: Store, place: LayerRef) -> Layer:
    """A layer as it was written."""
    prefix = place.prefix
    frames = {
        name: pl.DataFrame(schema=schema)
        if name in place.without
        else as_stored(store.read(place.segment, f"{prefix}{name}"), schema)
        for name, schema in SECTIONS.items()
    }
    if "visitors" in place.without:
        visitors = pl.concat([frames[name]["visitor"] for name in SECTIONS]).unique().sort()
    else:
        visitors = store.read(place.segment, f"{prefix}visitors")["visitor"]
    return Layer(visitors, **frames)


def as_stored(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Rows of a segment, also of one that was written before a column was added."""
    added = {new: old for new, old in INSTEAD.items() if new in schema and new not in frame.columns}
    return conform(frame.with_columns(pl.col(old).alias(new) for new, old in added.items()), schema)


def encode_layer(segment: str, prefix: str, layer: Layer, sections: Sections, *, lowest: bool) -> LayerRef:
    """Adds the layer's sections, without the empty ones and those that nobody reads: the lowest layer masks nothing.
    The stretches of many events are written beside them, since most reports need no more.
    """
    written = {name: getattr(layer, name) for name in SECTIONS}
    if not lowest:
        written["visitors"] = layer.visitors.to_frame("visitor")
    without = [name for name in (*SECTIONS, "visitors") if name not in written or written[name].is_empty()]
    if worth := layer.events.height >= WORTH_ROWS:
        written["stretches"] = condensed_rows(layer.events)
    for name in CODED & written.keys():
        written[name] = written[name].with_columns(categorical_text())
    sections |= {f"{prefix}{name}": frame for name, frame in written.items() if not frame.is_empty()}
    return LayerRef(segment, prefix, height(layer), tuple(without), VERSION if worth else 0)


def height(layer: Layer) -> int:
    """What it costs to write the layer again, in rows."""
    return layer.events.height + layer.duplicates.height + layer.rejected.height


def section_prefix(*parts: str) -> str:
    """A prefix that the store takes as the beginning of a section's name."""
    return f"of_{'_'.join(parts).replace('-', '_')}_"


def segment_name(property: int, kind: str) -> str:
    return f"{property}-{kind}-{uuid4().hex}"


def _written(
    store: Store, property: int, sealed: SealedPeriods, tail: Tail, changes: Sequence[PeriodChange]
) -> Manifest:
    """Writes the segments and returns the book that names them."""
    raw = segment_name(property, "raw")
    parts, raw_sections = raw_parts(tail.raw, raw)
    if raw_sections:
        store.put_segment(raw, raw_sections)
    book = write_changes(property, sealed, changes, tail.dropped)
    return msgspec.structs.replace(
        book,
        covered=merge_ranges(book.covered, (block.key for block in tail.blocks)),
        accepted=book.accepted + tail.hits,
        erased_hits=book.erased_hits + tail.erased,
        raw=(*book.raw, *parts),
    )


def write_changes(
    property: int, sealed: SealedPeriods, changes: Sequence[PeriodChange], dropped: pl.Series
) -> Manifest:
    """Writes a segment with the changes and returns the book with their periods; `dropped` are times of events."""
    segment = segment_name(property, "built")
    shelves, sections = _shelve(sealed, changes, segment)
    if sections:
        sealed.columns.store.put_segment(segment, sections)
    shelves, stray = _with_dropped(sealed, shelves, dropped)
    book = sealed.book
    return msgspec.structs.replace(book, dropped=book.dropped + stray, periods={**book.periods, **shelves})


def _shelve(
    sealed: SealedPeriods, changes: Iterable[PeriodChange], segment: str
) -> tuple[dict[str, PeriodEntry], Sections]:
    shelves: dict[str, PeriodEntry] = {}
    sections: Sections = {}
    for change in changes:
        key = change.period.key
        old = sealed.book.periods.get(key, PeriodEntry((), NO_CARRY, 0, {}, 0))
        below, layer = _absorb(sealed.columns.store, old.layers, change.layer)
        prefix = section_prefix(key)
        sections |= carry_sections(prefix, change.carry)
        place = encode_layer(segment, prefix, layer, sections, lowest=not below)
        shelves[key] = PeriodEntry(
            (*below, place),
            place if has_carry(change.carry) else NO_CARRY,
            old.counted + count_hits(change.layer.events) - count_hits(change.was.events),
            add_counts(old.rejected, refusals(change.layer), less=refusals(change.was)),
            old.events + change.layer.events.height - change.was.events.height,
            old.dropped,
        )
    return shelves, sections


def _absorb(store: Store, layers: tuple[LayerRef, ...], layer: Layer) -> tuple[tuple[LayerRef, ...], Layer]:
    """Takes the upper layers into the new one while they are not much larger: each row is written again only log(n)
    times; and while all of it can be held in memory.
    """
    kept, size = len(layers), height(layer)
    while kept and layers[kept - 1].rows <= min(2 * size, WHOLE_ROWS - size):
        kept -= 1
        size += layers[kept].rows
    taken = [read_layer(store, place) for place in layers[kept:]]
    return layers[:kept], fold_layers([*taken, layer])


def has_carry(carry: Carry) -> bool:
    return not (carry.sessions.is_empty() and carry.ids.is_empty())


def carry_sections(prefix: str, carry: Carry) -> Sections:
    return {f"{prefix}carry_sessions": carry.sessions, f"{prefix}carry_ids": carry.ids} if has_carry(carry) else {}


def raw_parts(raw: Iterable[tuple[int, pl.DataFrame]], segment: str) -> tuple[list[RawPart], Sections]:
    """Raw rows by month of receipt, UTC day of the event and rules, sorted by visitor: alike rows lie together and
    expire together.
    """
    by_rules: dict[int, list[pl.DataFrame]] = defaultdict(list)
    for rules, rows in raw:
        by_rules[rules].append(rows)
    parts, sections = list[RawPart](), Sections()
    for rules, frames in sorted(by_rules.items()):
        for part, rows in _raw_parts(pl.concat(frames), rules, segment):
            parts.append(part)
            sections[f"{part.place.prefix}rows"] = rows
    return parts, sections


def _raw_parts(raw: pl.DataFrame, rules: int, segment: str) -> Iterator[tuple[RawPart, pl.DataFrame]]:
    month = pl.from_epoch(pl.col("received_us"), time_unit="us").dt.strftime("%Y-%m")
    named = raw.with_columns(month_=month, day_=(pl.col("time") // DAY_MS).cast(pl.Int32))
    for (key, day), rows in named.partition_by("month_", "day_", as_dict=True, include_key=False).items():
        prefix = raw_prefix(str(key), int(str(day)), rules)
        part = RawPart(LayerRef(segment, prefix, rows.height), str(key), int(str(day)), _latest(rows), rules)
        yield part, rows.sort("visitor", "time", "position", "index")


def raw_prefix(month: str, day: int, rules: int, adopted: str = "") -> str:
    return section_prefix(month, str(day), str(rules), *filter(None, [adopted[:8]]))  # names are of 40 signs at most


def _with_dropped(
    sealed: SealedPeriods, shelves: dict[str, PeriodEntry], times: pl.Series
) -> tuple[dict[str, PeriodEntry], int]:
    """Adds the dropped events of each period to its shelf; how many are of none."""
    days = Counter(local_days(times, sealed.zone).to_list())
    counts = Counter[str]()
    for day, number in days.items():
        counts[sealed.key_of(day)] += number
    added = {key: msgspec.structs.replace(shelf, dropped=shelf.dropped + counts[key]) for key, shelf in shelves.items()}
    return added, sum(number for key, number in counts.items() if key not in shelves)


def _latest(rows: pl.DataFrame) -> int:
    return cast(int, rows["received_us"].max())
