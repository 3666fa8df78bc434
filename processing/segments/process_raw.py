"""Raw rows become events under the rules that are theirs: those that they were received under, or later ones that were
applied to the past.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import polars as pl

from configuration.ruleset.context import ReceiveSettings
from configuration.ruleset.ruleset import Ruleset, decode_ruleset, plain_ruleset, ruleset_name
from processing.pipeline.process import NOTHING_DROPPED, Processed, process
from processing.schema import EVENTS, REJECTED, empty
from processing.segments.manifest import AppliedRules, Tombstone
from processing.store.port import Missing, Store

logger = logging.getLogger(__name__)

FIRST_RULES: Final = 1
NOTHING_PROCESSED: Final = Processed(empty(EVENTS), empty(REJECTED), NOTHING_DROPPED)


def apply_rules(
    store: Store,
    property: int,
    raw: pl.DataFrame,
    number: int,
    bases: Sequence[AppliedRules],
    settings: ReceiveSettings | None = None,
) -> Processed:
    """`number` is that of the rules which the rows were received under; `settings` hold where it is 0.

    Raises Missing, CorruptBlob, UnreadableRuleset.
    """
    parts = [
        process_isolating_failures(rows, ruleset_of(store, property, rules, settings))
        for rules, rows in _by_rules(raw, number, bases)
    ]
    return concat_processed(parts)


def ruleset_of(store: Store, property: int, number: int, settings: ReceiveSettings | None = None) -> Ruleset:
    """Without number and settings: the first rules that the property had, since those are its settings then."""
    if number == 0 and settings is not None:
        return plain_ruleset(settings)
    try:
        return _decoded(store.context(ruleset_name(property, number or FIRST_RULES)))
    except Missing:
        if number:
            raise
        return Ruleset(property)


def concat_processed(parts: Sequence[Processed]) -> Processed:
    if len(parts) == 1:
        return parts[0]
    frames = zip(NOTHING_PROCESSED, *parts, strict=True)
    return Processed(*(pl.concat(frame) for frame in frames))


def without_erased(rows: pl.DataFrame, erased: Sequence[Tombstone]) -> pl.DataFrame:
    """Leaves out what erased visitors sent before; the rows have `visitor` and `received_us`."""
    return rows.filter(~is_erased(erased)) if erased else rows


def is_erased(erased: Sequence[Tombstone]) -> pl.Expr:
    until = {each.visitor: each.until_us for each in erased}
    last = pl.col("visitor").replace_strict(until, default=-1, return_dtype=pl.Int64)
    return pl.col("received_us") <= last


def process_isolating_failures(raw: pl.DataFrame, rules: Ruleset) -> Processed:
    """Like `process`, but a hit that breaks a step is found by halving, and alone is rejected."""
    try:
        return process(raw, rules)
    except Exception:
        positions = raw["position"].unique(maintain_order=True)
        logger.exception("processing failed on %d hits of property %d", len(positions), rules.property)
        if len(positions) == 1:
            return process(raw.with_columns(error=pl.lit("processing error")), rules)
    first = pl.col("position").is_in(positions[: len(positions) // 2].implode())
    return concat_processed([process_isolating_failures(raw.filter(half), rules) for half in (first, ~first)])


def _by_rules(raw: pl.DataFrame, number: int, bases: Sequence[AppliedRules]) -> list[tuple[int, pl.DataFrame]]:
    if not any(base.rules > number for base in bases):
        return [(number, raw)]
    applied = [
        pl.when(pl.col("time").is_between(base.start, base.end, closed="left")).then(pl.lit(base.rules))
        for base in bases
    ]
    rules = raw.select(pl.max_horizontal(pl.lit(number), *applied).cast(pl.Int64).alias("rules")).to_series()
    return [(each, raw.filter(rules == each)) for each in sorted(rules.unique().to_list())]


@lru_cache(256)
def _decoded(data: bytes) -> Ruleset:
    return decode_ruleset(data)
