"""What a report reads: one property at one moment, segments and tail as one.

A view is pinned: its manifest and its blocks are those of one short read, and nothing that happens later changes
what it shows.
"""

from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from datetime import date
from hashlib import blake2b
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.schema import BUILT, EVENTS, REFUSED, REJECTED, Schema, conform
from processing.segments.column_cache import ColumnCache
from processing.segments.exclusion import without_hidden
from processing.segments.manifest import Manifest, add_counts, decode_manifest, empty_manifest
from processing.segments.process_raw import ruleset_of
from processing.segments.sealed_periods import SealedPeriods, categorical_text
from processing.segments.tail import Tail, TailTerms, concat_tails, read_tail, settings_of, terms_of, uncovered
from processing.sessions.condensed import CONDENSED, condensed_rows
from processing.sessions.layers import EMPTY, NOTHING_NEW, Arrivals, Layer, only_visitors, refusals, side_by_side
from processing.sessions.local_periods import Period, day_number, day_of, local_days, period
from processing.sessions.timeline import advance
from processing.store.port import BlockInfo, BlockKey, Store, VersionedBlob

CACHED_TAILS: Final = 256

K = TypeVar("K")
V = TypeVar("V")


class HitCounts(NamedTuple):
    """Hits: accepted = counted + rejected. `dropped` are events of counted hits."""

    accepted: int
    counted: int
    rejected: int
    dropped: int
    reasons: dict[str, int]


class PinnedView(NamedTuple):
    """What decides what a view shows: small enough to be sent to another process, which opens the same view."""

    property: int
    manifest: VersionedBlob | None
    blocks: tuple[BlockInfo, ...]


class ReadView:
    """One property, pinned. Days are local days of the property's zone, both bounds included.

    `changes` are what `new` rows bring about: the tail's, and those that stay of visitors who are being erased. Views
    of one property with the same `state`, of any process, show the same. `rules` are the newest of the property, for
    reports that need them; who opens a view says which they are.
    """

    rules: Ruleset | None = None

    def __init__(
        self, property: int, generation: int, sealed: SealedPeriods, tail: Tail, new: Arrivals, state: str = ""
    ) -> None:
        self.property, self.generation, self.state = property, generation, state
        self.zone, self.currency = sealed.zone, sealed.book.currency
        self.sealed, self.tail = sealed, tail
        self._arrived = pl.concat([frame["position"] for frame in new]).n_unique()
        self.changes = {change.period.key: change for change in advance(sealed, new)}

    def with_rules(self, rules: Ruleset | None) -> "ReadView":
        view = copy(self)
        view.rules = rules
        return view

    def keys(self) -> list[str]:
        return sorted({*self.sealed.keys(), *self.changes}, key=lambda key: period(key, self.zone).start)

    @property
    def begins(self) -> date:
        """The first day that has anything; far in the future where none has."""
        keys = self.keys()
        return day_of(period(keys[0], self.zone).first_day) if keys else date.max

    @property
    def ends(self) -> date:
        """The last day of the last day or month that has anything; far in the past where none has."""
        keys = self.keys()
        return day_of(period(keys[-1], self.zone).last_day) if keys else date.min

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of schema.BUILT of all counted events; text is Categorical."""
        return self._section("events", BUILT, first, last, columns)

    def stretches(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of stretches.STRETCHES of the same events, in a fraction of the rows."""
        return self._section("stretches", CONDENSED, first, last, columns)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """schema.REJECTED and `day`: rejected hits by their event time, duplicates among them."""
        rows = pl.concat([self._refused(first, last), self._duplicates(first, last)])
        days = local_days(rows["time"], self.zone)
        return rows.with_columns(days).filter(pl.col("day").is_between(day_number(first), day_number(last)))

    def of_visitors(self, visitors: pl.Series) -> Layer:
        """All rows of these visitors, of all time."""
        found = [EMPTY]
        for key in self.keys():
            change = self.changes.get(key)
            below = visitors if change is None else visitors.filter(~visitors.is_in(change.layer.visitors.implode()))
            found.append(self.sealed.rows(key, below))
            if change:
                found.append(Layer(visitors, *(only_visitors(frame, visitors) for frame in change.layer[1:])))
        return side_by_side(found)

    def counts(self) -> HitCounts:
        """The sums over all time."""
        book, changes = self.sealed.book, self.changes.values()
        counted = book.counted() + sum(hits(c.layer.events) - hits(c.was.events) for c in changes)
        more = add_counts(
            *(refusals(change.layer) for change in changes), less=add_counts(*(refusals(c.was) for c in changes))
        )
        reasons = add_counts(book.rejected(), more)
        return HitCounts(
            book.accepted + self._arrived,
            counted,
            sum(reasons.values()),
            book.dropped_events() + len(self.tail.dropped),
            reasons,
        )

    def _section(self, section: str, schema: Schema, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "day"]))
        low, high = day_number(first), day_number(last)
        frames = [pl.DataFrame(schema={name: schema[name] for name in names}).with_columns(categorical_text())]
        for key in self.keys():
            here = period(key, self.zone)
            if _touches(here, first, last):
                within = here.first_day >= low and here.last_day <= high
                frames += [_between(frame, low, high, within=within) for frame in self._period(key, section, names)]
        return pl.concat(frames).select(columns)

    def _period(self, key: str, section: str, names: list[str]) -> list[pl.DataFrame]:
        """The frames that show a period: its layers, with the tail's change on top."""
        change = self.changes.get(key)
        if change is None:
            return self._sealed(key, section, names)
        hidden = ~pl.col("visitor").is_in(change.layer.visitors.implode())
        below = self._sealed(key, section, list(dict.fromkeys([*names, "visitor"])))
        top = condensed_rows(change.layer.events, names) if section == "stretches" else getattr(change.layer, section)
        shown = top.select(names).with_columns(categorical_text())
        return [*(frame.filter(hidden).select(names) for frame in below), shown]

    def _sealed(self, key: str, section: str, names: list[str]) -> list[pl.DataFrame]:
        if key not in self.sealed.book.periods:
            return []
        return (
            self.sealed.stretches(key, names)
            if section == "stretches"
            else self.sealed.categorical(key, section, names)
        )

    def _refused(self, first: date, last: date) -> pl.DataFrame:
        rows = self._rows("rejected", REFUSED, first, last)
        reason = pl.when("again").then(pl.lit("duplicate")).otherwise("reason")
        return rows.with_columns(reason=reason).select(*REJECTED)

    def _duplicates(self, first: date, last: date) -> pl.DataFrame:
        once = self._rows("duplicates", EVENTS, first, last).unique("position", maintain_order=True)
        content = pl.format("en={}&dl={}{}", *(pl.col(name).fill_null("") for name in ("event", "host", "path")))
        named = once.with_columns(reason=pl.lit("duplicate"), rule=pl.lit(None), content=content)
        return named.select(pl.col(name).cast(kind) for name, kind in REJECTED.items())

    def _rows(self, section: str, schema: Schema, first: date, last: date) -> pl.DataFrame:
        """All rows of a section in the periods that the days touch; text as text."""
        touched = [key for key in self.keys() if _touches(period(key, self.zone), first, last)]
        frames = [frame for key in touched for frame in self._period(key, section, list(schema))]
        return pl.concat([pl.DataFrame(schema=schema), *(conform(frame, schema) for frame in frames)])


class ViewCache:
    """Opens views, and keeps what they share: decoded columns, processed tails. Safe to share between threads."""

    def __init__(self, store: Store, columns: ColumnCache | None = None) -> None:
        self.store = store
        self.columns = columns or ColumnCache(store)
        self._tails: OrderedDict[tuple[int, TailTerms], dict[BlockKey, Tail]] = OrderedDict()
        self._views: OrderedDict[int, ReadView] = OrderedDict()
        self._sealed: OrderedDict[tuple[int, str], tuple[SealedPeriods, Arrivals]] = OrderedDict()
        self._lock = Lock()

    def view(self, property: int) -> ReadView:
        """Raises Missing, CorruptBlob, StoreUnavailable, UnreadableBook."""
        return self.open(self.pin(property))

    def pin(self, property: int) -> PinnedView:
        """The property as it is now. Raises like `view`."""
        manifest, blocks = self.store.pin(property)
        return PinnedView(
            property, manifest, tuple(uncovered(decode_manifest(manifest.data) if manifest else None, blocks))
        )

    def open(self, pinned: PinnedView) -> ReadView:
        """The same view wherever it is opened, for as long as what it shows is kept: a minute at least. Raises like
        `view`.
        """
        property, manifest, left = pinned
        book = decode_manifest(manifest.data) if manifest else None
        state = _state(manifest, left)
        with self._lock:
            kept = self._views.get(property)
            if kept and kept.state == state:
                return kept
            view = self._open(property, manifest, book, left, state)
            _keep(self._views, property, view)
            return view

    def generation(self, property: int, generation: int) -> ReadView | None:
        """What is sealed of a generation, live or not; None where it is no longer kept. Raises like `view`."""
        manifest = self.store.manifest(property, generation)
        if manifest is None:
            return None
        return ReadView(
            property,
            generation,
            SealedPeriods(decode_manifest(manifest.data), self.columns),
            concat_tails([]),
            NOTHING_NEW,
        )

    def _open(
        self,
        property: int,
        manifest: VersionedBlob | None,
        book: Manifest | None,
        left: tuple[BlockInfo, ...],
        state: str,
    ) -> ReadView:
        tail, generation = self._tail(property, left, terms_of(book)), manifest.generation if manifest else 1
        sealed, staying = self._shown(property, manifest, book or new_manifest(self.store, property, left))
        new = Arrivals(pl.concat([staying.events, tail.events]), pl.concat([staying.rejected, tail.rejected]))
        return ReadView(property, generation, sealed, tail, new, state)

    def _shown(self, property: int, manifest: VersionedBlob | None, book: Manifest) -> tuple[SealedPeriods, Arrivals]:
        """Kept while the book is the same: hiding visitors reads something of every period."""
        key = (property, f"{manifest.generation}.{manifest.version}" if manifest else "")
        found = self._sealed.get(key) or without_hidden(book, self.columns)
        if manifest and book.hidden():
            _keep(self._sealed, key, found)
        return found

    def _tail(self, property: int, left: tuple[BlockInfo, ...], terms: TailTerms) -> Tail:
        """Processes the blocks that were not there last time, and joins them to the others. A block never changes."""
        wanted = {block.key for block in left}
        known = {
            key: tail
            for key, tail in self._tails.get((property, terms), {}).items()
            if {b.key for b in tail.blocks} <= wanted
        }
        seen = {block.key for tail in known.values() for block in tail.blocks}
        fresh = [block for block in left if block.key not in seen]
        if fresh:
            known[fresh[0].key] = read_tail(self.store, property, fresh, terms)
        joined = concat_tails(list(known.values()))
        if len(known) > 16 and joined.blocks:
            known = {joined.blocks[0].key: joined}
        _keep(self._tails, (property, terms), known)
        return joined


def new_manifest(store: Store, property: int, blocks: Sequence[BlockInfo]) -> Manifest:
    """The empty book of a property that has not been sealed yet."""
    settings = settings_of(store, property, blocks)
    return empty_manifest(ruleset_of(store, property, settings.rules, settings).basics)


def _state(manifest: VersionedBlob | None, left: tuple[BlockInfo, ...]) -> str:
    pinned = (manifest and (manifest.generation, manifest.version), [(*block.key, block.hits) for block in left])
    return blake2b(repr(pinned).encode(), digest_size=16).hexdigest()


def hits(rows: pl.DataFrame) -> int:
    """How many hits the rows come from."""
    return rows["position"].n_unique()


def _keep(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > CACHED_TAILS:
        cache.popitem(last=False)


def _touches(here: Period, first: date, last: date) -> bool:
    return here.first_day <= day_number(last) and here.last_day >= day_number(first)


def _between(frame: pl.DataFrame, low: int, high: int, *, within: bool) -> pl.DataFrame:
    return frame if within else frame.filter(pl.col("day").is_between(low, high))
