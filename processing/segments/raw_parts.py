"""Reads raw rows of a property from its segments, and processes them."""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import polars as pl

from processing.pipeline.process import Processed
from processing.schema import RAW
from processing.segments.manifest import AppliedRules, RawPart
from processing.segments.process_raw import NOTHING_PROCESSED, apply_rules, concat_processed
from processing.store.port import Store
from processing.store.raw_block import bytes_of_items

BATCH_ROWS: Final = 60_000  # of raw rows that are processed together
BATCH_BYTES: Final = 24 * 2**20  # of their texts


class VisitorRange(NamedTuple):
    """The visitors with keys from `first` to `last`, both included."""

    first: int
    last: int


EVERYBODY: Final = VisitorRange(0, 2**64 - 1)


def read_raw(store: Store, part: RawPart, columns: Sequence[str] = tuple(RAW)) -> pl.DataFrame:
    """Reads the RAW rows of a part. Raises Missing, CorruptBlob."""
    return store.read(part.ref.segment, f"{part.ref.prefix}rows", columns)


def read_hit(store: Store, part: RawPart, position: int) -> pl.DataFrame:
    """Reads the RAW rows of one hit, none if the part does not have it. No other row is read whole: a hit may be as
    large as a request.
    """
    positions = read_raw(store, part, ["position"])["position"]
    rows = [
        store.read(part.ref.segment, f"{part.ref.prefix}rows", tuple(RAW), (number, 1))
        for number in (positions == position).arg_true()
    ]
    return pl.concat([pl.DataFrame(schema=RAW), *rows])


def process_parts(
    store: Store,
    property: int,
    parts: Iterable[RawPart],
    condition: pl.Expr,
    applied: Sequence[AppliedRules],
    visitors: VisitorRange = EVERYBODY,
) -> Processed:
    """Processes the rows for which the condition holds, each under its rules.

    Rows of pending tombstones are included: they are hidden in every generation, so that all have the same sums.
    """
    within = condition & _is_between(visitors)
    processed = []
    for rules, group in groupby(sorted(parts, key=lambda part: part.rules), lambda part: part.rules):
        same = list(group)
        for some in visitor_ranges(store, same, BATCH_ROWS, BATCH_BYTES):
            both = VisitorRange(max(some.first, visitors.first), min(some.last, visitors.last))
            if both.first <= both.last:
                rows = pl.concat([_rows_of(store, part, both).filter(within) for part in same])
                processed += [apply_rules(store, property, each, rules, applied) for each in _by_items(rows)]
    return concat_processed(processed) if processed else NOTHING_PROCESSED


def _by_items(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Divides the rows by hits, so that their items fit into memory while they are processed."""
    parts = 1 + bytes_of_items(rows["rest"]) // BATCH_BYTES
    if parts == 1:
        return [rows]
    return [rows.filter(pl.col("position") % parts == part) for part in range(parts)]


def visitor_ranges(store: Store, parts: Sequence[RawPart], rows: int, text_bytes: int) -> list[VisitorRange]:
    """Divides all visitors into ranges with about so many rows, and bytes of text, in the parts.

    All events of a visitor are in one range, and so are those of a hit, which must be processed together.
    """
    sizes = [sum(store.column_bytes(part.ref.segment, f"{part.ref.prefix}rows").values()) for part in parts]
    ranges = max(-(-sum(part.ref.rows for part in parts) // rows), -(-sum(sizes) // text_bytes))
    if ranges <= 1:
        return [EVERYBODY]
    ordered = pl.concat([read_raw(store, part, ["visitor"])["visitor"] for part in parts]).sort()
    firsts = ordered.gather_every(-(-len(ordered) // ranges)).unique().sort().to_list()
    return [VisitorRange(first, after - 1) for first, after in pairwise([0, *firsts[1:], EVERYBODY.last + 1])]


def _rows_of(store: Store, part: RawPart, visitors: VisitorRange) -> pl.DataFrame:
    """Reads the rows of the visitors, and perhaps others."""
    if visitors == EVERYBODY:
        return read_raw(store, part)
    column = read_raw(store, part, ["visitor"])["visitor"]
    if not column.is_sorted():  # as in a part that an old version wrote
        return read_raw(store, part).filter(_is_between(visitors))
    low, high = column.search_sorted(visitors.first), column.search_sorted(visitors.last, side="right")
    return store.read(part.ref.segment, f"{part.ref.prefix}rows", list(RAW), (low, high - low))


def _is_between(visitors: VisitorRange) -> pl.Expr:
    first, last = (pl.lit(bound, dtype=pl.UInt64) for bound in visitors)
    return pl.col("visitor").is_between(first, last)


def parts_with(store: Store, parts: Iterable[RawPart], condition: pl.Expr) -> list[RawPart]:
    """Returns the parts with a row for which the condition holds, which may use `position` only."""
    return [part for part in parts if not read_raw(store, part, ["position"]).filter(condition).is_empty()]
