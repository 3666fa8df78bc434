"""Writes segments: layers, carries and raw rows become named sections, and the manifest names them in one commit.

An encoded layer or raw part is a reference for the manifest and the sections to put into the segment. Nothing is
stored until the caller puts the segment, and nothing is shown until it commits the manifest.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, cast
from uuid import uuid4

import msgspec
import polars as pl

from processing.schema import DAY_MS
from processing.segments.folding import Sections, Stack, fold
from processing.segments.manifest import (
    NO_CARRY,
    LayerRef,
    Manifest,
    PeriodEntry,
    RawPart,
    add_counts,
    encode_manifest,
)
from processing.segments.sealed_periods import SealedPeriods
from processing.sessions.layers import Layer, count_hits, count_rejected
from processing.sessions.local_periods import local_days
from processing.sessions.sessionize import Carry
from processing.sessions.timeline import PeriodChange
from processing.store.port import Conflict, LiveChange, ManifestChange, Store, VersionedBlob

FIRST_GENERATION: Final = 1
MAX_WORK_S: Final = 600.0  # work that took longer is not committed: its segments may have been deleted as orphans
MAX_LAYER_ROWS: Final = 1_000_000  # no larger layer is made of smaller ones: bounds memory, and what a report must read
RAW_ORDER: Final = ("visitor", "time", "position", "index")  # similar rows lie together
PREFIX_ID_LENGTH: Final = 8  # of a claim's id: the store limits names of sections to 40 characters


def commit(
    store: Store, property: int, stored: VersionedBlob | None, manifest: Manifest, started: float | None = None
) -> None:
    """Replaces the stored manifest of a generation. `stored` is the one that the work began with, None: there was none.

    Raises Conflict if it was replaced meanwhile, or if the work `started` (monotonic, s) more than MAX_WORK_S ago.
    """
    if started is not None and time.monotonic() - started > MAX_WORK_S:
        raise Conflict(f"property {property} took longer than {MAX_WORK_S:.0f} s")
    change = ManifestChange(stored.version if stored else 0, encode_manifest(manifest))
    if stored:
        store.commit(property, {stored.generation: change})
    else:
        store.commit(property, {FIRST_GENERATION: change}, LiveChange(None, FIRST_GENERATION))


def segment_name(property: int, kind: str) -> str:
    return f"{property}-{kind}-{uuid4().hex}"


def section_prefix(*parts: str) -> str:
    """Returns a prefix that the store accepts at the start of a section's name."""
    return f"of_{'_'.join(parts).replace('-', '_')}_"


def encode_carry(ref: LayerRef, carry: Carry) -> tuple[LayerRef, Sections]:
    """Returns the reference and the sections of a carry that is stored beside the layer `ref`."""
    if carry.sessions.is_empty() and carry.ids.is_empty():
        return NO_CARRY, {}
    return ref, {f"{ref.prefix}carry_sessions": carry.sessions, f"{ref.prefix}carry_ids": carry.ids}


def encode_raw(raw: Iterable[tuple[int, pl.DataFrame]], segment: str) -> tuple[list[RawPart], Sections]:
    """Splits pairs (number of a ruleset, RAW rows) by ruleset, month of receipt and UTC day of the event.

    Rows of one part expire together. They are sorted by visitor, so that similar rows lie together.
    """
    by_rules: dict[int, list[pl.DataFrame]] = defaultdict(list)
    for rules, rows in raw:
        by_rules[rules].append(rows)
    parts, sections = list[RawPart](), Sections()
    for rules, frames in sorted(by_rules.items()):
        for (month, day), rows in _by_month_and_day(pl.concat(frames)).items():
            ref = LayerRef(segment, raw_prefix(month, day, rules), rows.height)
            parts.append(RawPart(ref, month, day, cast(int, rows["received_us"].max()), rules))
            sections[f"{ref.prefix}rows"] = rows.sort(RAW_ORDER)
    return parts, sections


def _by_month_and_day(raw: pl.DataFrame) -> dict[tuple[str, int], pl.DataFrame]:
    month = pl.from_epoch(pl.col("received_us"), time_unit="us").dt.strftime("%Y-%m")
    dated = raw.with_columns(month_=month, day_=(pl.col("time") // DAY_MS).cast(pl.Int32))
    groups = dated.partition_by("month_", "day_", as_dict=True, include_key=False)
    return {(str(month), int(str(day))): rows for (month, day), rows in groups.items()}


def raw_prefix(month: str, day: int, rules: int, claim: str = "") -> str:
    """Returns the prefix of a raw part's section; `claim` names the claim that brought its rows from property 0."""
    return section_prefix(month, str(day), str(rules), *([claim[:PREFIX_ID_LENGTH]] if claim else []))


def write_changes(
    property: int, sealed: SealedPeriods, changes: Sequence[PeriodChange], dropped: pl.Series
) -> Manifest:
    """Writes a segment with the changes, and returns the manifest with the changed periods.

    `dropped` are the times (ms) of dropped events. They count in their period if it is among the changes, else in the
    manifest's own sum.
    """
    segment, manifest = segment_name(property, "built"), sealed.manifest
    entries, sections = dict[str, PeriodEntry](), Sections()
    for change in changes:
        entries[change.period.key], new_sections = _stack_layer(sealed, change, segment)
        sections |= new_sections
    if sections:
        sealed.columns.store.put_segment(segment, sections)
    elsewhere = 0
    for day, number in Counter(local_days(dropped, sealed.zone).to_list()).items():
        if entry := entries.get(key := sealed.key_of(day)):
            entries[key] = msgspec.structs.replace(entry, dropped=entry.dropped + number)
        else:
            elsewhere += number
    return msgspec.structs.replace(
        manifest, dropped=manifest.dropped + elsewhere, periods={**manifest.periods, **entries}
    )


def _stack_layer(sealed: SealedPeriods, change: PeriodChange, segment: str) -> tuple[PeriodEntry, Sections]:
    """Puts the changed layer on top of its period's layers; returns the new entry and the sections to write."""
    entry = sealed.manifest.periods.get(change.period.key, PeriodEntry((), NO_CARRY, 0, {}, 0))
    kept = _kept(entry.layers, change.layer)
    below, prefix = entry.layers[:kept], section_prefix(change.period.key)
    stack: Stack = (*entry.layers[kept:], change.layer)
    ref, sections = fold(sealed.columns.store, [stack], segment, prefix, lowest=not below)
    carry_ref, carry_sections = encode_carry(ref, change.carry)
    new_entry = PeriodEntry(
        layers=(*below, ref),
        carry=carry_ref,
        counted=entry.counted + count_hits(change.layer.events) - count_hits(change.was.events),
        rejected=add_counts(entry.rejected, count_rejected(change.layer), less=count_rejected(change.was)),
        events=entry.events + change.layer.events.height - change.was.events.height,
        dropped=entry.dropped,
    )
    return new_entry, carry_sections | sections


def _kept(layers: tuple[LayerRef, ...], layer: Layer) -> int:
    """Returns how many layers stay below a new one. Upper layers are folded into it while they are at most twice its
    size: each row is written again only log(n) times. Stops at MAX_LAYER_ROWS.

    A new layer of 10 rows on layers of (100, 15, 8) rows absorbs 8, then 15, and stays above (100,).
    """
    kept, size = len(layers), layer.events.height + layer.duplicates.height + layer.rejected.height
    while kept and layers[kept - 1].rows <= min(2 * size, MAX_LAYER_ROWS - size):
        kept -= 1
        size += layers[kept].rows
    return kept
