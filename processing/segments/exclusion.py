"""Takes visitors out of the periods of a manifest, as if their rows had never arrived.

This is how an erased visitor is hidden: reports do it while they read, until `privacy.tombstones` has removed the rows.
Rows of these visitors that were received after the erasure stay: they are returned as new arrivals.
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


def without_hidden(manifest: Manifest, columns: ColumnCache) -> tuple[SealedPeriods, Arrivals]:
    """Returns the periods without the visitors of pending tombstones, and the rows of theirs that are not erased."""
    tombstones = manifest.pending_tombstones()
    if not tombstones:
        return SealedPeriods(manifest, columns), NO_ARRIVALS
    return exclude_visitors(manifest, columns, hidden_visitors(tombstones), is_erased(tombstones))


def exclude_visitors(
    manifest: Manifest, columns: ColumnCache, visitors: pl.Series, gone: pl.Expr
) -> tuple[SealedPeriods, Arrivals]:
    """Returns the periods without the visitors, and the rows of these visitors that are not `gone`.

    `gone` is a condition on position, visitor, received_us. Periods without any hit left are dropped.
    """
    whole = SealedPeriods(manifest, columns)
    entries, remaining = dict[str, PeriodEntry](), [NO_ARRIVALS]
    for key, entry in manifest.periods.items():
        excluded = _countable_rows(whole, key, visitors)
        entries[key] = _subtract(entry, excluded)
        if any(not frame.filter(~gone).is_empty() for frame in excluded[1:4]):
            remaining.append(_remaining(whole.rows(key, visitors), gone))
    bare = with_periods(manifest, {key: entry for key, entry in entries.items() if entry.counted or entry.rejected})
    return SealedPeriods(bare, columns, visitors), Arrivals(
        *(pl.concat(frames) for frames in zip(*remaining, strict=True))
    )


def with_periods(manifest: Manifest, periods: dict[str, PeriodEntry]) -> Manifest:
    """Replaces the periods; dropped events of periods that are left out go into the manifest's own sum."""
    dropped = sum(entry.dropped for key, entry in manifest.periods.items() if key not in periods)
    return with_balanced_counts(msgspec.structs.replace(manifest, periods=periods, dropped=manifest.dropped + dropped))


def with_balanced_counts(manifest: Manifest) -> Manifest:
    """Sets `accepted` to the sum of the counted and the rejected hits."""
    return msgspec.structs.replace(manifest, accepted=manifest.counted() + sum(manifest.rejected().values()))


def hidden_visitors(erased: tuple[Tombstone, ...]) -> pl.Series:
    return pl.Series("visitor", sorted({tombstone.visitor for tombstone in erased}), dtype=pl.UInt64)


def _countable_rows(whole: SealedPeriods, key: str, visitors: pl.Series) -> Layer:
    """Reads the visitors' rows of a period, with the columns that counting needs."""
    condition = pl.col("visitor").is_in(visitors.implode())
    frames = {section: whole.visible(key, section, names, condition) for section, names in COUNTING_COLUMNS.items()}
    return Layer(visitors, **frames, open=EMPTY_LAYER.open, items=EMPTY_LAYER.items)


def _subtract(entry: PeriodEntry, excluded: Layer) -> PeriodEntry:
    return msgspec.structs.replace(
        entry,
        counted=entry.counted - excluded.events["position"].n_unique(),
        rejected=add_counts(entry.rejected, less=count_rejected(excluded)),
        events=entry.events - excluded.events.height,
    )


def _remaining(layer: Layer, gone: pl.Expr) -> Arrivals:
    rows = pl.concat([layer.events.select(*EVENTS), layer.duplicates]).filter(~gone)
    return Arrivals(rows, layer.rejected.select(*REJECTED).filter(~gone), layer.items.filter(~gone))
