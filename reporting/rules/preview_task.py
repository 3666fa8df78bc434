"""Previews rules in another process, since a preview takes about a gigabyte for a million hits."""

from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import polars as pl

from configuration.ruleset.ruleset import decode_ruleset
from processing.dry_run.preview import Preview, preview
from processing.segments.read_view import PinnedView, ReadView
from processing.segments.view_cache import ViewCache
from processing.sessions.local_periods import LAST_DAY, day_of
from processing.store import open_store
from processing.store.port import Store
from reporting.rules.comparison import ComparedView, Comparison, Pair, common_instants, compare


class PreviewTask(msgspec.Struct, frozen=True):
    """What `draft` would make of some days of a pinned view, which has `rules` now."""

    store: str
    store_id: str
    cache: tuple[Path, int]
    pinned: PinnedView
    rules: bytes | None
    draft: bytes
    days: tuple[date, date]


def compare_with_preview(task: PreviewTask) -> Comparison | str:
    """Returns the comparison, or a sentence why there can be none. Raises what ViewCache.view raises;
    WrongStore if another store is there.
    """
    with closing(open_store(task.store, task.cache, expected=lambda: task.store_id)) as store:
        return _compare(store, task)


def _compare(store: Store, task: PreviewTask) -> Comparison | str:
    view = ViewCache(store).open(task.pinned).with_rules(decode_ruleset(task.rules) if task.rules else None)
    first, last = task.days
    made = preview(store, view, decode_ruleset(task.draft), first, last)
    if day := _first_kept(view, made, first, last):
        return f"The raw hits of some of these days have expired. Choose days from {day} on."
    return compare(Pair[ComparedView](view, made), first=first, last=last)


def _first_kept(view: ReadView, made: Preview, first: date, last: date) -> date | None:
    """Returns the day after the last one with hits that count now and have no raw rows any more: they would look
    excluded by the rules. None if there are none.
    """
    if not view.sealed.manifest.raw_from_us:
        return None
    start, end = common_instants(Pair(view.zone, made.zone), first, last)
    known = pl.concat([made.frame["position"], made.rejected_hits["position"]]).unique()
    rows = view.events(first, last, ["time", "position", "day"])
    lost = rows.filter(pl.col("time").is_between(start, end, closed="left"), ~pl.col("position").is_in(known.implode()))
    return None if lost.is_empty() else day_of(min(lost.select(pl.col("day").max()).item() + 1, LAST_DAY))
