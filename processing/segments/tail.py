"""Reads the tail of a property: the raw blocks that its segments do not cover yet, processed under its rules."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final, NamedTuple

import polars as pl

from configuration.ruleset.context import Context, ReceiveSettings, decode_context
from processing.pipeline.process import NOTHING_DROPPED
from processing.schema import EVENTS, ITEMS, REJECTED
from processing.segments.manifest import AppliedRules, Manifest, Tombstone, empty_manifest
from processing.segments.process_raw import NOTHING_PROCESSED, apply_rules, ruleset_of, without_erased
from processing.sessions.layers import only_visitors
from processing.store.port import BlockInfo, BlockKey, Store


class Weight(NamedTuple):
    """Rows of a property, and the bytes of their texts."""

    rows: int
    text_bytes: int


BATCH: Final = Weight(12_500, 8 * 2**20)  # that is processed together
VIEW: Final = Weight(80_000, 48 * 2**20)  # of a tail that a view shows: twice what the worker seals at once


class TailTerms(NamedTuple):
    """The parts of a manifest that decide how a tail is read."""

    applied_rules: tuple[AppliedRules, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    deleted: bool = False


class Tail(NamedTuple):
    """The rows of some blocks, and what the steps made of them. Erased hits are in none of the rows."""

    blocks: tuple[BlockInfo, ...]
    hits: int
    raw: tuple[tuple[int, pl.DataFrame], ...]  # (number of the ruleset, RAW rows); empty unless they were kept
    events: pl.DataFrame  # EVENTS
    rejected: pl.DataFrame  # REJECTED
    dropped: pl.Series  # times (ms) of dropped events
    items: pl.DataFrame  # ITEMS
    erased: int = 0  # hits


def uncovered(manifest: Manifest | None, blocks: Sequence[BlockInfo]) -> list[BlockInfo]:
    """Returns what the manifest does not cover: blocks, and the parts of merged blocks that came after a seal."""
    if manifest is None:
        return list(blocks)
    return [block._replace(key=part) for block in blocks for part in _gaps(manifest, block.key)]


def _gaps(manifest: Manifest, key: BlockKey) -> Iterator[BlockKey]:
    """Yields the parts of a range that the manifest does not cover, in order."""
    first = key.first
    for covered in manifest.covered:
        same_log = (covered.log, covered.partition) == (key.log, key.partition)
        if same_log and covered.first <= key.last and covered.last >= first:
            if first < covered.first:
                yield key._replace(first=first, last=covered.first - 1)
            first = covered.last + 1
    if first <= key.last:
        yield key._replace(first=first)


def terms_of(manifest: Manifest | None) -> TailTerms:
    return TailTerms(manifest.applied_rules, manifest.tombstones, manifest.deleted) if manifest else NO_TERMS


def read_tail(
    store: Store,
    property: int,
    blocks: Sequence[BlockInfo],
    terms: TailTerms,
    *,
    keep_raw: bool = False,
    visitors: pl.Series | None = None,
) -> Tail:
    """Processes the property's rows in the blocks, those of one context together, as far as memory allows.

    `visitors`: only their rows.
    """
    holding = [block for block in blocks if property in store.directory(block.key)]
    by_context = sorted(holding, key=lambda block: block.context_id)
    tails = []
    for context_id, group in groupby(by_context, lambda block: block.context_id):
        for batch in _batches(store, property, list(group)):
            tail = _read_context(store, property, context_id, batch, terms, visitors)
            tails.append(tail if keep_raw else tail._replace(raw=()))
    return concat_tails(tails)._replace(blocks=tuple(blocks))


def weigh(store: Store, property: int, block: BlockInfo) -> Weight:
    """Raises Missing, CorruptBlob."""
    chunk = store.directory(block.key).chunk(property)
    return Weight(chunk.rows, chunk.memory()) if chunk else Weight(0, 0)


def take(
    blocks: Sequence[BlockInfo], weigh: Callable[[BlockInfo], Weight], limit: Weight
) -> tuple[list[BlockInfo], list[BlockInfo]]:
    """Takes blocks from the front until they reach the limit in rows or bytes. Returns the rest as well."""
    rows, text_bytes = limit
    for number, block in enumerate(blocks, 1):
        weight = weigh(block)
        rows -= weight.rows
        text_bytes -= weight.text_bytes
        if rows <= 0 or text_bytes <= 0:
            return list(blocks[:number]), list(blocks[number:])
    return list(blocks), []


def affordable(
    blocks: Sequence[BlockInfo], weigh: Callable[[BlockInfo], Weight]
) -> tuple[list[BlockInfo], list[BlockInfo]]:
    """Divides a tail into the blocks that a view shows and those that wait until the worker has sealed more.

    Every block is shown, unless the worker is far behind, as after a stop. Then the oldest of each partition are, in
    turns, so that a later view shows them as well.
    """
    turns = Counter[tuple[str, int]]()
    order = dict[BlockKey, int]()
    for block in blocks:
        order[block.key] = turns[block.key[:2]]
        turns[block.key[:2]] += 1
    shown, waiting = take(sorted(blocks, key=lambda block: order[block.key]), weigh, VIEW)
    return sorted(shown), sorted(waiting)


def concat_tails(tails: Sequence[Tail]) -> Tail:
    """Joins the tails of disjoint blocks."""
    return Tail(
        tuple(block for tail in tails for block in tail.blocks),
        sum(tail.hits for tail in tails),
        tuple(part for tail in tails for part in tail.raw),
        pl.concat([pl.DataFrame(schema=EVENTS), *(tail.events for tail in tails)]),
        pl.concat([pl.DataFrame(schema=REJECTED), *(tail.rejected for tail in tails)]),
        pl.concat([NOTHING_DROPPED, *(tail.dropped for tail in tails)]),
        pl.concat([pl.DataFrame(schema=ITEMS), *(tail.items for tail in tails)]),
        sum(tail.erased for tail in tails),
    )


def settings_of(store: Store, property: int, blocks: Sequence[BlockInfo]) -> ReceiveSettings:
    """Returns the settings under which the property's first hits were received.

    They determine the zone and the timeout of its first generation.
    """
    first = next((block for block in blocks if property in store.directory(block.key)), None)
    context = decode_context(store.context(first.context_id)) if first else Context(())
    return context.property(property)


def new_manifest(store: Store, property: int, blocks: Sequence[BlockInfo]) -> Manifest:
    """Returns the empty manifest of a property that has not been sealed yet."""
    settings = settings_of(store, property, blocks)
    return empty_manifest(ruleset_of(store, property, settings.rules, settings).settings)


def waiting_hits(store: Store, property: int, blocks: Sequence[BlockInfo]) -> int:
    """Counts the property's hits in blocks, without reading them. Raises Missing, CorruptBlob."""
    chunks = ((block.key, store.directory(block.key).chunk(property)) for block in blocks)
    return sum(min(chunk.hits, key.last - key.first + 1) for key, chunk in chunks if chunk)


def _batches(store: Store, property: int, blocks: list[BlockInfo]) -> Iterator[list[BlockInfo]]:
    while blocks:
        batch, blocks = take(blocks, partial(weigh, store, property), BATCH)
        yield batch


def _read_context(
    store: Store,
    property: int,
    context_id: str,
    blocks: list[BlockInfo],
    terms: TailTerms,
    visitors: pl.Series | None,
) -> Tail:
    settings = decode_context(store.context(context_id)).property(property)
    everything = store.rows([block.key for block in blocks], property)
    if visitors is not None:
        everything = only_visitors(everything, visitors)
    raw = everything.clear() if terms.deleted else without_erased(everything, terms.tombstones)
    hits = raw["position"].n_unique()
    processed = (
        apply_rules(store, property, raw, settings.rules, terms.applied_rules, settings) if hits else NOTHING_PROCESSED
    )
    return Tail(tuple(blocks), hits, ((settings.rules, raw),), *processed, everything["position"].n_unique() - hits)


NO_TERMS: Final = TailTerms()
