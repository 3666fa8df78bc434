"""A new generation of a property: its raw rows through process and build again, beside the one that reports read.

Days are built in pieces that need not know each other, on whatever engine there is; then the carry between the pieces
is settled as it is for late hits, what arrived meanwhile is taken in, and one commit makes the generation live.
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
from processing.segments.process_raw import NOTHING
from processing.segments.raw_parts import process_parts
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.writer import write_changes
from processing.sessions.layers import NOTHING_NEW, Arrivals
from processing.sessions.local_periods import Period, day_key, day_of, day_start, period
from processing.sessions.sessionize import Carry
from processing.sessions.timeline import advance
from processing.store import open_store
from processing.store.port import Store

PIECE_ROWS: Final = 250_000
ALWAYS: Final = (-(2**62), 2**62)  # ms

LocalDays = tuple[int, int]  # the first and the last local day, as day numbers


class RebuildTask(msgspec.Struct, frozen=True):
    """A piece: the local days `first` to `last` of a property, out of the raw parts that may hold rows of them."""

    store: str
    property: int
    first: int
    last: int
    parts: tuple[RawPart, ...]
    book: Manifest  # zone, limits, bases: without periods


def start(
    store: Store, url: str, property: int, rules: Ruleset, days: LocalDays | None
) -> tuple[DraftGeneration, list[RebuildTask]]:
    """Writes down a new generation, as a copy of the live one under other rules, and says what is to be built.

    `days` None: all there are; `url` is the store's address. Raises NothingToRebuild, CannotRebuild.
    """
    live = decode_manifest(live_manifest(store, property).data)
    book = _renewed(live, rules, days)
    if book.zone != live.zone and live.raw_from_us:
        raise CannotRebuild("The time zone cannot be changed: the raw hits of some days have expired.")
    raw = [part for part in live.raw if part.adopted in ("", *book.adopted)]
    pieces = _pieces(raw, _wanted(live, book, days), book.zone)
    if not pieces:
        raise NothingToRebuild("There are no raw hits to apply the rules to.")
    bare = msgspec.structs.replace(book, periods={}, pieces=None, covered=(), expired_rejected={})
    tasks = [RebuildTask(url, property, first, last, parts, bare) for (first, last), parts in pieces]
    generation = max(store.generations(property), default=0) + 1
    return write_draft(store, property, DraftGeneration(generation, 0, book), book), tasks


def rebuild_days(task: RebuildTask) -> RebuiltDays:
    """Builds the days of a piece as if nothing had been before them. Runs wherever the engine has room."""
    store = _store(task.store)
    sealed = SealedPeriods(task.book, ColumnCache(store, ONCE_BYTES))
    start, end = _bounds(task.first, task.last, task.book.zone)
    wanted, book = pl.col("time").is_between(start, end, closed="left"), task.book
    done = process_parts(store, task.property, task.parts, wanted, book.bases)
    changes = advance(sealed, Arrivals(done.events, done.rejected))
    written = write_changes(task.property, sealed, changes, done.dropped)
    return RebuiltDays(written.periods, written.dropped - book.dropped)


def add_rebuilt_days(
    store: Store, property: int, draft: DraftGeneration, number: int, piece: RebuiltDays
) -> DraftGeneration:
    """Writes down that a piece is done: it need not be built again, and its segment is kept."""
    book = msgspec.structs.replace(draft.book, pieces={**(draft.book.pieces or {}), number: piece})
    return write_draft(store, property, draft, book)


def finish_draft(store: Store, property: int, draft: DraftGeneration, days: LocalDays | None) -> DraftGeneration:
    """Puts the pieces together: keeps of the copied periods what was not built, and lets every period follow from the
    one before it.
    """
    columns, live = ColumnCache(store, ONCE_BYTES), decode_manifest(live_manifest(store, property).data)
    book, firsts = _assembled(draft.book, live.zone, days)
    sealed = SealedPeriods(book, columns)
    suspects: dict[str, Carry | None] = dict.fromkeys(firsts)
    oldest = next(iter(sealed.keys()), None)
    if live.kept_from and oldest in suspects:
        inherited = SealedPeriods(live, columns)
        suspects[oldest] = inherited.carry(inherited.keys()[0]) if inherited.keys() else None
    book = write_changes(property, sealed, advance(sealed, NOTHING_NEW, suspects), NOTHING.dropped)
    return write_draft(store, property, draft, with_balanced_counts(book))


def _renewed(live: Manifest, rules: Ruleset, days: LocalDays | None) -> Manifest:
    """A part of the history keeps zone and limits, since the rest is not built with others."""
    settings = rules.settings
    book = msgspec.structs.replace(live, raw=(), pieces={})
    if days is not None:
        span = _bounds(*days, live.zone)
        return msgspec.structs.replace(book, bases=(*live.bases, AppliedRules(*span, rules.number)))
    return msgspec.structs.replace(
        book,
        zone=settings.zone,
        timeout_ms=settings.session_timeout_s * 1000,
        engaged_ms=settings.engaged_s * 1000,
        currency=settings.currency,
        bases=(AppliedRules(*ALWAYS, rules.number),),
        adopted=tuple(sorted({*live.adopted, *(part.adopted for part in live.raw if part.adopted)})),
        dropped=live.dropped if live.kept_from else 0,
    )


def _wanted(live: Manifest, book: Manifest, days: LocalDays | None) -> set[int]:
    """The local days to build: whole periods, since a folded month is taken over or built as a whole."""
    utc = {part.day for part in live.raw}
    everything = {day for each in utc for day in (each - 1, each, each + 1)}
    kept = {day for day in everything if _bounds(day, day, book.zone)[1] > live.kept_from}
    if days is None:
        return kept
    touched = {day for key in live.periods for day in _days(period(key, live.zone), days)}
    return kept & (touched | set(range(days[0], days[1] + 1)))


def _days(here: Period, days: LocalDays) -> range:
    """The days of a period, if it has any of `days`."""
    touched = here.first_day <= days[1] and here.last_day >= days[0]
    return range(here.first_day, here.last_day + 1) if touched else range(0)


def _pieces(raw: Sequence[RawPart], wanted: set[int], zone: str) -> list[tuple[LocalDays, tuple[RawPart, ...]]]:
    """Runs of days, of about PIECE_ROWS, with the parts whose UTC day they touch."""
    rows: dict[int, int] = {}
    for part in raw:
        rows[part.day] = rows.get(part.day, 0) + part.place.rows
    pieces: list[list[int]] = []
    size = 0
    for day in sorted(wanted):
        if not pieces or day != pieces[-1][-1] + 1 or size >= PIECE_ROWS:
            pieces.append([])
            size = 0
        pieces[-1].append(day)
        size += rows.get(day, 0)
    found = [((days[0], days[-1]), _parts_of(raw, days[0], days[-1], zone)) for days in pieces]
    return [(days, parts) for days, parts in found if parts]


def _parts_of(raw: Sequence[RawPart], first: int, last: int, zone: str) -> tuple[RawPart, ...]:
    start, end = _bounds(first, last, zone)
    return tuple(part for part in raw if part.day * DAY_MS < end and (part.day + 1) * DAY_MS > start)


def _bounds(first: int, last: int, zone: str) -> tuple[int, int]:
    return day_start(day_of(first), zone), day_start(day_of(last + 1), zone)


def _assembled(draft: Manifest, zone_before: str, days: LocalDays | None) -> tuple[Manifest, list[str]]:
    """The book with the built periods and those that are kept, and which of them must be compared with what is before
    them.
    """
    pieces = draft.pieces or {}
    new = {key: shelf for piece in pieces.values() for key, shelf in piece.shelves.items()}
    kept = _kept(draft, new, days) if draft.zone == zone_before else {}
    hidden = {day for key in kept for day in _keys_of_days(key, draft.zone)}
    periods = {**{key: shelf for key, shelf in new.items() if key not in hidden}, **kept}
    origin = {key: number for number, piece in pieces.items() for key in piece.shelves} | dict.fromkeys(kept, -1)
    ordered = sorted(periods, key=lambda key: period(key, draft.zone).start)
    firsts = [key for before, key in pairwise([None, *ordered]) if key and origin.get(before or "") != origin[key]]
    dropped = draft.dropped + sum(piece.dropped for piece in pieces.values())
    return msgspec.structs.replace(draft, periods=periods, pieces=None, dropped=dropped), firsts


def _kept(draft: Manifest, new: Mapping[str, PeriodEntry], days: LocalDays | None) -> dict[str, PeriodEntry]:
    """The copied periods that were not asked for, and those whose raw hits have expired, in part at least."""
    kept = {}
    for key, shelf in draft.periods.items():
        asked = days is None or len(_days(period(key, draft.zone), days)) > 0
        found = sum(_hits(new[day]) for day in _keys_of_days(key, draft.zone) if day in new)
        if not asked or (draft.raw_from_us and found < _hits(shelf)):
            kept[key] = shelf
    return kept


def _keys_of_days(key: str, zone: str) -> list[str]:
    here = period(key, zone)
    return [day_key(day) for day in range(here.first_day, here.last_day + 1)]


def _hits(shelf: PeriodEntry) -> int:
    return shelf.counted + sum(shelf.rejected.values())


@lru_cache(4)
def _store(url: str) -> Store:
    """One for each process."""
    return open_store(url)
