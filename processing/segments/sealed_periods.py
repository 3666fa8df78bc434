"""Reads the periods of a manifest through the column cache, as `timeline.Periods`."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import polars as pl

from processing.schema import (
    ADDED_COLUMNS,
    BUILT,
    CONTENT,
    EVENTS,
    ITEMS,
    OPEN_IDS,
    OPEN_SESSIONS,
    REFUSED,
    Schema,
    conform,
)
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import LayerRef, Manifest
from processing.sessions.condensed import CONDENSED, RowSource, condensed_rows, has_condensed, source_columns
from processing.sessions.first_sightings import SIGHTINGS, Sighting, first_of_condensed, first_sightings
from processing.sessions.layers import EMPTY_LAYER, Layer, unstable_ids, without_visitors
from processing.sessions.local_periods import period
from processing.sessions.sessionize import Carry, no_carry
from processing.store.port import Store

# The sections that make a layer.
SECTIONS: Final[dict[str, Schema]] = {
    "events": BUILT,
    "duplicates": EVENTS,
    "rejected": REFUSED,
    "open": OPEN_SESSIONS,
    "items": ITEMS,
}
# With the rows that can be made of the events.
READABLE_SECTIONS: Final[dict[str, Schema]] = {
    **SECTIONS,
    RowSource.CONDENSED: CONDENSED,
    **{kind.section: kind.schema for kind in SIGHTINGS},
}


class SealedPeriods:
    """The periods of one manifest, without the rows of `hidden` visitors. `columns` may be shared by all properties of
    the process.
    """

    def __init__(self, manifest: Manifest, columns: ColumnCache, hidden: pl.Series | None = None) -> None:
        self.manifest, self.columns, self.hidden = manifest, columns, hidden
        self.zone, self.limits, self.kept_from = manifest.zone, manifest.limits, manifest.kept_from
        self.key_of = manifest.key_of
        self.initial_carry: Carry | None = None

    def keys(self) -> list[str]:
        return sorted(self.manifest.periods, key=lambda key: period(key, self.zone).start)

    def rows(self, key: str, visitors: pl.Series) -> Layer:
        if key not in self.manifest.periods:
            return EMPTY_LAYER
        condition = pl.col("visitor").is_in(visitors.implode())
        return Layer(visitors, *(self.visible(key, name, list(schema), condition) for name, schema in SECTIONS.items()))

    def carry(self, key: str) -> Carry:
        ref = self.manifest.periods[key].carry
        if not ref.segment:
            return no_carry()
        sessions = self._read(ref, "carry_sessions", OPEN_SESSIONS)
        carry = Carry(sessions, self._read(ref, "carry_ids", OPEN_IDS))
        return carry if self.hidden is None else Carry(*(without_visitors(frame, self.hidden) for frame in carry))

    def end_state(self, key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = [*OPEN_IDS, "stable"]
        events = self.visible(key, "events", named, ~pl.col("stable"))
        rejected = self.visible(key, "rejected", [*named, "again"], ~pl.col("stable"))
        return self.visible(key, "open", list(OPEN_SESSIONS)), unstable_ids(events, rejected)

    def visible(self, key: str, section: str, names: Sequence[str], condition: pl.Expr | None = None) -> pl.DataFrame:
        """Reads columns of a section of the period, without the rows that a layer above masks; text is String.

        `condition` filters the rows, and may use any column of the section.
        """
        layers = self.manifest.periods[key].layers
        frames = [self._unmasked(layers, number, section, names, condition) for number in range(len(layers))]
        return pl.concat([_as_text(frame, SECTIONS[section]) for frame in frames])

    def categorical(self, key: str, section: str, names: Sequence[str]) -> list[pl.DataFrame]:
        """Like `visible`, of any of READABLE_SECTIONS, a frame per layer, text as Categorical."""
        layers = self.manifest.periods[key].layers
        read = self._condensed if section == RowSource.CONDENSED else partial(self._unmasked, section=section)
        return [read(layers, number, names=names) for number in range(len(layers))]

    def first_sightings(self, key: str, kind: Sighting) -> list[pl.DataFrame]:
        """Returns the rows of a kind of first sighting in the period, a frame per layer, text as Categorical: as they
        were written, or made from the events.
        """
        layers, frames = self.manifest.periods[key].layers, list[pl.DataFrame]()
        for number, layer in enumerate(layers):
            known = kind.section in layer.sightings
            if known and kind.is_condensed and has_condensed(kind.columns, layer.condensed_version):
                rows = self._unmasked(layers, number, RowSource.CONDENSED, kind.columns)
                frames.append(first_of_condensed(rows))
            elif known and not kind.is_condensed:
                frames.append(self._unmasked(layers, number, kind.section, kind.columns))
            else:
                frames.append(first_sightings(self._unmasked(layers, number, "events", kind.source_columns), kind))
        return frames

    def contents(self, key: str, positions: pl.Series) -> Iterator[pl.DataFrame]:
        """Yields `position`, `content`, `content_bytes` of rejected hits, masked ones too. Only these rows are read."""
        for ref in reversed(self.manifest.periods[key].layers):
            if "rejected" in ref.without:
                continue
            section = f"{ref.prefix}rejected"
            known = self.columns.frame(ref.segment, section, ["position", "content_bytes"]).with_row_index("row")
            for row in known.filter(pl.col("position").is_in(positions.implode())).iter_slices(1):
                at = int(row["row"].item())
                content = self.columns.store.read(ref.segment, section, ["content"], (at, 1))
                yield row.drop("row").hstack(content)

    def _condensed(self, layers: Sequence[LayerRef], number: int, names: Sequence[str]) -> pl.DataFrame:
        """Reads condensed rows as they were written, if they have these columns, or makes them from the events."""
        if has_condensed(names, layers[number].condensed_version):
            return self._unmasked(layers, number, RowSource.CONDENSED, names)
        return condensed_rows(self._unmasked(layers, number, "events", source_columns(names)), names)

    def _unmasked(
        self,
        layers: Sequence[LayerRef],
        number: int,
        section: str,
        names: Sequence[str],
        condition: pl.Expr | None = None,
    ) -> pl.DataFrame:
        ref = layers[number]
        if ref.lacks(section):
            return _nothing(section, names)
        hidden = [self._visitors(above) for above in layers[number + 1 :]]
        hidden += [] if self.hidden is None else [self.hidden]
        masked = ~pl.col("visitor").is_in(pl.concat(hidden).implode()) if hidden else None
        shown = masked if condition is None else condition if masked is None else condition & masked
        needed = list(dict.fromkeys([*names, "visitor"])) if hidden else list(names)
        if shown is None:
            return self.columns.frame(ref.segment, f"{ref.prefix}{section}", needed)
        return self._where(ref, section, list(names), shown)

    def _where(self, ref: LayerRef, section: str, names: list[str], condition: pl.Expr) -> pl.DataFrame:
        """Evaluates the condition on the columns that it needs, and reads the others only if a row is left."""
        name = f"{ref.prefix}{section}"
        needs = self.columns.frame(ref.segment, name, condition.meta.root_names())
        mask = needs.select(condition.alias("mask")).to_series()
        if not mask.any():
            return _nothing(section, names)
        return self.columns.filtered(ref.segment, name, names, mask)

    def _visitors(self, ref: LayerRef) -> pl.Series:
        return self.columns.frame(ref.segment, f"{ref.prefix}visitors", ["visitor"])["visitor"]

    def _read(self, ref: LayerRef, section: str, schema: Schema) -> pl.DataFrame:
        return _as_text(self.columns.frame(ref.segment, f"{ref.prefix}{section}", list(schema)), schema)


def read_layer(store: Store, ref: LayerRef) -> Layer:
    """Reads a layer as it was written. Raises Missing, CorruptBlob."""
    frames = {
        name: pl.DataFrame(schema=schema)
        if ref.lacks(name)
        else conform_stored(store.read(ref.segment, f"{ref.prefix}{name}"), schema)
        for name, schema in SECTIONS.items()
    }
    if "visitors" in ref.without:
        visitors = pl.concat([frames[name]["visitor"] for name in SECTIONS]).unique().sort()
    else:
        visitors = store.read(ref.segment, f"{ref.prefix}visitors")["visitor"]
    return Layer(visitors, **frames)


def conform_stored(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Gives stored rows the columns of the schema, also if they were written before a column was added."""
    added = [ADDED_COLUMNS[name] for name in schema if name in ADDED_COLUMNS and name not in frame.columns]
    fallbacks = [pl.col(column.fallback).alias(column.name) for column in added if column.fallback]
    return conform(frame.with_columns(fallbacks), schema)


def categorical_text() -> pl.Expr:
    """Every text but content, of which no two are alike."""
    return pl.col(pl.String).exclude(*CONTENT).cast(pl.Categorical)


def _nothing(section: str, names: Sequence[str]) -> pl.DataFrame:
    schema = READABLE_SECTIONS[section]
    return pl.DataFrame(schema={name: schema[name] for name in names}).with_columns(categorical_text())


def _as_text(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    text = [name for name in frame.columns if schema.get(name) == pl.String()]
    return frame.with_columns(pl.col(text).cast(pl.String))
