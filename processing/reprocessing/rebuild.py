"""Rebuilds a property under other rules: its raw rows are processed and sessionized again, as a new generation.

1. `start` writes the draft generation and plans the work: tasks for some local days each.
2. `rebuild_days` carries out one task. Tasks are independent of each other and run on any engine.
3. `add_rebuilt_days` notes in the draft that a task is done.
4. `finish_draft` joins the days: sessions that cross from one task's days into another's are settled as for late hits.

After that the draft catches up with the live generation and replaces it (see generations.py).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec
import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.reprocessing.generations import (
    CannotRebuild,
    DraftGeneration,
    NothingToRebuild,
    live_manifest,
    write_draft,
)
from processing.schema import DAY_MS
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import with_balanced_counts
from processing.segments.manifest import AppliedRules, Manifest, PeriodEntry, RawPart, RebuiltDays, decode_manifest
from processing.segments.process_raw import NOTHING_PROCESSED
from processing.segments.raw_parts import process_parts, visitor_ranges
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import write_changes
from processing.sessions.layers import NO_ARRIVALS, Arrivals
from processing.sessions.local_periods import Period, day_key, period, start_of_day
from processing.sessions.sessionize import Carry
from processing.sessions.timeline import advance
from processing.store import open_store
from processing.store.port import Store

TASK_ROWS: Final = 80_000  # raw rows of one task, about
BUILT_ROWS: Final = 120_000  # raw rows of the visitors that are built together
BUILT_BYTES: Final = 64 * 2**20  # of their texts
ALWAYS: Final = (-(2**62), 2**62)  # ms
KEPT: Final = -1  # stands for the number of a task where a period was kept, not rebuilt

LocalDays = tuple[int, int]  # the first and the last local day, as day numbers


class RebuildTask(msgspec.Struct, frozen=True):
    """Rebuilds the local days `first` to `last` of a property from the raw parts that may hold rows of them."""

    store: str  # its address
    property: int
    first: int
    last: int
    parts: tuple[RawPart, ...]
    manifest: Manifest = msgspec.field(name="book")  # zone, limits and applied rules; without periods
    store_id: str = ""  # "" in the tasks of earlier versions


def start(
    store: Store, url: str, property: int, rules: Ruleset, days: LocalDays | None
) -> tuple[DraftGeneration, list[RebuildTask]]:
    """Writes a draft generation, which is a copy of the live one under other rules, and plans the rebuild.

    `days` None: all that have raw hits; `url` is the store's address. Raises NothingToRebuild, CannotRebuild.
    """
    live = decode_manifest(live_manifest(store, property).data)
    manifest = _with_rules(live, rules, days)
    if manifest.zone != live.zone and live.raw_from_us:
        raise CannotRebuild("The time zone cannot be changed: the raw hits of some days have expired.")
    raw = [part for part in live.raw if part.claim in ("", *manifest.claims)]
    runs = _split_days(_days_to_rebuild(live, manifest, days), raw)
    bare = msgspec.structs.replace(manifest, periods={}, rebuilt_days=None, covered=(), expired_rejected={})
    tasks = [
        RebuildTask(url, property, first, last, parts, bare, store.id)
        for first, last in runs
        if (parts := _parts_of_days(raw, first, last, manifest.zone))
    ]
    if not tasks:
        raise NothingToRebuild("There are no raw hits to apply the rules to.")
    generation = max(store.generations(property), default=0) + 1
    return write_draft(store, property, DraftGeneration(generation, 0, manifest), manifest), tasks


def rebuild_days(task: RebuildTask) -> RebuiltDays:
    """Builds the days of a task as if nothing had been before them. Runs in the engine's processes."""
    manifest, store = task.manifest, _open_once(task.store, task.store_id)
    columns = ColumnCache(store, ONCE_BYTES, codes=False)
    start, end = _bounds(task.first, task.last, manifest.zone)
    in_days = pl.col("time").is_between(start, end, closed="left")
    for visitors in visitor_ranges(store, task.parts, BUILT_ROWS, BUILT_BYTES):
        processed = process_parts(store, task.property, task.parts, in_days, manifest.applied_rules, visitors)
        sealed = SealedPeriods(manifest, columns)
        changes = advance(sealed, Arrivals(processed.events, processed.rejected, processed.items))
        manifest = write_changes(task.property, sealed, changes, processed.dropped)
    return RebuiltDays(manifest.periods, manifest.dropped - task.manifest.dropped)


def add_rebuilt_days(
    store: Store, property: int, draft: DraftGeneration, task_number: int, rebuilt: RebuiltDays
) -> DraftGeneration:
    """Notes in the draft that a task is done, so that it is not done again and its segment is kept."""
    pieces = {**(draft.manifest.rebuilt_days or {}), task_number: rebuilt}
    return write_draft(store, property, draft, msgspec.structs.replace(draft.manifest, rebuilt_days=pieces))


def finish_draft(store: Store, property: int, draft: DraftGeneration, days: LocalDays | None) -> DraftGeneration:
    """Puts the rebuilt days in place of the copied periods, and carries sessions over from each period to the next."""
    columns, live = ColumnCache(store, ONCE_BYTES, codes=False), decode_manifest(live_manifest(store, property).data)
    manifest, seams = _join_rebuilt_days(draft.manifest, live.zone, days)
    sealed = SealedPeriods(manifest, columns)
    # Periods after a seam were built on another carry than the one that the period before them leaves now. The oldest
    # period has none before it: where history has expired, it keeps the carry that the live generation has for it.
    carries: dict[str, Carry | None] = dict.fromkeys(seams)
    oldest = next(iter(sealed.keys()), None)
    if live.kept_from and oldest in carries:
        live_sealed = SealedPeriods(live, columns)
        carries[oldest] = live_sealed.carry(live_sealed.keys()[0]) if live_sealed.keys() else None
    manifest = write_changes(property, sealed, advance(sealed, NO_ARRIVALS, carries), NOTHING_PROCESSED.dropped)
    return write_draft(store, property, draft, with_balanced_counts(manifest))


def _with_rules(live: Manifest, rules: Ruleset, days: LocalDays | None) -> Manifest:
    """Copies the live manifest under other rules. Zone and limits change only if all days are rebuilt."""
    draft = msgspec.structs.replace(live, raw=(), rebuilt_days={})
    if days is not None:
        applied = AppliedRules(*_bounds(*days, live.zone), rules.number)
        return msgspec.structs.replace(draft, applied_rules=(*live.applied_rules, applied))
    settings = rules.settings
    return msgspec.structs.replace(
        draft,
        zone=settings.zone,
        timeout_ms=settings.session_timeout_s * 1000,
        engaged_ms=settings.engaged_s * 1000,
        currency=settings.currency,
        applied_rules=(AppliedRules(*ALWAYS, rules.number),),
        claims=tuple(sorted({*live.claims, *(part.claim for part in live.raw if part.claim)})),
        dropped=live.dropped if live.kept_from else 0,
    )


def _days_to_rebuild(live: Manifest, draft: Manifest, days: LocalDays | None) -> set[int]:
    """Returns the requested local days that may have raw hits, completed to whole periods: a folded month is kept or
    rebuilt as a whole.
    """
    # The raw rows of a UTC day lie in the local day of the same number, the one before or the one after.
    possible = {local for part in live.raw for local in (part.day - 1, part.day, part.day + 1)}
    possible = {day for day in possible if _bounds(day, day, draft.zone)[1] > live.kept_from}
    if days is None:
        return possible
    first, last = days
    touched = (whole for key in live.periods if _touches(whole := period(key, live.zone), days))
    completed = {day for whole in touched for day in range(whole.first_day, whole.last_day + 1)}
    return {day for day in possible if first <= day <= last or day in completed}


def _split_days(days: set[int], raw: Sequence[RawPart]) -> list[LocalDays]:
    """Splits the days into runs of neighbours with about TASK_ROWS each: {1, 2, 3, 7} -> [(1, 3), (7, 7)]."""
    rows: dict[int, int] = {}
    for part in raw:
        rows[part.day] = rows.get(part.day, 0) + part.ref.rows
    runs: list[LocalDays] = []
    size = 0
    for day in sorted(days):
        if runs and day == runs[-1][1] + 1 and size < TASK_ROWS:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
            size = 0
        size += rows.get(day, 0)
    return runs


def _parts_of_days(raw: Sequence[RawPart], first: int, last: int, zone: str) -> tuple[RawPart, ...]:
    start, end = _bounds(first, last, zone)
    return tuple(part for part in raw if part.day * DAY_MS < end and (part.day + 1) * DAY_MS > start)


def _bounds(first: int, last: int, zone: str) -> tuple[int, int]:
    """Returns the first instant of local day `first` and the first after `last`, in ms."""
    return start_of_day(first, zone), start_of_day(last + 1, zone)


def _touches(present: Period, days: LocalDays) -> bool:
    return present.first_day <= days[1] and present.last_day >= days[0]


def _join_rebuilt_days(draft: Manifest, zone_before: str, days: LocalDays | None) -> tuple[Manifest, list[str]]:
    """Joins the rebuilt periods and the copied ones that stay. Returns the manifest and the keys of its seams: periods
    that follow one of another task, or of another origin.
    """
    pieces = draft.rebuilt_days or {}
    rebuilt = {key: entry for piece in pieces.values() for key, entry in piece.entries.items()}
    kept = _kept_periods(draft, rebuilt, days) if draft.zone == zone_before else {}
    hidden = {day for key in kept for day in _day_keys(key, draft.zone)}
    periods = {**{key: entry for key, entry in rebuilt.items() if key not in hidden}, **kept}
    origin = {key: number for number, piece in pieces.items() for key in piece.entries} | dict.fromkeys(kept, KEPT)
    ordered = sorted(periods, key=lambda key: period(key, draft.zone).start)
    seams = [key for before, key in pairwise([None, *ordered]) if key and origin.get(before or "") != origin[key]]
    dropped = draft.dropped + sum(piece.dropped for piece in pieces.values())
    return msgspec.structs.replace(draft, periods=periods, rebuilt_days=None, dropped=dropped), seams


def _kept_periods(
    draft: Manifest, rebuilt: Mapping[str, PeriodEntry], days: LocalDays | None
) -> dict[str, PeriodEntry]:
    """Returns the copied periods that stay: those that were not requested, and those that had more hits than were
    rebuilt, because raw hits have expired.
    """
    kept = {}
    for key, entry in draft.periods.items():
        is_requested = days is None or _touches(period(key, draft.zone), days)
        rebuilt_hits = sum(_hits(rebuilt[day]) for day in _day_keys(key, draft.zone) if day in rebuilt)
        if not is_requested or (draft.raw_from_us and rebuilt_hits < _hits(entry)):
            kept[key] = entry
    return kept


def _day_keys(key: str, zone: str) -> list[str]:
    whole = period(key, zone)
    return [day_key(day) for day in range(whole.first_day, whole.last_day + 1)]


def _hits(entry: PeriodEntry) -> int:
    return entry.counted + sum(entry.rejected.values())


@lru_cache(4)
def _open_once(url: str, id: str) -> Store:
    """Opens the store once in each process of the engine. Raises WrongStore if it is another one there."""
    return open_store(url, expected=lambda: id)
