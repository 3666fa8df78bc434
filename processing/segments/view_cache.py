"""Opens views of properties, and keeps what views of one process share."""

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

import polars as pl

from processing.segments.column_cache import ColumnCache
from processing.segments.exclusion import without_hidden
from processing.segments.manifest import Manifest, decode_manifest
from processing.segments.read_view import PinnedView, ReadView
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.settled_sightings import SettledSightings
from processing.segments.tail import (
    Tail,
    TailTerms,
    Weight,
    affordable,
    concat_tails,
    new_manifest,
    read_tail,
    terms_of,
    uncovered,
    weigh,
)
from processing.sessions.layers import NO_ARRIVALS, Arrivals, Layer
from processing.store.port import BlockInfo, BlockKey, Store, VersionedBlob

CACHED_PROPERTIES: Final = 256
FRESH_S: Final = 5.0  # an older view is not shown as if it were now
ATTEMPTS: Final = 3
MAX_TAIL_PARTS: Final = 16  # a tail that was processed in more parts than that is kept as one

K = TypeVar("K")
V = TypeVar("V")


class ViewCache:
    """Opens views, and keeps what they share: decoded manifests and columns, processed tails.

    Safe to share between threads.
    """

    def __init__(self, store: Store, columns: ColumnCache | None = None) -> None:
        self.store = store
        self.columns = columns or ColumnCache(store)
        self._manifests = _LruCache[tuple[int, int], tuple[int, Manifest]]()
        self._tails = _LruCache[tuple[int, TailTerms], dict[BlockKey, Tail]]()
        self._weights = _LruCache[int, dict[BlockKey, Weight]]()
        self._views = _LruCache[int, ReadView]()
        self._settled = SettledSightings()
        self._sealed = _LruCache[tuple[int, int, int], tuple[SealedPeriods, Arrivals]]()
        self._lock = Lock()
        self._opening: dict[int, Lock] = {}  # by property: a slow one must not hold up the others

    def view(self, property: int) -> ReadView:
        """Returns the property as it is now, or was at most FRESH_S ago: where opening took longer, because others
        opened the same property or much had arrived, it is opened again, which then processes only what is new. After
        some attempts it is returned as it is: its `age_s` says how old it is.

        Raises Missing, CorruptBlob, StoreUnavailable, UnreadableManifest.
        """
        for _ in range(ATTEMPTS):
            pinned_at = monotonic()
            view = self.open(self.pin(property)).as_of(pinned_at)
            if view.age_s() <= FRESH_S:
                break
        return view

    def pin(self, property: int) -> PinnedView:
        """Returns the property as it is now. Raises like `view`."""
        stored, blocks = self.store.pin(property)
        manifest = self._manifest(property, stored) if stored else None
        tail = uncovered(manifest, blocks)
        known = self._weights.get(property) or {}
        weights = {block.key: known.get(block.key) or weigh(self.store, property, block) for block in tail}
        self._weights.keep(property, weights)
        shown, waiting = affordable(tail, lambda block: weights[block.key])
        return PinnedView(property, stored, tuple(shown), tuple(waiting))

    def open(self, pinned: PinnedView) -> ReadView:
        """Returns the same view wherever it is opened, for as long as what it shows is kept: a minute at least.

        Raises like `view`.
        """
        state = _state(pinned)
        with self._lock:
            opening = self._opening.setdefault(pinned.property, Lock())
        with opening:
            view = self._views.get(pinned.property)
            if view is None or view.state != state:
                view = self._open(pinned, state)
                self._views.keep(pinned.property, view)
            return view

    def of_visitors(self, property: int, visitors: pl.Series) -> Layer:
        """Returns all rows of these visitors as they are now, however far the worker is behind: also those of blocks
        that a view does not show. Raises like `view`.
        """
        pinned = self.pin(property)
        pinned = pinned._replace(blocks=tuple(sorted((*pinned.blocks, *pinned.waiting))), waiting=())
        tail = read_tail(self.store, property, pinned.blocks, self._terms(pinned), visitors=visitors)
        return self._with_tail(pinned, tail).of_visitors(visitors)

    def generation(self, property: int, generation: int) -> ReadView | None:
        """Returns what is sealed of a generation, live or not; None where it is no longer kept. Raises like `view`."""
        stored = self.store.manifest(property, generation)
        if stored is None:
            return None
        sealed = SealedPeriods(self._manifest(property, stored), self.columns)
        return ReadView(property, generation, sealed, concat_tails([]), NO_ARRIVALS, settled=self._settled)

    def _open(self, pinned: PinnedView, state: str) -> ReadView:
        tail = self._tail(pinned.property, pinned.blocks, self._terms(pinned))
        view = self._with_tail(pinned, tail, state)
        view.waiting = pinned.waiting
        return view

    def _terms(self, pinned: PinnedView) -> TailTerms:
        return terms_of(self._manifest(pinned.property, pinned.manifest) if pinned.manifest else None)

    def _with_tail(self, pinned: PinnedView, tail: Tail, state: str = "") -> ReadView:
        property, stored, blocks, _ = pinned
        if stored:
            sealed, staying = self._shown(property, stored, self._manifest(property, stored))
        else:
            sealed, staying = SealedPeriods(new_manifest(self.store, property, blocks), self.columns), NO_ARRIVALS
        pairs = zip(staying, (tail.events, tail.rejected, tail.items), strict=True)
        new = Arrivals(*(pl.concat(pair) for pair in pairs))
        return ReadView(property, stored.generation if stored else 1, sealed, tail, new, state, self._settled)

    def _manifest(self, property: int, stored: VersionedBlob) -> Manifest:
        """Decodes a manifest once, although pinning a view and opening it both need it."""
        version, manifest = self._manifests.get((property, stored.generation)) or (0, None)
        if manifest is None or version != stored.version:
            manifest = decode_manifest(stored.data)
            self._manifests.keep((property, stored.generation), (stored.version, manifest))
        return manifest

    def _shown(self, property: int, stored: VersionedBlob, manifest: Manifest) -> tuple[SealedPeriods, Arrivals]:
        """Kept while the manifest is the same: hiding visitors reads something of every period."""
        if not manifest.pending_tombstones():
            return without_hidden(manifest, self.columns)
        key = (property, stored.generation, stored.version)
        shown = self._sealed.get(key)
        if shown is None:
            shown = without_hidden(manifest, self.columns)
            self._sealed.keep(key, shown)
        return shown

    def _tail(self, property: int, blocks: tuple[BlockInfo, ...], terms: TailTerms) -> Tail:
        """Processes the blocks that were not there last time, and joins them to the others. A block never changes."""
        keys = {block.key for block in blocks}
        kept = self._tails.get((property, terms)) or {}
        parts = {key: tail for key, tail in kept.items() if {block.key for block in tail.blocks} <= keys}
        processed = {block.key for tail in parts.values() for block in tail.blocks}
        new_blocks = [block for block in blocks if block.key not in processed]
        if new_blocks:
            parts[new_blocks[0].key] = read_tail(self.store, property, new_blocks, terms)
        joined = concat_tails(list(parts.values()))
        if len(parts) > MAX_TAIL_PARTS and joined.blocks:
            parts = {joined.blocks[0].key: joined}
        self._tails.keep((property, terms), parts)
        return joined


def _state(pinned: PinnedView) -> str:
    stored = pinned.manifest
    text = repr((stored and (stored.generation, stored.version), [(*block.key, block.hits) for block in pinned.blocks]))
    return blake2b(text.encode(), digest_size=16).hexdigest()


class _LruCache(Generic[K, V]):
    """Keeps the CACHED_PROPERTIES values that were used last. Safe to share between threads."""

    def __init__(self) -> None:
        self._values = OrderedDict[K, V]()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: K, value: V) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > CACHED_PROPERTIES:
                self._values.popitem(last=False)
