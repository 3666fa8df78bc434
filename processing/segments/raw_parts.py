"""Raw rows of a property as they are kept in its segments, and what the rules make of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import polars as pl

from processing.pipeline.process import Processed
from processing.schema import RAW
from processing.segments.manifest import AppliedRules, RawPart
from processing.segments.process_raw import NOTHING_PROCESSED, apply_rules, concat_processed
from processing.store.port import Store


def read_raw(store: Store, part: RawPart, columns: Sequence[str] = tuple(RAW)) -> pl.DataFrame:
    """Raises Missing, CorruptBlob."""
    return store.read(part.ref.segment, f"{part.ref.prefix}rows", columns)


def process_parts(
    store: Store,
    property: int,
    parts: Iterable[RawPart],
    wanted: pl.Expr,
    bases: Sequence[AppliedRules],
) -> Processed:
    """The rows for which `wanted` holds, each under its rules. Those that are hidden only are among them: they are
    hidden in what is built of them, too, and the sums of every generation agree.
    """
    by_rules: dict[int, list[pl.DataFrame]] = defaultdict(list)
    for part in parts:
        by_rules[part.rules].append(read_raw(store, part).filter(wanted))
    done = [apply_rules(store, property, pl.concat(rows), number, bases) for number, rows in by_rules.items()]
    return concat_processed(done) if done else NOTHING_PROCESSED


def parts_with(store: Store, parts: Iterable[RawPart], wanted: pl.Expr) -> list[RawPart]:
    """The parts that have such rows; `wanted` is a condition on positions."""
    return [part for part in parts if not read_raw(store, part, ["position"]).filter(wanted).is_empty()]
