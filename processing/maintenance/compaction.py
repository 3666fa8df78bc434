"""Compacts what is stored: folds closed days and months, drops what is past its retention, merges raw parts and raw
blocks, and finds orphaned segments.

Only retention changes numbers: it moves hits from the periods to the manifest's expired sums.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Final, NamedTuple

import msgspec

from processing.concurrency.backoff import Backoff, Task
from processing.schema import DAY_MS, RAW
from processing.segments.column_cache import ColumnCache
from processing.segments.folding import Sections, fold
from processing.segments.manifest import (
    LayerRef,
    Manifest,
    PeriodEntry,
    RawPart,
    UnreadableManifest,
    add_counts,
    decode_manifest,
)
from processing.segments.merged_rows import MergedRows, stored
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import (
    MAX_LAYER_ROWS,
    RAW_ORDER,
    commit,
    encode_carry,
    raw_prefix,
    section_prefix,
    segment_name,
)
from processing.sessions.local_periods import month_key, period
from processing.store.port import BlockInfo, Conflict, CorruptBlob, Store
from processing.store.raw_block import merge

CLOSED_MS: Final = 3 * 3_600_000  # a day is folded so long after its end ...
MONTH_CLOSED_MS: Final = 73 * 3_600_000  # ... and a month when a re-sent hit can no longer reach it
MOST_PARTS: Final = 16
PASS_ROWS: Final = 250_000  # one pass holds so many rows in memory
MERGE_BLOCKS: Final = 64
MERGED_BYTES: Final = 8 * 2**20
MOST_PASSES: Final = 8

logger = logging.getLogger(__name__)


class Retention(NamedTuple):
    """Days for which raw rows (from receipt) and reports (from event time) are kept; None: for ever."""

    raw_days: int | None = None
    report_days: int | None = None


def run_maintenance(store: Store, columns: ColumnCache, property: int, now_ms: int, retention: Retention) -> bool:
    """Makes one pass over a property. Returns whether anything changed: then another pass may find more to do.

    Raises Conflict if a seal committed first: try again later.
    """
    started, stored = time.monotonic(), store.manifest(property)
    if stored is None:
        return False
    before = decode_manifest(stored.data)
    work = _Pass(columns, segment_name(property, "upkeep"), now_ms)
    manifest = expire(before, now_ms, retention)
    if not retention.report_days:  # a folded month could only expire as a whole
        manifest = _fold_months(manifest, work)
    manifest = _fold_days(manifest, work)
    manifest = _merge_raw(manifest, work)
    if manifest == before:
        return False
    if work.sections:
        store.put_segment(work.segment, work.sections)
    commit(store, property, stored, manifest, started)
    return True


def run_short_maintenance(store: Store, columns: ColumnCache, property: int, now_ms: int, retention: Retention) -> None:
    """Makes a few passes over a property, so that other properties get their turn. Stops early if it is sealed."""
    try:
        for _ in range(MOST_PASSES):
            if not run_maintenance(store, columns, property, now_ms, retention):
                break
    except Conflict:
        logger.info("property %d was sealed meanwhile; its maintenance waits for the next turn", property)


def expire(manifest: Manifest, now_ms: int, retention: Retention) -> Manifest:
    """Returns the manifest without the periods and raw parts that are past their retention as a whole."""
    raw, periods, oldest_us = manifest.raw, manifest.periods, 0
    if retention.raw_days is not None:
        oldest_us = (now_ms - retention.raw_days * DAY_MS) * 1000
        raw = tuple(part for part in raw if part.last_received_us >= oldest_us)
    if retention.report_days is not None:
        limit = now_ms - retention.report_days * DAY_MS
        periods = {key: entry for key, entry in periods.items() if period(key, manifest.zone).end > limit}
    expired = {key: entry for key, entry in manifest.periods.items() if key not in periods}
    return msgspec.structs.replace(
        manifest,
        raw=raw,
        periods=periods,
        raw_from_us=max(manifest.raw_from_us, oldest_us if len(raw) < len(manifest.raw) else 0),
        dropped=manifest.dropped + sum(entry.dropped for entry in expired.values()),
        expired_counted=manifest.expired_counted + sum(entry.counted for entry in expired.values()),
        expired_rejected=add_counts(manifest.expired_rejected, *(entry.rejected for entry in expired.values())),
        kept_from=max([manifest.kept_from, *(period(key, manifest.zone).end for key in expired)]),
    )


def delete_blocks(store: Store, needed_from: dict[tuple[str, int], int]) -> None:
    """Deletes the blocks that end below the offset of their log and partition."""
    keys = [block.key for block in store.blocks()]
    store.delete_blocks([key for key in keys if key.last < needed_from.get((key.log, key.partition), -1)])


def merge_blocks(store: Store, backoff: Backoff | None = None) -> int:
    """Merges runs of small neighbours of one context, so that a quiet property is read from few blocks.

    Returns by how many the blocks became fewer. Failures go to `backoff`; without it they are raised.
    """
    backoff = Backoff(fatal=(Exception,)) if backoff is None else backoff
    saved = 0
    for run in _mergeable_runs(store.blocks()):
        first = run[0].key
        if backoff.attempt(Task.MERGE_BLOCKS, partial(_merge_run, store, run), f"{first.partition}/{first.first}"):
            saved += len(run) - 1
    return saved


def orphans(store: Store) -> set[str]:
    """Returns the segments that no manifest names: of work that did not commit, or replaced by later segments.

    A property with a manifest that cannot be read has none: what it names is unknown.
    """
    names = set(store.segments())
    for property in store.properties():
        try:
            for generation in store.generations(property):
                stored = store.manifest(property, generation)
                names -= decode_manifest(stored.data).segment_names() if stored else set()
        except (CorruptBlob, UnreadableManifest):
            logger.warning("the manifest of property %d cannot be read: its segments are kept", property)
            names = {name for name in names if not name.startswith(f"{property}-")}
    return names


class _Pass:
    """One pass over a property: the segment that it writes, and how many rows it may still hold in memory."""

    def __init__(self, columns: ColumnCache, segment: str, now_ms: int) -> None:
        self.columns, self.segment, self.now_ms = columns, segment, now_ms
        self.sections = Sections()
        self._rows = 0

    def can_hold(self, rows: int) -> bool:
        """Reserves memory for the rows if there is enough. The first work of a pass always gets it."""
        if self._rows and self._rows + rows > PASS_ROWS:
            return False
        self._rows += rows
        return True


def _fold_days(manifest: Manifest, work: _Pass) -> Manifest:
    """Folds the layers of each closed day into one, unless they are too large to be held in memory."""
    periods = dict(manifest.periods)
    for key, entry in manifest.periods.items():
        rows, is_closed = _rows(entry), period(key, manifest.zone).end + CLOSED_MS < work.now_ms
        if is_closed and len(entry.layers) > 1 and rows <= MAX_LAYER_ROWS and work.can_hold(rows):
            periods[key] = _fold(manifest, work, key, [key])
    return msgspec.structs.replace(manifest, periods=periods)


def _fold_months(manifest: Manifest, work: _Pass) -> Manifest:
    """Folds the days of a closed month into one period, unless a report on one of them would read too many rows."""
    months = defaultdict(list)
    for key in sorted(manifest.periods, key=lambda key: period(key, manifest.zone).start):
        month = month_key(period(key, manifest.zone).first_day)
        if period(month, manifest.zone).end + MONTH_CLOSED_MS < work.now_ms:
            months[month].append(key)
    periods = dict(manifest.periods)
    for month, keys in months.items():
        rows = sum(_rows(manifest.periods[key]) for key in keys)
        if keys != [month] and rows <= MAX_LAYER_ROWS and work.can_hold(rows):
            folded = _fold(manifest, work, month, keys)
            periods = {key: entry for key, entry in periods.items() if key not in keys} | {month: folded}
    return msgspec.structs.replace(manifest, periods=periods)


def _rows(entry: PeriodEntry) -> int:
    return sum(layer.rows for layer in entry.layers)


def _fold(manifest: Manifest, work: _Pass, key: str, keys: Sequence[str]) -> PeriodEntry:
    """Writes the periods `keys`, which follow each other, as one layer of the period `key`."""
    entries = [manifest.periods[part] for part in keys]
    # A day shows no row of another day, so that only layers of the same day mask each other.
    stacks = [entry.layers for entry in entries]
    ref, sections = fold(work.columns.store, stacks, work.segment, section_prefix(key))
    carry_ref, carry_sections = encode_carry(ref, SealedPeriods(manifest, work.columns).carry(keys[0]))
    work.sections |= carry_sections | sections
    return PeriodEntry(
        layers=(ref,),
        carry=carry_ref,
        counted=sum(entry.counted for entry in entries),
        rejected=add_counts(*(entry.rejected for entry in entries)),
        events=sum(entry.events for entry in entries),
        dropped=sum(entry.dropped for entry in entries),
    )


def _merge_raw(manifest: Manifest, work: _Pass) -> Manifest:
    """Merges raw parts that expire together: of one month of receipt, one UTC day, one ruleset and one claim."""
    groups: dict[tuple[str, int, int, str], list[RawPart]] = defaultdict(list)
    for part in manifest.raw:
        groups[part.received_month, part.day, part.rules, part.claim].append(part)
    merged = [part for parts in groups.values() for part in _merge_parts(parts, work)]
    return manifest if len(merged) == len(manifest.raw) else msgspec.structs.replace(manifest, raw=tuple(merged))


def _merge_parts(parts: list[RawPart], work: _Pass) -> Iterable[RawPart]:
    """Merges the smallest parts if their day is over, or if there are many of them."""
    is_over = (parts[0].day + 1) * DAY_MS + CLOSED_MS < work.now_ms
    ordered = sorted(parts, key=lambda part: part.ref.rows)
    sizes = accumulate(part.ref.rows for part in ordered)
    fitting = sum(size <= MAX_LAYER_ROWS for size in sizes)  # so many of the smallest fit in memory together
    small, rest = ordered[:fitting], ordered[fitting:]
    rows = sum(part.ref.rows for part in small)
    if len(small) < 2 or not (is_over or len(small) > MOST_PARTS) or not work.can_hold(rows):
        return parts
    first = parts[0]
    prefix = raw_prefix(first.received_month, first.day, first.rules, first.claim)
    store = work.columns.store
    sources = [stored(store, part.ref.segment, f"{part.ref.prefix}rows") for part in small]
    work.sections[f"{prefix}rows"] = MergedRows(sources, RAW, RAW_ORDER)
    ref = LayerRef(work.segment, prefix, rows)
    last_received_us = max(part.last_received_us for part in small)
    return [*rest, msgspec.structs.replace(first, ref=ref, last_received_us=last_received_us)]


def _merge_run(store: Store, run: Sequence[BlockInfo]) -> None:
    key = run[0].key._replace(last=run[-1].key.last)
    blob = merge([store.blob(block.key) for block in run])
    store.replace_blocks([block.key for block in run], key, run[0].context_id, blob)


def _mergeable_runs(blocks: Sequence[BlockInfo]) -> list[list[BlockInfo]]:
    """Finds runs of MERGE_BLOCKS neighbours of one context that were not merged yet and are small enough together."""
    runs: list[list[BlockInfo]] = []
    run: list[BlockInfo] = []
    for block in blocks:
        if run and not _continues(run, block):
            run = []
        if block.bytes * MERGE_BLOCKS <= MERGED_BYTES * 4:
            run.append(block)
        if len(run) == MERGE_BLOCKS:
            runs.append(run)
            run = []
    return runs


def _continues(run: list[BlockInfo], block: BlockInfo) -> bool:
    last = run[-1]
    is_next = last.key[:2] == block.key[:2] and last.key.last + 1 == block.key.first
    fits = sum(merged.bytes for merged in run) + block.bytes <= MERGED_BYTES
    return is_next and last.context_id == block.context_id and fits
