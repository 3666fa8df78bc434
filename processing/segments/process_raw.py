"""Processes raw rows under their rules: those they were received under, or later ones that were applied to the past."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import polars as pl

from configuration.numbers import how_many
from configuration.ruleset.context import ReceiveSettings
from configuration.ruleset.ruleset import Ruleset, decode_ruleset, plain_ruleset, ruleset_name
from processing.pipeline.process import NOTHING_DROPPED, Processed, process
from processing.schema import EVENTS, ITEMS, REJECTED, empty
from processing.segments.manifest import AppliedRules, Tombstone
from processing.store.port import Missing, Store

logger = logging.getLogger(__name__)

FIRST_RULES: Final = 1
NOTHING_PROCESSED: Final = Processed(empty(EVENTS), empty(REJECTED), NOTHING_DROPPED, empty(ITEMS))


def apply_rules(
    store: Store,
    property: int,
    raw: pl.DataFrame,
    number: int,
    applied: Sequence[AppliedRules],
    settings: ReceiveSettings | None = None,
) -> Processed:
    """Processes RAW rows that were received under the ruleset of this number, or 0: under the rules of `settings`.

    A row whose time lies in a span of `applied` rules is processed under those if their number is larger. Raises
    Missing, CorruptBlob, UnreadableRuleset.
    """
    parts = [
        process_isolating_failures(rows, ruleset_of(store, property, rules, settings))
        for rules, rows in _by_rules(raw, number, applied)
    ]
    return concat_processed(parts)


def ruleset_of(store: Store, property: int, number: int, settings: ReceiveSettings | None = None) -> Ruleset:
    """Reads the ruleset of a number; 0: the rules of `settings`, or without settings the first ones of the property."""
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
    """Filters out the rows that tombstones erase; the rows have `visitor` and `received_us`."""
    return rows.filter(~is_erased(erased)) if erased else rows


def is_erased(erased: Sequence[Tombstone]) -> pl.Expr:
    until = {tombstone.visitor: tombstone.until_us for tombstone in erased}
    last = pl.col("visitor").replace_strict(until, default=-1, return_dtype=pl.Int64)
    return pl.col("received_us") <= last


def process_isolating_failures(raw: pl.DataFrame, rules: Ruleset) -> Processed:
    """Works like `process`, but finds a hit that breaks a step by halving, and rejects that hit only.

    Raises MemoryError and OSError.
    """
    try:
        return process(raw, rules)
    except (MemoryError, OSError):  # no hit is to blame
        raise
    except Exception:
        positions = raw["position"].unique(maintain_order=True)
        logger.exception("processing failed on %s of property %d", how_many(len(positions), "hit"), rules.property)
        if len(positions) == 1:
            return process(raw.with_columns(error=pl.lit("processing error")), rules)
    first = pl.col("position").is_in(positions[: len(positions) // 2].implode())
    return concat_processed([process_isolating_failures(raw.filter(half), rules) for half in (first, ~first)])


def _by_rules(raw: pl.DataFrame, number: int, applied: Sequence[AppliedRules]) -> list[tuple[int, pl.DataFrame]]:
    if not any(rules.rules > number for rules in applied):
        return [(number, raw)]
    later = [
        pl.when(pl.col("time").is_between(rules.start, rules.end, closed="left")).then(pl.lit(rules.rules))
        for rules in applied
    ]
    numbers = raw.select(pl.max_horizontal(pl.lit(number), *later).cast(pl.Int64).alias("rules")).to_series()
    return [(used, raw.filter(numbers == used)) for used in sorted(numbers.unique().to_list())]


@lru_cache(256)
def _decoded(data: bytes) -> Ruleset:
    return decode_ruleset(data)
