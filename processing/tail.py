"""The tail of a property: raw blocks that its segments do not cover yet, processed as they are read."""

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import polars as pl

from configuration.rules import Context, PropertySettings, decode_context
from processing.book import Book
from processing.pipeline import Processed, process
from processing.schema import EVENTS, RAW, REJECTED
from processing.store.port import BlockInfo, BlockKey, Store

logger = logging.getLogger(__name__)


class Tail(NamedTuple):
    """`hits` are the log positions of the raw rows; what the steps made of them is in events, rejected and dropped
    (events).
    """

    blocks: tuple[BlockInfo, ...]
    hits: int
    raw: pl.DataFrame
    events: pl.DataFrame
    rejected: pl.DataFrame
    dropped: int


def uncovered(book: Book | None, blocks: Sequence[BlockInfo]) -> list[BlockInfo]:
    """What the book's segments do not hold yet: blocks, and the parts of merged blocks that came after a seal."""
    if book is None:
        return list(blocks)
    return [block._replace(key=part) for block in blocks for part in _gaps(book, block.key)]


def _gaps(book: Book, key: BlockKey) -> Iterator[BlockKey]:
    """The parts of a range that the book does not cover, in order."""
    first = key.first
    for span in book.covered:
        if (span.log, span.partition) == (key.log, key.partition) and span.first <= key.last and span.last >= first:
            if first < span.first:
                yield key._replace(first=first, last=span.first - 1)
            first = span.last + 1
    if first <= key.last:
        yield key._replace(first=first)


def read_tail(store: Store, property: int, blocks: Sequence[BlockInfo], *, keep_raw: bool = False) -> Tail:
    """Processes the property's rows of the blocks, those of one context together. Raw rows are kept on demand only."""
    holding = [block for block in blocks if property in store.directory(block.key)]
    by_context = sorted(holding, key=lambda block: block.context_id)
    pieces = [
        _piece(store, property, context_id, list(group))
        for context_id, group in groupby(by_context, lambda block: block.context_id)
    ]
    tail = join(pieces)._replace(blocks=tuple(blocks))
    return tail if keep_raw else tail._replace(raw=pl.DataFrame(schema=RAW))


def join(pieces: Sequence[Tail]) -> Tail:
    """The tails of disjoint blocks as one."""
    return Tail(
        tuple(block for piece in pieces for block in piece.blocks),
        sum(piece.hits for piece in pieces),
        pl.concat([pl.DataFrame(schema=RAW), *(piece.raw for piece in pieces)]),
        pl.concat([pl.DataFrame(schema=EVENTS), *(piece.events for piece in pieces)]),
        pl.concat([pl.DataFrame(schema=REJECTED), *(piece.rejected for piece in pieces)]),
        sum(piece.dropped for piece in pieces),
    )


def settings_of(store: Store, property: int, blocks: Sequence[BlockInfo]) -> PropertySettings:
    """The settings under which the property's first hits were received: they fix its zone and timeout for the
    generation.
    """
    first = next((block for block in blocks if property in store.directory(block.key)), None)
    context = decode_context(store.context(first.context_id)) if first else Context(())
    return context.property(property)


def _piece(store: Store, property: int, context_id: str, blocks: list[BlockInfo]) -> Tail:
    context = decode_context(store.context(context_id))
    raw = store.rows([block.key for block in blocks], property)
    done = _process(raw, context.property(property), context)
    return Tail(tuple(blocks), raw["position"].n_unique(), raw, done.events, done.rejected, done.dropped)


def _process(raw: pl.DataFrame, settings: PropertySettings, context: Context) -> Processed:
    """Like `process`, but a hit that breaks a step is found by halving, and alone is rejected."""
    try:
        return process(raw, settings, context)
    except Exception:
        positions = raw["position"].unique(maintain_order=True)
        logger.exception("processing failed on %d hits of property %d", len(positions), settings.id)
        if len(positions) == 1:
            return process(raw.with_columns(error=pl.lit("processing error")), settings, context)
    half = positions[: len(positions) // 2]
    first, second = (_process(raw.filter(part), settings, context) for part in _halves(half))
    return Processed(
        pl.concat([first.events, second.events]),
        pl.concat([first.rejected, second.rejected]),
        first.dropped + second.dropped,
    )


def _halves(half: pl.Series) -> tuple[pl.Expr, pl.Expr]:
    chosen = pl.col("position").is_in(half.implode())
    return chosen, ~chosen
