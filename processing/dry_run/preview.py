"""What a draft of rules would make of some days: the same process and build, beside what is live, not kept."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple

import polars as pl

from collection.progress import OnProgress, ignore_progress
from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.process import Processed
from processing.schema import BUILT, DAY_MS, REJECTED
from processing.segments.manifest import RawPart, Tombstone
from processing.segments.process_raw import (
    NOTHING_PROCESSED,
    concat_processed,
    process_isolating_failures,
    without_erased,
)
from processing.segments.raw_parts import read_raw
from processing.segments.read_view import ReadView
from processing.segments.sealed_periods import categorical_text
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.layers import Arrivals, Layer
from processing.sessions.local_periods import day_key, day_number, day_start, period
from processing.sessions.sessionize import Carry, Limits, no_carry
from processing.sessions.timeline import InMemory, advance
from processing.store.port import Store

THREADS: Final = 2  # the data frames' own work runs on all cores, what is done once per distinct value on one


class Preview(NamedTuple):
    """The days under the draft: `run.View`, and the hits that it does not count."""

    property: int
    zone: str
    currency: str
    rules: Ruleset
    frame: pl.DataFrame  # BUILT, text as Categorical
    refused: pl.DataFrame  # REJECTED, duplicates left out

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        within = pl.col("day").is_between(day_number(first), day_number(last))
        return self.frame.filter(within).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """schema.REJECTED: hits that the rules refuse, by their event time."""
        start, end = day_start(first, self.zone), day_start(last + timedelta(days=1), self.zone)
        return self.refused.filter(pl.col("time").is_between(start, end, closed="left"))


def preview(
    store: Store, view: ReadView, draft: Ruleset, first: date, last: date, on_progress: OnProgress = ignore_progress
) -> Preview:
    """The local days `first` to `last` of the view's property under the draft. `on_progress` hears of raw parts done.

    Whole periods are built, on what the period before hands on now, so that a draft that changes nothing shows the same
    numbers; where it changes the time zone or ends sessions elsewhere, the first day begins anew.
    """
    limits = _limits(draft)
    start, end, carry = _span(view, draft.settings.zone, first, last, same=_same_periods(view, draft))
    done = _processed(store, view, draft, start, end, on_progress)
    timeline = InMemory(draft.settings.zone, limits, day_key, carry)
    changes = advance(timeline, Arrivals(done.events, done.rejected))
    layers = [change.layer for change in changes]
    return Preview(
        view.property,
        draft.settings.zone,
        draft.settings.currency,
        draft,
        pl.concat([pl.DataFrame(schema=BUILT), *(layer.events for layer in layers)]).with_columns(categorical_text()),
        pl.concat([pl.DataFrame(schema=REJECTED), *map(_refused, layers)]),
    )


def rows_to_read(view: ReadView, draft: Ruleset, first: date, last: date) -> int:
    """How many raw rows a preview of these days reads, at most: it is what it costs."""
    start, end, _ = _span(view, draft.settings.zone, first, last, same=_same_periods(view, draft))
    tail = view.tail.events.height + view.tail.rejected.height
    return tail + sum(part.ref.rows for part in _parts(view, start, end))


def counts_anything(store: Store, view: ReadView, draft: Ruleset, first: date, last: date) -> bool:
    """Whether the draft counts a hit of these days; the newest are asked first. True where there are no hits."""
    start, end, _ = _span(view, draft.settings.zone, first, last, same=False)
    seen = False
    for raw in reversed(list(_raw(store, view, start, end))):
        rows = raw()
        seen = seen or not rows.is_empty()
        if not process_isolating_failures(rows, draft).events.is_empty():
            return True
    return not seen


def _limits(draft: Ruleset) -> Limits:
    return Limits(draft.settings.session_timeout_s * 1000, draft.settings.engaged_s * 1000)


def _same_periods(view: ReadView, draft: Ruleset) -> bool:
    return (draft.settings.zone, _limits(draft)) == (view.zone, view.sealed.manifest.limits)


def _refused(layer: Layer) -> pl.DataFrame:
    return layer.rejected.filter(~pl.col("again")).select(*REJECTED)


def _span(view: ReadView, zone: str, first: date, last: date, *, same: bool) -> tuple[int, int, Carry]:
    """The instants (ms) from which to which raw rows are needed, and the carry at the start."""
    keys = _touched(view, first, last) if same else []
    if not keys:
        return period(first.isoformat(), zone).start, period(last.isoformat(), zone).end, no_carry()
    start = min(period(keys[0], zone).start, period(first.isoformat(), zone).start)
    end = max(period(keys[-1], zone).end, period(last.isoformat(), zone).end)
    return start, end, _carry(view, keys[0])


def _touched(view: ReadView, first: date, last: date) -> list[str]:
    """The view's periods that have any of the days."""
    periods = [period(key, view.zone) for key in view.keys()]  # noqa: SIM118 - not a dict
    low, high = day_number(first), day_number(last)
    return [here.key for here in periods if here.first_day <= high and here.last_day >= low]


def _carry(view: ReadView, key: str) -> Carry:
    change = view.changes.get(key)
    return change.carry if change else view.sealed.carry(key)


def _processed(
    store: Store, view: ReadView, draft: Ruleset, start: int, end: int, on_progress: OnProgress
) -> Processed:
    """Part by part, so that no more raw rows than those of a few parts are in memory."""
    readers = list(_raw(store, view, start, end))
    done = [0]

    def process(read: Callable[[], pl.DataFrame]) -> Processed:
        rows = read()
        found = process_isolating_failures(rows, draft)
        done[0] += 1
        on_progress("raw parts", done[0], len(readers))
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(process, readers))
    return concat_processed(parts) if parts else NOTHING_PROCESSED


def _raw(store: Store, view: ReadView, start: int, end: int) -> Iterator[Callable[[], pl.DataFrame]]:
    """What reads the raw rows of these instants, in order of time: sealed ones, then those of the tail."""
    book = view.sealed.manifest
    wanted = pl.col("time").is_between(start, end, closed="left")
    sources = [partial(read_raw, store, part) for part in _parts(view, start, end)]
    if view.tail.blocks:
        sources.append(partial(store.rows, [block.key for block in view.tail.blocks], view.property))
    for source in sources:
        yield partial(_kept, source, wanted, book.tombstones)


def _parts(view: ReadView, start: int, end: int) -> list[RawPart]:
    parts = [part for part in view.sealed.manifest.raw if part.day * DAY_MS < end and (part.day + 1) * DAY_MS > start]
    return sorted(parts, key=lambda part: part.day)


def _kept(source: Callable[[], pl.DataFrame], wanted: pl.Expr, erased: Sequence[Tombstone]) -> pl.DataFrame:
    return without_erased(source().filter(wanted), erased)
