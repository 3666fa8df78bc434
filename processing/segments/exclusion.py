"""Visitors are taken out of what a book shows, as if their rows had never come; what of theirs stays is built anew.

A report does this while it reads, from the moment of an erasure on; the removal does it for good.
"""

from typing import Final

import msgspec
import polars as pl

from processing.schema import EVENTS, REJECTED
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, PeriodEntry, Tombstone, add_counts
from processing.segments.process_raw import is_erased
from processing.segments.sealed_periods import SealedPeriods
from processing.sessions.layers import EMPTY_LAYER, NO_ARRIVALS, Arrivals, Layer, count_rejected

COUNTING_COLUMNS: Final = {
    "events": ["position", "visitor", "received_us"],
    "duplicates": ["position", "visitor", "received_us"],
    "rejected": ["position", "visitor", "received_us", "reason", "again"],
}


def without_hidden(book: Manifest, columns: ColumnCache) -> tuple[SealedPeriods, Arrivals]:
    """The book as its tombstones want it shown: its periods, and rows that have to be added to them."""
    waiting = book.pending_tombstones()
    return (
        exclude_visitors(book, columns, hidden_visitors(waiting), is_erased(waiting))
        if waiting
        else (SealedPeriods(book, columns), NO_ARRIVALS)
    )


def exclude_visitors(
    book: Manifest, columns: ColumnCache, visitors: pl.Series, gone: pl.Expr
) -> tuple[SealedPeriods, Arrivals]:
    """The periods without anything of the visitors, and those rows of theirs for which `gone` does not hold.

    `gone` is a condition on position, visitor, received_us. Periods that show nothing then are left out.
    """
    whole = SealedPeriods(book, columns)
    shelves, staying = dict[str, PeriodEntry](), [NO_ARRIVALS]
    for key, shelf in book.periods.items():
        theirs = _narrow(whole, key, visitors)
        shelves[key] = _less(shelf, theirs)
        if any(not frame.filter(~gone).is_empty() for frame in theirs[1:4]):
            staying.append(_staying(whole.rows(key, visitors), gone))
    bare = with_periods(book, {key: shelf for key, shelf in shelves.items() if shelf.counted or shelf.rejected})
    return SealedPeriods(bare, columns, visitors), Arrivals(
        *(pl.concat(frames) for frames in zip(*staying, strict=True))
    )


def with_periods(book: Manifest, periods: dict[str, PeriodEntry]) -> Manifest:
    """The book with other periods; dropped events of those that are gone stay in its sum."""
    gone = sum(shelf.dropped for key, shelf in book.periods.items() if key not in periods)
    return with_balanced_counts(msgspec.structs.replace(book, periods=periods, dropped=book.dropped + gone))


def with_balanced_counts(book: Manifest) -> Manifest:
    """Every hit that the book accepted is counted or rejected in it."""
    return msgspec.structs.replace(book, accepted=book.counted() + sum(book.rejected().values()))


def hidden_visitors(erased: tuple[Tombstone, ...]) -> pl.Series:
    return pl.Series("visitor", sorted({each.visitor for each in erased}), dtype=pl.UInt64)


def _narrow(whole: SealedPeriods, key: str, visitors: pl.Series) -> Layer:
    """The visitors' rows of a period, with the columns that counting needs."""
    wanted = pl.col("visitor").is_in(visitors.implode())
    frames = {section: whole.visible(key, section, names, wanted) for section, names in COUNTING_COLUMNS.items()}
    return Layer(visitors, **frames, open=EMPTY_LAYER.open)


def _less(shelf: PeriodEntry, theirs: Layer) -> PeriodEntry:
    return msgspec.structs.replace(
        shelf,
        counted=shelf.counted - theirs.events["position"].n_unique(),
        rejected=add_counts(shelf.rejected, less=count_rejected(theirs)),
        events=shelf.events - theirs.events.height,
    )


def _staying(layer: Layer, gone: pl.Expr) -> Arrivals:
    rows = pl.concat([layer.events.select(*EVENTS), layer.duplicates]).filter(~gone)
    return Arrivals(rows, layer.rejected.select(*REJECTED).filter(~gone))
