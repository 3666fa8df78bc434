"""Previews a draft of rules: processes and sessionizes the raw rows of some days under it, and stores nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Final, NamedTuple

import polars as pl

from collection.progress import OnProgress, ignore_progress
from configuration.exchange_rates import NO_RATES, Rates
from configuration.ruleset.ruleset import Ruleset
from processing.interruption import checkpoint, in_thread
from processing.pipeline.process import Processed
from processing.schema import BUILT, CONTENT, DAY_MS, ITEMS, LISTED, REJECTED, empty
from processing.segments.manifest import RawPart
from processing.segments.process_raw import (
    NOTHING_PROCESSED,
    concat_processed,
    process_isolating_failures,
    without_erased,
)
from processing.segments.raw_parts import read_raw
from processing.segments.read_view import EVENT_OF_ITEM, ReadView
from processing.segments.sealed_periods import categorical_text
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.first_sightings import FirstSightings, Sighting, sightings_of
from processing.sessions.layers import Arrivals, Layer
from processing.sessions.local_periods import bounds, day_key, day_number, period
from processing.sessions.sessionize import Carry, Limits, no_carry
from processing.sessions.timeline import InMemory, advance
from processing.store.port import Store

THREADS: Final = 2  # polars uses all cores itself, but the work per distinct value runs on one


class Preview(NamedTuple):
    """The days under the draft, as a source of reports, and the hits that the draft rejects."""

    property: int
    zone: str
    currency: str
    rules: Ruleset
    frame: pl.DataFrame  # BUILT, text as Categorical
    rejected_hits: pl.DataFrame  # REJECTED, without duplicates
    frame_of_items: pl.DataFrame = empty(ITEMS)
    rates: Rates = NO_RATES

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        within = pl.col("day").is_between(day_number(first), day_number(last))
        return self.frame.filter(within).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        """Returns the first sightings in the previewed days: what was before them is not counted under the draft."""
        return sightings_of(self.frame, kind)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        of_event = [name for name in columns if name not in ITEMS]
        events = self.events(first, last, [*EVENT_OF_ITEM, *of_event])
        return self.frame_of_items.join(events, on=EVENT_OF_ITEM, how="inner").select(columns)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """Returns the hits that the rules reject, by event time, with schema.LISTED."""
        start, end = bounds(first, last, self.zone)
        return self.rejected_hits.select(*LISTED).filter(pl.col("time").is_between(start, end, closed="left"))

    def with_content(self, rows: pl.DataFrame) -> pl.DataFrame:
        contents = self.rejected_hits.select("position", *CONTENT)
        return rows.join(contents, on="position", how="left", maintain_order="left")


def preview(
    store: Store, view: ReadView, draft: Ruleset, first: date, last: date, on_progress: OnProgress = ignore_progress
) -> Preview:
    """Previews the local days `first` to `last` of the view's property. Progress is reported in raw parts.

    Whole periods are built on the live carry of the period before them, so that a draft that changes nothing shows the
    same numbers. If the draft changes the time zone or the limits of sessions, there is no carry into the first day.
    """
    start, end, carry = _span(view, draft.settings.zone, first, last, same=_same_periods(view, draft))
    processed = _process(store, view, draft, start, end, on_progress)
    timeline = InMemory(draft.settings.zone, _limits(draft), day_key, carry)
    layers = list[Layer]()
    for change in advance(timeline, Arrivals(processed.events, processed.rejected, processed.items)):
        checkpoint()
        layers.append(change.layer)
    rejected = [layer.rejected.filter(~pl.col("again")).select(*REJECTED) for layer in layers]
    return Preview(
        view.property,
        draft.settings.zone,
        draft.settings.currency,
        draft,
        pl.concat([pl.DataFrame(schema=BUILT), *(layer.events for layer in layers)]).with_columns(categorical_text()),
        pl.concat([pl.DataFrame(schema=REJECTED), *rejected]),
        pl.concat([empty(ITEMS), *(layer.items for layer in layers)]).with_columns(categorical_text()),
        view.rates,
    )


def rows_to_read(view: ReadView, draft: Ruleset, first: date, last: date) -> int:
    """Returns how many raw rows a preview of these days reads at most."""
    start, end, _ = _span(view, draft.settings.zone, first, last, same=_same_periods(view, draft))
    tail = view.tail.events.height + view.tail.rejected.height
    return tail + sum(part.ref.rows for part in _parts(view, start, end))


def counts_anything(store: Store, view: ReadView, draft: Ruleset, first: date, last: date) -> bool:
    """Returns whether the draft counts any hit of these days, or there are none. Reads the newest rows first."""
    start, end, _ = _span(view, draft.settings.zone, first, last, same=False)
    has_hits = False
    for read in reversed(_raw_readers(store, view, start, end)):
        checkpoint()
        rows = read()
        has_hits = has_hits or not rows.is_empty()
        if not process_isolating_failures(rows, draft).events.is_empty():
            return True
    return not has_hits


def _limits(draft: Ruleset) -> Limits:
    return Limits(draft.settings.session_timeout_s * 1000, draft.settings.engaged_s * 1000)


def _same_periods(view: ReadView, draft: Ruleset) -> bool:
    return (draft.settings.zone, _limits(draft)) == (view.zone, view.sealed.manifest.limits)


def _span(view: ReadView, zone: str, first: date, last: date, *, same: bool) -> tuple[int, int, Carry]:
    """Returns the instants (ms) between which raw rows are needed, and the carry at the start.

    `same`: the draft has the periods of the view, so that theirs are completed and their carry holds.
    """
    keys = _touched_periods(view, first, last) if same else []
    if not keys:
        return period(first.isoformat(), zone).start, period(last.isoformat(), zone).end, no_carry()
    start = min(period(keys[0], zone).start, period(first.isoformat(), zone).start)
    end = max(period(keys[-1], zone).end, period(last.isoformat(), zone).end)
    change = view.changes.get(keys[0])
    return start, end, change.carry if change else view.sealed.carry(keys[0])


def _touched_periods(view: ReadView, first: date, last: date) -> list[str]:
    """Returns the keys of the view's periods that have any of the days, in order."""
    periods = [period(key, view.zone) for key in view.keys()]  # noqa: SIM118 - not a dict
    low, high = day_number(first), day_number(last)
    return [touched.key for touched in periods if touched.first_day <= high and touched.last_day >= low]


def _process(store: Store, view: ReadView, draft: Ruleset, start: int, end: int, on_progress: OnProgress) -> Processed:
    """Processes part by part, so that the raw rows of only a few parts are in memory at once."""
    readers = _raw_readers(store, view, start, end)
    parts = []

    def process_part(read: Callable[[], pl.DataFrame]) -> Processed:
        checkpoint()
        return process_isolating_failures(read(), draft)

    with ThreadPoolExecutor(THREADS) as pool:
        for part in pool.map(in_thread(process_part), readers):
            parts.append(part)
            on_progress("raw parts", len(parts), len(readers))
    return concat_processed(parts) if parts else NOTHING_PROCESSED


def _raw_readers(store: Store, view: ReadView, start: int, end: int) -> list[Callable[[], pl.DataFrame]]:
    """Returns functions that read the raw rows of these instants, in order of time: sealed ones, then the tail's."""
    in_span = pl.col("time").is_between(start, end, closed="left")
    sources = [partial(read_raw, store, part) for part in _parts(view, start, end)]
    if view.tail.blocks:
        sources.append(partial(store.rows, [block.key for block in view.tail.blocks], view.property))

    def read(source: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        return without_erased(source().filter(in_span), view.sealed.manifest.tombstones)

    return [partial(read, source) for source in sources]


def _parts(view: ReadView, start: int, end: int) -> list[RawPart]:
    parts = [part for part in view.sealed.manifest.raw if part.day * DAY_MS < end and (part.day + 1) * DAY_MS > start]
    return sorted(parts, key=lambda part: part.day)
