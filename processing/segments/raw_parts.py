"""Reads raw rows of a property from its segments, and processes them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import polars as pl

from processing.pipeline.process import Processed
from processing.schema import RAW
from processing.segments.manifest import AppliedRules, RawPart
from processing.segments.process_raw import NOTHING_PROCESSED, apply_rules, concat_processed
from processing.store.port import Store


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
) -> Processed:
    """Processes the rows for which the condition holds, each under its rules.

    Rows of pending tombstones are included: they are hidden in every generation, so that all have the same sums.
    """
    by_rules: dict[int, list[pl.DataFrame]] = defaultdict(list)
    for part in parts:
        by_rules[part.rules].append(read_raw(store, part).filter(condition))
    processed = [apply_rules(store, property, pl.concat(rows), number, applied) for number, rows in by_rules.items()]
    return concat_processed(processed) if processed else NOTHING_PROCESSED


def parts_with(store: Store, parts: Iterable[RawPart], condition: pl.Expr) -> list[RawPart]:
    """Returns the parts with a row for which the condition holds, which may use `position` only."""
    return [part for part in parts if not read_raw(store, part, ["position"]).filter(condition).is_empty()]
