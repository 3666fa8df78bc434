"""Checks everything that is stored: checksums, manifests against their rows, and that every hit of the log is accounted
for.

It may run beside the worker: it reads pinned views, and checks a property again if it changed meanwhile.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import Final, Literal, NamedTuple

import polars as pl
from django.db import DatabaseError

from collection.log.port import Log, LogError
from collection.progress import OnProgress, ignore_progress
from configuration.numbers import how_many
from configuration.ruleset.context import decode_context
from processing.maintenance import accounting
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
from processing.sessions.first_sightings import SIGHTINGS, Sighting, first_sightings
from processing.store.port import CorruptBlob, Missing, Store, StoreUnavailable

ATTEMPTS: Final = 3
MAX_EXAMPLES: Final = 3  # positions of double hits
CONDITION_COLUMNS: Final = ("position", "visitor", "received_us")
NO_POSITIONS: Final = pl.Series("position", [], dtype=pl.UInt64)

Kind = Literal["store", "log", "ledger", "manifest", "sums"]

ADVICE: Final[dict[Kind, str]] = {
    "store": "Check the disk. Then restore the store and the database from one backup; see"
    " docs/manual/backup.md. Reports that need a damaged part answer with an error, not with a wrong number.",
    "log": "Check the disk. Damaged hits that are received already are in the reports; the others become lost ones,"
    " which the status of a property shows. There is nothing to restore but from a copy of the log.",
    "ledger": "Stop the worker. Restore the database and the store from backups of the same moment; see"
    " docs/manual/backup.md.",
    "manifest": "The numbers of the property are not to be trusted. Keep a copy of the data folder, report the fault,"
    " and restore the store and the database from one backup.",
    "sums": "Hits are missing or counted twice. Keep a copy of the data folder, report the fault, and restore the store"
    " and the database from one backup.",
}


class Problem(NamedTuple):
    kind: Kind
    text: str


class FsckRun:
    """One pass over an installation. Progress is reported in things checked so far."""

    def __init__(self, log: Log, store: Store, on_progress: OnProgress = ignore_progress) -> None:
        self.log, self.store, self.things = log, store, 0
        self._on_progress = on_progress

    def problems(self) -> Iterator[Problem]:
        """Raises StoreUnavailable, LogUnavailable, and the database's errors."""
        yield from self._store_problems()
        yield from (Problem("log", text) for text in self.log.verify())
        self._count("ledger", 1)
        yield from (Problem("ledger", text) for text in self._ledger_faults())
        for property in self._properties():
            yield from (Problem("manifest", text) for text in self._property_faults(property))
            self._count(f"property {property}", 1)
        self._count("sums", 1)
        yield from (Problem("sums", text) for text in _readable("the sum of all properties", self._sum_faults))

    def _store_problems(self) -> Iterator[Problem]:
        self._count("checksums", 0)
        yield from (Problem("store", text) for text in self.store.verify())
        self._count("checksums", len(self.store.segments()))
        try:
            blocks = self.store.blocks()
        except CorruptBlob:
            return  # `verify` has reported it
        self._count("checksums", len(blocks))
        for name in sorted({block.context_id for block in blocks}):
            self._count("contexts", 1)
            try:
                decode_context(self.store.context(name))
            except Missing as error:
                yield Problem("store", f"missing: {error}, which raw blocks need")
            except CorruptBlob:
                continue  # `verify` has reported it

    def _ledger_faults(self) -> Iterator[str]:
        """The ranges of a partition must follow each other without gap and overlap."""
        rows = Range.objects.order_by("log", "partition", "first").values_list("log", "partition", "first", "last")
        for (log, partition), ranges in groupby(rows.iterator(), key=lambda row: row[:2]):
            expected = 0
            for _, _, first, last in ranges:
                if first != expected or last < first:
                    yield f"ledger of log {log}, partition {partition}: range {first}-{last} follows {expected - 1}"
                expected = last + 1
            self._count("ledger", 1)

    def _properties(self) -> list[int]:
        try:
            return accounting.properties(self.store)
        except CorruptBlob:
            return self.store.properties()

    def _property_faults(self, property: int) -> list[str]:
        """Checks again if the property changed meanwhile: segments that a view does not pin may have been deleted."""
        for _ in range(ATTEMPTS):
            before = self._manifests(property)
            faults = list(self._generation_faults(property))
            if not faults or before == self._manifests(property):
                break
        return faults

    def _manifests(self, property: int) -> object:
        try:
            return [self.store.manifest(property, number) for number in self.store.generations(property)]
        except CorruptBlob as error:
            return str(error)

    def _generation_faults(self, property: int) -> Iterator[str]:
        """Checks the live generation as reports read it, and every other one by its manifest."""
        name = f"property {property}"
        opened: list[ReadView] = []
        yield from _readable(name, lambda: self._view_faults(name, property, opened))
        seen = {view.generation for view in opened}
        for generation in self.store.generations(property):
            if generation not in seen:
                other = f"{name}, generation {generation}"
                yield from _readable(other, partial(self._manifest_faults, other, property, generation))

    def _view_faults(self, name: str, property: int, opened: list[ReadView]) -> Iterator[str]:
        view = ViewCache(self.store, ColumnCache(self.store, WORK_BYTES)).view(property)
        opened.append(view)
        counts = view.counts()
        if counts.accepted != counts.counted + counts.rejected:
            yield f"{name}: {counts.accepted} accepted are not {counts.counted} counted and {counts.rejected} rejected"
        tail = [view.tail.events["position"].unique(), view.tail.rejected["position"].unique()]
        yield from _sealed_faults(name, view.sealed, tail)

    def _manifest_faults(self, name: str, property: int, generation: int) -> Iterator[str]:
        stored = self.store.manifest(property, generation)
        if stored:
            sealed = SealedPeriods(decode_manifest(stored.data), ColumnCache(self.store, WORK_BYTES))
            yield from _sealed_faults(name, sealed, [])

    def _sum_faults(self) -> Iterator[str]:
        """Compares the whole installation with the offsets of the log."""
        for _ in range(ATTEMPTS):
            balance = accounting.reconcile(self.log, self.store)
            if balance.is_balanced:
                return
        yield balance.describe()

    def _count(self, subject: str, things: int) -> None:
        self.things += things
        self._on_progress(subject, self.things, None)


def _readable(name: str, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """Runs a check, and turns its failure into a fault, so that the other checks run as well."""
    try:
        yield from check()
    except (StoreUnavailable, LogError, DatabaseError):
        raise
    except Exception as error:  # noqa: BLE001 - damaged data may raise anything
        yield f"{name} cannot be read: {type(error).__name__}: {error}"


def _sealed_faults(name: str, sealed: SealedPeriods, tail: list[pl.Series]) -> Iterator[str]:
    manifest, store = sealed.manifest, sealed.columns.store
    missing = sorted(manifest.segment_names() - set(store.segments()))
    yield from (f"{name}: segment {segment} is missing" for segment in missing)
    yield from (f"{name}: {text}" for text in _coverage_faults(manifest))
    if manifest.accepted != manifest.counted() + sum(manifest.rejected().values()):
        yield f"{name}: the manifest's {manifest.accepted} accepted are not its counted and rejected"
    if not missing:
        positions = list(tail)
        for key, entry in manifest.periods.items():
            recount = _Recount(sealed, key)
            positions += recount.positions
            yield from (f"{name}, {key}: {text}" for text in recount.faults(entry))
        yield from (f"{name}: {text}" for text in _doubles(positions))
        yield from (f"{name}: {text}" for text in _erasure_faults(sealed))
        yield from (f"{name}: {text}" for part in manifest.raw for text in _raw_faults(store, part))


class _Recount:
    """The numbers of a period, counted from its rows."""

    def __init__(self, sealed: SealedPeriods, key: str) -> None:
        self.events = sealed.visible(key, "events", ["position", "index", "visitor"])
        self.condensed = pl.concat(sealed.categorical(key, RowSource.CONDENSED, ["visitor", EVENT_COUNT]))
        rejected = sealed.visible(key, "rejected", ["position", "reason", "again"])
        shown_reason = pl.when("again").then(pl.lit("duplicate")).otherwise("reason").alias("reason")
        reasons = rejected.select(shown_reason)["reason"].value_counts()
        counted, duplicates = self.events["position"].unique(), sealed.visible(key, "duplicates", ["position"])
        self.firsts = [_has_first_events(sealed, key, kind) for kind in SIGHTINGS]
        self.positions = [counted, duplicates["position"].unique(), rejected["position"]]
        self.duplicates = sealed.visible(key, "duplicates", ["position", "index"])
        self.items = sealed.visible(key, "items", ["position", "index", "number"])
        self.rejected = add_counts(dict(reasons.iter_rows()), {"duplicate": len(self.positions[1])})

    def faults(self, entry: PeriodEntry) -> Iterator[str]:
        rows = (len(self.positions[0]), self.rejected, self.events.height)
        if rows != (noted := (entry.counted, entry.rejected, entry.events)):
            yield f"the manifest says (counted, rejected, events) {noted}, the rows {rows}"
        distinct = self.events.unique(["position", "index"]).height
        if self.events.height != distinct:
            yield f"{self.events.height - distinct} rows of events are double"
        yield from _item_faults(self.items, pl.concat([self.events.select("position", "index"), self.duplicates]))
        if not _by_visitor(self.condensed).equals(_by_visitor(uncondensed(self.events))):
            condensed = self.condensed[EVENT_COUNT].sum()
            yield f"the condensed rows stand for {condensed} events, the rows are {self.events.height}"
        for kind in (kind for kind, right in zip(SIGHTINGS, self.firsts, strict=True) if not right):
            yield f"the {kind.section.replace('_', ' ')} are not those of its events"


def _has_first_events(sealed: SealedPeriods, key: str, kind: Sighting) -> bool:
    """Returns whether the first sightings that are stored are those of the events."""
    numbers = [name for name, dtype in kind.schema.items() if dtype.is_integer()]
    stored = pl.concat(sealed.first_sightings(key, kind)).select(numbers)
    events = sealed.visible(key, "events", kind.source_columns)
    return stored.sort(numbers).equals(first_sightings(events, kind).select(numbers).sort(numbers))


def _item_faults(items: pl.DataFrame, events: pl.DataFrame) -> Iterator[str]:
    """Each item belongs to an event, and an event has each of its items once."""
    if lost := items.join(events, on=["position", "index"], how="anti").height:
        yield f"{how_many(lost, 'row')} of items {'belongs' if lost == 1 else 'belong'} to no event"
    if double := items.height - items.unique().height:
        yield f"{how_many(double, 'row')} of items {'is' if double == 1 else 'are'} double"


def _by_visitor(condensed: pl.DataFrame) -> pl.DataFrame:
    return condensed.group_by("visitor").agg(pl.col(EVENT_COUNT).sum()).sort("visitor")


def _doubles(positions: list[pl.Series]) -> Iterator[str]:
    """Each hit must be counted or rejected exactly once."""
    hits = pl.concat([NO_POSITIONS, *positions])
    if hits.n_unique() != len(hits):
        double = hits.filter(hits.is_duplicated()).unique().sort()
        examples = double.head(MAX_EXAMPLES).to_list()
        yield f"{how_many(len(double), 'hit')} stored more than once, such as at positions {examples}"


def _erasure_faults(sealed: SealedPeriods) -> Iterator[str]:
    """Rows of visitors whose tombstones say that they are removed must be gone."""
    manifest, store = sealed.manifest, sealed.columns.store
    if not (removed := [tombstone for tombstone in manifest.tombstones if tombstone.removed]):
        return
    visible = [
        sealed.visible(key, section, CONDITION_COLUMNS)
        for key in manifest.periods
        for section in (*COUNTING_COLUMNS, "items")
    ]
    raw = [store.read(part.ref.segment, f"{part.ref.prefix}rows", CONDITION_COLUMNS) for part in manifest.raw]
    kept = pl.concat([NO_POSITIONS, *(frame.filter(is_erased(removed))["position"] for frame in (*visible, *raw))])
    if gone := kept.n_unique():
        yield f"{how_many(gone, 'hit')} of erased visitors {'is' if gone == 1 else 'are'} still there"


def _coverage_faults(manifest: Manifest) -> Iterator[str]:
    ends: dict[tuple[str, int], int] = {}
    for covered in manifest.covered:
        partition = (covered.log, covered.partition)
        if covered.first > covered.last or covered.first < ends.get(partition, 0):
            yield f"range {covered.first}-{covered.last} of log {covered.log} is empty or overlaps the one before"
        ends[partition] = covered.last + 1
    for (log, number), end in ends.items():
        if end > (received := ledger.received_up_to(log, number)):
            yield f"covers log {log}, partition {number} up to {end}, but the ledger ends at {received}"


def _raw_faults(store: Store, part: RawPart) -> Iterator[str]:
    name = f"raw part {part.received_month}, day {part.day}"
    rows = store.read(part.ref.segment, f"{part.ref.prefix}rows", ["position", "index"])
    if rows.height != part.ref.rows:
        yield f"{name} has {rows.height} rows, the manifest says {part.ref.rows}"
    if rows.unique().height != rows.height:
        yield f"{name} has double rows"
