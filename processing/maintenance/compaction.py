"""Upkeep of what is stored: fold closed days and months, let go what is past its retention, merge and delete raw
blocks, sweep orphans.

Nothing here changes a number but retention, which moves hits from the periods to the book's expired sums.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec
import polars as pl

from processing.schema import DAY_MS, RAW
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import LayerRef, Manifest, PeriodEntry, RawPart, add_counts, decode_manifest
from processing.segments.sealed_periods import SealedPeriods, read_layer
from processing.segments.writer import (
    MAX_LAYER_ROWS,
    Sections,
    commit,
    encode_carry,
    encode_layer,
    raw_prefix,
    section_prefix,
    segment_name,
)
from processing.sessions.layers import fold_layers, side_by_side
from processing.sessions.local_periods import month_key, period
from processing.store.port import BlockInfo, Conflict, Store
from processing.store.raw_block import merge

CLOSED_MS: Final = 3 * 3_600_000  # a day is folded so long after its end ...
MONTH_CLOSED_MS: Final = 73 * 3_600_000  # ... and a month when no re-send can reach it
MOST_PARTS: Final = 16
PASS_ROWS: Final = 250_000  # are held in memory at once
MERGE_BLOCKS: Final = 64
MERGED_BYTES: Final = 8 * 2**20
MOST_PASSES: Final = 8

logger = logging.getLogger(__name__)


class Retention(NamedTuple):
    """Days that raw rows (from receipt) and reports (from event time) are kept; None: for ever."""

    raw_days: int | None = None
    report_days: int | None = None


def run_maintenance(store: Store, columns: ColumnCache, property: int, now_ms: int, retention: Retention) -> bool:
    """One pass over a property.

    True where something changed: then there may be more to do. Raises Conflict where a seal was quicker: try again
    later.
    """
    began, manifest = time.monotonic(), store.manifest(property)
    if manifest is None:
        return False
    book = decode_manifest(manifest.data)
    work = _Pass(columns, segment_name(property, "upkeep"), now_ms)
    new = expire(book, now_ms, retention)
    new = new if retention.report_days else _fold_months(new, work)
    new = _fold_days(new, work)
    new = _merge_raw(new, work)
    if new == book:
        return False
    if work.sections:
        store.put_segment(work.name, work.sections)
    commit(store, property, manifest, new, began)
    return True


def run_short_maintenance(store: Store, columns: ColumnCache, property: int, now_ms: int, retention: Retention) -> None:
    """Some passes over a property, until the others have their turn; fewer where it is sealed meanwhile."""
    try:
        for _ in range(MOST_PASSES):
            if not run_maintenance(store, columns, property, now_ms, retention):
                break
    except Conflict:
        logger.info("property %d was sealed meanwhile; its upkeep waits for the next turn", property)


def expire(book: Manifest, now_ms: int, retention: Retention) -> Manifest:
    """The book without what is past its retention; whole periods and whole raw parts go."""
    raw, periods, kept_from, oldest = book.raw, book.periods, book.kept_from, 0
    if retention.raw_days is not None:
        oldest = (now_ms - retention.raw_days * DAY_MS) * 1000
        raw = tuple(part for part in raw if part.last_received_us >= oldest)
    if retention.report_days is not None:
        limit = now_ms - retention.report_days * DAY_MS
        periods = {key: shelf for key, shelf in periods.items() if period(key, book.zone).end > limit}
    gone = {key: shelf for key, shelf in book.periods.items() if key not in periods}
    return msgspec.structs.replace(
        book,
        raw=raw,
        periods=periods,
        raw_from_us=max(book.raw_from_us, oldest if len(raw) < len(book.raw) else 0),
        dropped=book.dropped + sum(shelf.dropped for shelf in gone.values()),
        expired_counted=book.expired_counted + sum(shelf.counted for shelf in gone.values()),
        expired_rejected=add_counts(book.expired_rejected, *(shelf.rejected for shelf in gone.values())),
        kept_from=max([kept_from, *(period(key, book.zone).end for key in gone)]),
    )


def delete_blocks(store: Store, marks: dict[tuple[str, int], int]) -> None:
    """Deletes the blocks that end below the mark of their log and partition."""
    keys = [block.key for block in store.blocks()]
    store.delete_blocks([key for key in keys if key.last < marks.get((key.log, key.partition), -1)])


def merge_blocks(store: Store) -> int:
    """Joins runs of small neighbours of one context, so that a quiet property is read from few blocks.

    Returns how many blocks went.
    """
    gone = 0
    for run in _runs(store.blocks()):
        first, last = run[0].key, run[-1].key
        merged = first._replace(last=last.last)
        blob = merge([store.blob(block.key) for block in run])
        store.replace_blocks([block.key for block in run], merged, run[0].context_id, blob)
        gone += len(run) - 1
    return gone


def orphans(store: Store) -> set[str]:
    """Segments that no manifest names: of seals that did not commit, or taken over by later segments."""
    names = set(store.segments())
    for property in store.properties():
        for generation in store.generations(property):
            manifest = store.manifest(property, generation)
            names -= decode_manifest(manifest.data).segments() if manifest else set()
    return names


class _Pass:
    """What one pass writes: a segment of this name. `affords` says whether so many rows more are not too many."""

    def __init__(self, columns: ColumnCache, name: str, now_ms: int) -> None:
        self.columns, self.name, self.now_ms = columns, name, now_ms
        self.sections = Sections()
        self._rows = 0

    def affords(self, rows: int) -> bool:
        if self._rows and self._rows + rows > PASS_ROWS:
            return False
        self._rows += rows
        return True


def _fold_days(book: Manifest, work: _Pass) -> Manifest:
    """Closed days become one layer, unless they are too large to be held in memory."""
    periods = dict(book.periods)
    for key, shelf in book.periods.items():
        rows, closed = _rows(shelf), period(key, book.zone).end + CLOSED_MS < work.now_ms
        if closed and len(shelf.layers) > 1 and rows <= MAX_LAYER_ROWS and work.affords(rows):
            periods[key] = _folded(book, work, key, [key])
    return msgspec.structs.replace(book, periods=periods)


def _fold_months(book: Manifest, work: _Pass) -> Manifest:
    """The days of a closed month become one period, if they are no more than a report on one of them should read."""
    months = defaultdict(list)
    for key in sorted(book.periods, key=lambda key: period(key, book.zone).start):
        month = month_key(period(key, book.zone).first_day)
        if period(month, book.zone).end + MONTH_CLOSED_MS < work.now_ms:
            months[month].append(key)
    periods = dict(book.periods)
    for month, keys in months.items():
        rows = sum(_rows(book.periods[key]) for key in keys)
        if keys != [month] and rows <= MAX_LAYER_ROWS and work.affords(rows):
            shelf = _folded(book, work, month, keys)
            periods = {key: old for key, old in periods.items() if key not in keys} | {month: shelf}
    return msgspec.structs.replace(book, periods=periods)


def _rows(shelf: PeriodEntry) -> int:
    return sum(place.rows for place in shelf.layers) + sum(shelf.rejected.values())


def _folded(book: Manifest, work: _Pass, key: str, keys: Sequence[str]) -> PeriodEntry:
    """The periods `keys`, in order, as one layer of the period `key`.

    Days show no row of another day, so their layers may be stacked.
    """
    shelves = [book.periods[each] for each in keys]
    days = [fold_layers([read_layer(work.columns.store, place) for place in shelf.layers]) for shelf in shelves]
    carry = SealedPeriods(book, work.columns).carry(keys[0])
    ref, sections = encode_layer(work.name, section_prefix(key), side_by_side(days))
    carry_ref, carry_sections = encode_carry(ref, carry)
    work.sections |= carry_sections | sections
    return PeriodEntry(
        (ref,),
        carry_ref,
        sum(shelf.counted for shelf in shelves),
        add_counts(*(shelf.rejected for shelf in shelves)),
        sum(shelf.events for shelf in shelves),
        sum(shelf.dropped for shelf in shelves),
    )


def _merge_raw(book: Manifest, work: _Pass) -> Manifest:
    """Raw parts of one month of receipt and one UTC day, when the day is over or there are many."""
    alike: dict[tuple[str, int, int, str], list[RawPart]] = defaultdict(list)
    for part in book.raw:
        alike[part.received_month, part.day, part.rules, part.adopted].append(part)
    merged = [part for parts in alike.values() for part in _merged_raw(parts, work)]
    return book if len(merged) == len(book.raw) else msgspec.structs.replace(book, raw=tuple(merged))


def _merged_raw(parts: list[RawPart], work: _Pass) -> Iterable[RawPart]:
    over = (parts[0].day + 1) * DAY_MS + CLOSED_MS < work.now_ms
    small, others = _smallest(parts)
    rows = sum(part.place.rows for part in small)
    if len(small) < 2 or not (over or len(small) > MOST_PARTS) or not work.affords(rows):
        return parts
    first = parts[0]
    prefix = raw_prefix(first.received_month, first.day, first.rules, first.adopted)
    frames = [work.columns.store.read(part.place.segment, f"{part.place.prefix}rows", list(RAW)) for part in small]
    work.sections[f"{prefix}rows"] = pl.concat(frames).sort("visitor", "time", "position", "index")
    latest = max(part.last_received_us for part in small)
    merged = msgspec.structs.replace(first, place=LayerRef(work.name, prefix, rows), last_received_us=latest)
    return [*others, merged]


def _smallest(parts: list[RawPart]) -> tuple[list[RawPart], list[RawPart]]:
    """The smallest parts, as many as can be held in memory together, and the others."""
    ordered = sorted(parts, key=lambda part: part.place.rows)
    sizes = accumulate(part.place.rows for part in ordered)
    fitting = sum(size <= MAX_LAYER_ROWS for size in sizes)
    return ordered[:fitting], ordered[fitting:]


def _runs(blocks: Sequence[BlockInfo]) -> list[list[BlockInfo]]:
    """Runs of MERGE_BLOCKS neighbours of one context that are not merged yet and fit together."""
    runs: list[list[BlockInfo]] = []
    run: list[BlockInfo] = []
    for block in blocks:
        if run and not _joins(run, block):
            run = []
        if block.bytes * MERGE_BLOCKS <= MERGED_BYTES * 4:
            run.append(block)
        if len(run) == MERGE_BLOCKS:
            runs.append(run)
            run = []
    return runs


def _joins(run: list[BlockInfo], block: BlockInfo) -> bool:
    last = run[-1]
    neighbours = last.key[:2] == block.key[:2] and last.key.last + 1 == block.key.first
    return (
        neighbours and last.context_id == block.context_id and sum(b.bytes for b in run) + block.bytes <= MERGED_BYTES
    )
