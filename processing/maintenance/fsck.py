"""Checks everything that is stored: checksums, books against their rows, and that every hit of the log is somewhere.

It may run beside the worker: it looks at pinned views, and looks again where something moved meanwhile.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Final, Literal, NamedTuple

import polars as pl
from django.db import DatabaseError

from collection.log.port import Log, LogError
from collection.progress import OnProgress, ignore_progress
from configuration.ruleset.context import decode_context
from processing.maintenance import accounting as balance
from processing.models import Range
from processing.receiving import ledger
from processing.segments.column_cache import WORK_BYTES, ColumnCache
from processing.segments.exclusion import COUNTING_COLUMNS
from processing.segments.manifest import Manifest, PeriodEntry, RawPart, add_counts, decode_manifest
from processing.segments.process_raw import is_erased
from processing.segments.read_view import ReadView
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.view_cache import ViewCache
from processing.sessions.condensed import EVENT_COUNT, RowSource, uncondensed
from processing.store.port import CorruptBlob, Missing, Store, StoreUnavailable

ATTEMPTS: Final = 3
SHOWN: Final = 3  # positions of double hits
CONDITION: Final = ("position", "visitor", "received_us")
NO_POSITIONS: Final = pl.Series("position", [], dtype=pl.UInt64)

Kind = Literal["store", "log", "ledger", "book", "sums"]

ADVICE: Final[dict[Kind, str]] = {
    "store": "Check the disk. Then restore the store and the database from one backup; see"
    " docs/manual/backup.md. Reports that need a damaged part answer with an error, not with a wrong number.",
    "log": "Check the disk. Damaged hits that are received already are in the reports; the others become lost ones,"
    " which the status of a property shows. There is nothing to restore but from a copy of the log.",
    "ledger": "Stop the worker. Restore the database and the store from backups of the same moment; see"
    " docs/manual/backup.md.",
    "book": "The numbers of the property are not to be trusted. Keep a copy of the data folder, report the fault, and"
    " restore the store and the database from one backup.",
    "sums": "Hits are missing or counted twice. Keep a copy of the data folder, report the fault, and restore the store"
    " and the database from one backup.",
}


class Problem(NamedTuple):
    kind: Kind
    text: str


class FsckRun:
    """One pass over an installation. `on_progress` is given the subject and how many things were checked so far."""

    def __init__(self, log: Log, store: Store, on_progress: OnProgress = ignore_progress) -> None:
        self.log, self.store, self.things = log, store, 0
        self._on_progress = on_progress

    def problems(self) -> Iterator[Problem]:
        """Raises StoreUnavailable, LogUnavailable, and the database's errors."""
        yield from self._stored()
        yield from (Problem("log", text) for text in self.log.verify())
        self._count("ledger", 1)
        yield from (Problem("ledger", text) for text in self._ranges())
        for property in self._properties():
            yield from (Problem("book", text) for text in self._property(property))
            self._count(f"property {property}", 1)
        yield from (Problem("sums", text) for text in self._sums())

    def _stored(self) -> Iterator[Problem]:
        self._count("checksums", 0)
        yield from (Problem("store", text) for text in self.store.verify())
        self._count("checksums", len(self.store.segments()))
        try:
            blocks = self.store.blocks()
        except CorruptBlob:
            return  # said above, as all damage is
        self._count("checksums", len(blocks))
        for name in sorted({block.context_id for block in blocks}):
            yield from self._context(name)

    def _context(self, name: str) -> Iterator[Problem]:
        self._count("contexts", 1)
        try:
            decode_context(self.store.context(name))
        except Missing as error:
            yield Problem("store", f"missing: {error}, which raw blocks need")
        except CorruptBlob:
            return

    def _ranges(self) -> Iterator[str]:
        """Ranges of a partition follow each other without gap and overlap."""
        rows = Range.objects.order_by("log", "partition", "first").values_list("log", "partition", "first", "last")
        for (log, partition), group in groupby(rows.iterator(), key=lambda row: row[:2]):
            due = 0
            for _, _, first, last in group:
                if first != due or last < first:
                    yield f"ledger of log {log}, partition {partition}: range {first}-{last} follows {due - 1}"
                due = last + 1
            self._count("ledger", 1)

    def _properties(self) -> list[int]:
        try:
            return balance.properties(self.store)
        except CorruptBlob:
            return self.store.properties()

    def _property(self, property: int) -> list[str]:
        """Looks again where the property moved meanwhile: what a view does not pin may have been swept."""
        for _ in range(ATTEMPTS):
            before = self._version(property)
            found = list(self._faults(property))
            if not found or before == self._version(property):
                break
        return found

    def _version(self, property: int) -> object:
        try:
            return [self.store.manifest(property, number) for number in self.store.generations(property)]
        except CorruptBlob as error:
            return str(error)

    def _faults(self, property: int) -> Iterator[str]:
        who = f"property {property}"
        opened: list[ReadView] = []
        yield from _readable(who, lambda: self._view_faults(who, property, opened))
        seen = {view.generation for view in opened}
        for generation in self.store.generations(property):
            if generation not in seen:
                name = f"{who}, generation {generation}"
                yield from _readable(name, partial(self._book_faults, name, property, generation))

    def _view_faults(self, who: str, property: int, opened: list[ReadView]) -> Iterator[str]:
        view = ViewCache(self.store, ColumnCache(self.store, WORK_BYTES)).view(property)
        opened.append(view)
        counts = view.counts()
        if counts.accepted != counts.counted + counts.rejected:
            yield f"{who}: {counts.accepted} accepted are not {counts.counted} counted and {counts.rejected} rejected"
        tail = [view.tail.events["position"].unique(), view.tail.rejected["position"].unique()]
        yield from _sealed_faults(who, view.sealed, tail)

    def _book_faults(self, who: str, property: int, generation: int) -> Iterator[str]:
        manifest = self.store.manifest(property, generation)
        if manifest:
            sealed = SealedPeriods(decode_manifest(manifest.data), ColumnCache(self.store, WORK_BYTES))
            yield from _sealed_faults(who, sealed, [])

    def _sums(self) -> Iterator[str]:
        """The sums of the whole installation, counted from the log's positions."""
        self._count("sums", 1)
        yield from _readable("the sum of all properties", self._balance)

    def _balance(self) -> Iterator[str]:
        found = balance.reconcile(self.log, self.store)
        for _ in range(ATTEMPTS - 1):
            found = found if found.holds else balance.reconcile(self.log, self.store)
        if not found.holds:
            yield found.sentence()

    def _count(self, subject: str, things: int) -> None:
        self.things += things
        self._on_progress(subject, self.things, None)


def _readable(who: str, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """The faults that a check finds, and what it stumbles over: others must have their turn whatever that is."""
    try:
        yield from check()
    except (StoreUnavailable, LogError, DatabaseError):
        raise
    except Exception as error:  # noqa: BLE001 - see above
        yield f"{who} cannot be read: {type(error).__name__}: {error}"


def _sealed_faults(who: str, sealed: SealedPeriods, tail: list[pl.Series]) -> Iterator[str]:
    book, store = sealed.book, sealed.columns.store
    missing = sorted(book.segments() - set(store.segments()))
    yield from (f"{who}: segment {name} is missing" for name in missing)
    yield from (f"{who}: {text}" for text in _cover_faults(book))
    if book.accepted != book.counted() + sum(book.rejected().values()):
        yield f"{who}: the book's {book.accepted} accepted are not its counted and rejected"
    if not missing:
        positions = list(tail)
        for key, shelf in book.periods.items():
            recount = _Recount(sealed, key)
            positions += recount.positions
            yield from (f"{who}, {key}: {text}" for text in recount.faults(shelf))
        yield from (f"{who}: {text}" for text in _doubles(positions))
        yield from (f"{who}: {text}" for text in _erased_faults(sealed))
        yield from (f"{who}: {text}" for part in book.raw for text in _raw_faults(store, part))


class _Recount:
    """A period's hits, counted anew from its rows."""

    def __init__(self, sealed: SealedPeriods, key: str) -> None:
        self.events = sealed.visible(key, "events", ["position", "index", "visitor"])
        self.condensed = pl.concat(sealed.categorical(key, RowSource.CONDENSED, ["visitor", EVENT_COUNT]))
        refused = sealed.visible(key, "rejected", ["position", "reason", "again"])
        again = pl.when("again").then(pl.lit("duplicate")).otherwise("reason").alias("reason")
        reasons = refused.select(again)["reason"].value_counts()
        counted, duplicates = self.events["position"].unique(), sealed.visible(key, "duplicates", ["position"])
        self.positions = [counted, duplicates["position"].unique(), refused["position"]]
        self.rejected = add_counts(dict(reasons.iter_rows()), {"duplicate": len(self.positions[1])})

    def faults(self, shelf: PeriodEntry) -> Iterator[str]:
        found = (len(self.positions[0]), self.rejected, self.events.height)
        if found != (said := (shelf.counted, shelf.rejected, shelf.events)):
            yield f"the book says (counted, rejected, events) {said}, the rows {found}"
        distinct = self.events.unique(["position", "index"]).height
        if self.events.height != distinct:
            yield f"{self.events.height - distinct} rows of events are double"
        if not _by_visitor(self.condensed).equals(_by_visitor(uncondensed(self.events))):
            condensed = self.condensed[EVENT_COUNT].sum()
            yield f"the condensed rows stand for {condensed} events, the rows are {self.events.height}"


def _by_visitor(condensed: pl.DataFrame) -> pl.DataFrame:
    return condensed.group_by("visitor").agg(pl.col(EVENT_COUNT).sum()).sort("visitor")


def _doubles(positions: list[pl.Series]) -> Iterator[str]:
    """Each hit is counted or rejected, and that once."""
    everything = pl.concat([NO_POSITIONS, *positions])
    if everything.n_unique() != len(everything):
        double = everything.filter(everything.is_duplicated()).unique().sort()
        yield f"{len(double)} hits are there more than once, such as at positions {double.head(SHOWN).to_list()}"


def _erased_faults(sealed: SealedPeriods) -> Iterator[str]:
    """What tombstones say is removed, and is there all the same."""
    book, store = sealed.book, sealed.columns.store
    if not (removed := [each for each in book.erased if each.removed]):
        return
    shown = [sealed.visible(key, section, CONDITION) for key in book.periods for section in COUNTING_COLUMNS]
    raw = [store.read(part.place.segment, f"{part.place.prefix}rows", CONDITION) for part in book.raw]
    left = pl.concat([NO_POSITIONS, *(frame.filter(is_erased(removed))["position"] for frame in (*shown, *raw))])
    if not left.is_empty():
        yield f"{left.n_unique()} hits of erased visitors are still there"


def _cover_faults(book: Manifest) -> Iterator[str]:
    due: dict[tuple[str, int], int] = {}
    for span in book.covered:
        where = (span.log, span.partition)
        if span.first > span.last or span.first < due.get(where, 0):
            yield f"span {span.first}-{span.last} of log {span.log} is empty or overlaps the one before"
        due[where] = span.last + 1
    for (log, partition), end in due.items():
        if end > (received := ledger.received_up_to(log, partition)):
            yield f"covers log {log}, partition {partition} up to {end}, but the ledger ends at {received}"


def _raw_faults(store: Store, part: RawPart) -> Iterator[str]:
    rows = store.read(part.place.segment, f"{part.place.prefix}rows", ["position", "index"])
    if rows.height != part.place.rows:
        yield f"raw part {part.received_month}, day {part.day} has {rows.height} rows, the book says {part.place.rows}"
    if rows.unique().height != rows.height:
        yield f"raw part {part.received_month}, day {part.day} has double rows"
