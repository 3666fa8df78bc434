"""Folds layers into one, a few columns at a time, so that the number of their rows hardly matters."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import polars as pl

from processing.schema import Schema
from processing.segments.condensed_columns import CondensedRows, WatchedEvents
from processing.segments.manifest import LayerRef
from processing.segments.merged_rows import MergedRows, Source, in_memory, stored
from processing.segments.sealed_periods import READABLE_SECTIONS, SECTIONS
from processing.sessions.condensed import CONDENSED_VERSION, MIN_CONDENSED_EVENTS, RowSource
from processing.sessions.first_sightings import SIGHTINGS, Sighting, first_rows
from processing.sessions.layers import ROW_ORDER, Layer
from processing.store.port import Store
from processing.store.rows import ColumnRows

CATEGORICAL_SECTIONS: Final = {
    RowSource.EVENTS,
    RowSource.CONDENSED,
    *(kind.section for kind in SIGHTINGS),
}  # reports read Categorical text several times as fast

AnyLayer: TypeAlias = LayerRef | Layer  # stored, or in memory
Stack: TypeAlias = Sequence[AnyLayer]  # the layers of one period, the lowest first
Sections: TypeAlias = dict[str, pl.DataFrame | ColumnRows]


def fold(
    store: Store, stacks: Sequence[Stack], segment: str, prefix: str, *, lowest: bool = True,
    hidden: pl.Series | None = None,
) -> tuple[LayerRef, Sections]:  # fmt: skip
    """Folds the layers of periods that follow each other into one layer, without the rows of `hidden` visitors.

    Returns its reference, and its sections like `writer.encode_layer`.
    """
    merged = {
        name: MergedRows(list(_sources(store, stacks, name, hidden)), stored_schema(name), ROW_ORDER[name])
        for name in SECTIONS
    }
    rows = merged["events"].height + merged["duplicates"].height + merged["rejected"].height
    sections: Sections = {name: found for name, found in merged.items() if found.height}
    if not lowest:
        visitors = [_visitors(store, layer) for stack in stacks for layer in stack]
        sections["visitors"] = pl.concat(visitors).unique().sort().to_frame("visitor")
    without = tuple(name for name in (*SECTIONS, "visitors") if name not in sections)
    version, sightings = 0, tuple[str, ...]()
    if merged["events"].height >= MIN_CONDENSED_EVENTS:
        version, sightings = CONDENSED_VERSION, tuple(kind.section for kind in SIGHTINGS)
        firsts = {kind.section: _first_sightings(merged["events"], kind) for kind in SIGHTINGS if not kind.is_condensed}
        without += tuple(name for name, found in firsts.items() if not found.height)
        sections["events"] = events = WatchedEvents(merged["events"])
        sections[RowSource.CONDENSED] = CondensedRows(events, stored_schema(RowSource.CONDENSED))
        sections |= {name: found for name, found in firsts.items() if found.height}
    named = {f"{prefix}{name}": content for name, content in sections.items()}
    return LayerRef(segment, prefix, rows, without, version, merged["items"].height, sightings), named


def _first_sightings(events: MergedRows, kind: Sighting) -> MergedRows:
    """Reads first what most events do not have, such as the name of a purchase."""
    condition = pl.col(kind.key).is_not_null() if kind.where is None else kind.where
    possible = _columns(events, condition.meta.root_names()).with_row_index("row").filter(condition)
    rows = possible["row"]
    if possible.height:
        others = [name for name in kind.search_columns if name not in possible.columns]
        rows = rows.gather(first_rows(possible.hstack(_columns(events, others, rows)), kind))
    return events.taking(rows, {name: events.schema[name] for name in kind.columns})


def _columns(events: MergedRows, names: Sequence[str], rows: pl.Series | None = None) -> pl.DataFrame:
    columns = dict[str, pl.Series]()
    for name, parts in zip(names, events.columns(names), strict=True):
        whole = pl.concat(list(parts))
        columns[name] = whole if rows is None else whole.gather(rows)
    return pl.DataFrame(columns)


def stored_schema(section: str) -> Schema:
    """Returns the columns of a section, in the types in which they are written."""
    schema = READABLE_SECTIONS[section]
    if section not in CATEGORICAL_SECTIONS:
        return schema
    return {name: pl.Categorical() if kind == pl.String() else kind for name, kind in schema.items()}


def _sources(store: Store, stacks: Sequence[Stack], section: str, hidden: pl.Series | None) -> Iterator[Source]:
    for stack in stacks:
        yield from _sources_of(store, stack, section, hidden)


def _sources_of(store: Store, stack: Stack, section: str, hidden: pl.Series | None) -> Iterator[Source]:
    """Yields the rows of each layer that no layer above it masks."""
    above = [] if hidden is None else [hidden]
    for layer in reversed(stack):
        masked = ~pl.col("visitor").is_in(pl.concat(above).implode()) if above else None
        if isinstance(layer, Layer):
            yield in_memory(getattr(layer, section), masked)
        elif not layer.lacks(section):
            yield stored(store, layer.segment, f"{layer.prefix}{section}", masked)
        if layer is not stack[0]:
            above.append(_visitors(store, layer))


def _visitors(store: Store, layer: AnyLayer) -> pl.Series:
    if isinstance(layer, Layer):
        return layer.visitors
    named = [name for name in (SECTIONS if "visitors" in layer.without else ["visitors"]) if not layer.lacks(name)]
    columns = [store.read(layer.segment, f"{layer.prefix}{name}", ["visitor"])["visitor"] for name in named]
    return pl.concat([pl.Series("visitor", [], dtype=pl.UInt64), *columns]).unique().sort()
