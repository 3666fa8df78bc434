"""The tail of a property: raw blocks that its segments do not cover yet, processed as they are read."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import polars as pl

from configuration.ruleset.context import Context, ReceiveSettings, decode_context
from processing.pipeline.process import NOTHING_DROPPED
from processing.schema import EVENTS, REJECTED
from processing.segments.manifest import AppliedRules, Manifest, Tombstone, empty_manifest
from processing.segments.process_raw import NOTHING_PROCESSED, apply_rules, ruleset_of, without_erased
from processing.store.port import BlockInfo, BlockKey, Store


class TailTerms(NamedTuple):
    """What of a book decides how a tail is read."""

    applied_rules: tuple[AppliedRules, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    deleted: bool = False


class Tail(NamedTuple):
    """`hits` are the log positions of the raw rows, which are in `raw` by their number of rules, if they were kept;
    what the steps made of them is in events, rejected and dropped (times of events). `erased` hits are left out of all
    that.
    """

    blocks: tuple[BlockInfo, ...]
    hits: int
    raw: tuple[tuple[int, pl.DataFrame], ...]
    events: pl.DataFrame
    rejected: pl.DataFrame
    dropped: pl.Series
    erased: int = 0


def uncovered(book: Manifest | None, blocks: Sequence[BlockInfo]) -> list[BlockInfo]:
    """What the book's segments do not hold yet: blocks, and the parts of merged blocks that came after a seal."""
    if book is None:
        return list(blocks)
    return [block._replace(key=part) for block in blocks for part in _gaps(book, block.key)]


def _gaps(book: Manifest, key: BlockKey) -> Iterator[BlockKey]:
    """The parts of a range that the book does not cover, in order."""
    first = key.first
    for span in book.covered:
        if (span.log, span.partition) == (key.log, key.partition) and span.first <= key.last and span.last >= first:
            if first < span.first:
                yield key._replace(first=first, last=span.first - 1)
            first = span.last + 1
    if first <= key.last:
        yield key._replace(first=first)


def terms_of(book: Manifest | None) -> TailTerms:
    return TailTerms(book.applied_rules, book.tombstones, book.deleted) if book else NO_TERMS


def read_tail(
    store: Store, property: int, blocks: Sequence[BlockInfo], terms: TailTerms, *, keep_raw: bool = False
) -> Tail:
    """Processes the property's rows of the blocks, those of one context together. Raw rows are kept on demand only."""
    holding = [block for block in blocks if property in store.directory(block.key)]
    by_context = sorted(holding, key=lambda block: block.context_id)
    pieces = [
        _piece(store, property, context_id, list(group), terms)
        for context_id, group in groupby(by_context, lambda block: block.context_id)
    ]
    tail = concat_tails(pieces)._replace(blocks=tuple(blocks))
    return tail if keep_raw else tail._replace(raw=())


def concat_tails(pieces: Sequence[Tail]) -> Tail:
    """The tails of disjoint blocks as one."""
    return Tail(
        tuple(block for piece in pieces for block in piece.blocks),
        sum(piece.hits for piece in pieces),
        tuple(part for piece in pieces for part in piece.raw),
        pl.concat([pl.DataFrame(schema=EVENTS), *(piece.events for piece in pieces)]),
        pl.concat([pl.DataFrame(schema=REJECTED), *(piece.rejected for piece in pieces)]),
        pl.concat([NOTHING_DROPPED, *(piece.dropped for piece in pieces)]),
        sum(piece.erased for piece in pieces),
    )


def settings_of(store: Store, property: int, blocks: Sequence[BlockInfo]) -> ReceiveSettings:
    """The settings under which the property's first hits were received: they fix its zone and timeout for the
    generation.
    """
    first = next((block for block in blocks if property in store.directory(block.key)), None)
    context = decode_context(store.context(first.context_id)) if first else Context(())
    return context.property(property)


def new_manifest(store: Store, property: int, blocks: Sequence[BlockInfo]) -> Manifest:
    """Returns the empty manifest of a property that has not been sealed yet."""
    settings = settings_of(store, property, blocks)
    return empty_manifest(ruleset_of(store, property, settings.rules, settings).settings)


def _piece(store: Store, property: int, context_id: str, blocks: list[BlockInfo], terms: TailTerms) -> Tail:
    settings = decode_context(store.context(context_id)).property(property)
    everything = store.rows([block.key for block in blocks], property)
    raw = everything.clear() if terms.deleted else without_erased(everything, terms.tombstones)
    hits = raw["position"].n_unique()
    done = (
        apply_rules(store, property, raw, settings.rules, terms.applied_rules, settings) if hits else NOTHING_PROCESSED
    )
    return Tail(tuple(blocks), hits, ((settings.rules, raw),), *done, everything["position"].n_unique() - hits)


NO_TERMS: Final = TailTerms()
