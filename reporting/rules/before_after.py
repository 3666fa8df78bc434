"""Comparisons of a property's numbers: now with a preview of other rules, and before with after a run over history."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from threading import Lock
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
from django.conf import settings

from configuration.clock import now
from configuration.currencies import rates_into
from configuration.drafts.publishing import published
from configuration.exchange_rates import Rates
from configuration.numbers import how_many
from configuration.ruleset.ruleset import Ruleset, encode_ruleset
from processing.dry_run.preview import rows_to_read
from processing.models import HistoryRun
from processing.reprocessing.generations import covered_by
from processing.reprocessing.runs import ordinals
from processing.segments.read_view import ReadView
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.first_sightings import FirstSightings, Sighting
from processing.sessions.local_periods import FIRST_DAY, day_number, day_of, latest_day
from reporting.capacity.elsewhere import run_elsewhere
from reporting.capacity.turns import begin_heavy_work
from reporting.read_access import newest_rules, view_cache, view_of
from reporting.rules.comparison import ComparedView, Comparison, Pair, compare
from reporting.rules.preview_task import PreviewTask, compare_with_preview

MOST_ROWS: Final = 1_000_000  # about 20 s of a processor, and 1 GB
WAIT_S: Final = 5.0
KEPT_COMPARISONS: Final = 16
USUAL_DAYS: Final = 28
State = HistoryRun.State


class NoComparison(Exception):
    """The comparison cannot be made; the message says why and what to do. `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


def preview_comparison(property: int, rules: Ruleset, first: date, last: date) -> Comparison:
    """Compares what reports show for these local days now with what the rules would make of them.

    Raises NoComparison, and what ViewCache.view raises. A preview needs much memory, so that this process makes one at
    a time. The last few comparisons are kept; a new hit changes the view's state and so the key.
    """
    view = view_of(property)
    if last > (latest := latest_day(view.zone, now())):
        raise NoComparison(f"{last} is after tomorrow: there are no hits of that day. Choose {latest} or earlier.", 400)
    key = (property, view.state, encode_ruleset(rules), first, last)
    with _kept_lock:
        comparison = _kept.get(key)
    if comparison is None:
        comparison = _compare_with_preview(view, rules, first, last)
        with _kept_lock:
            _kept[key] = comparison
            while len(_kept) > KEPT_COMPARISONS:
                _kept.popitem(last=False)
    return comparison


def with_testing_on(rules: Ruleset) -> Ruleset:
    """Returns the same rules, with those in the state testing switched on."""
    on = (msgspec.structs.replace(rule, state="on") if rule.state == "testing" else rule for rule in rules.rules)
    return msgspec.structs.replace(rules, rules=tuple(on))


class RunViews(NamedTuple):
    """What a run changed: the sealed hits that the generations before and after it have in common."""

    views: Pair[ComparedView]
    zone: str  # after the run
    days: tuple[date, date]  # the last days that the run changed


def run_views(run: HistoryRun) -> RunViews | None:
    """None if the run changed nothing, or if the numbers from before are no longer kept."""
    if run.state not in (State.DONE, State.UNDONE) or run.generation is None or run.replaced is None:
        return None
    before, after = (view_cache().generation(run.property, number) for number in (run.replaced, run.generation))
    if before is None or after is None:
        return None
    logs, rules = ordinals(), published(run.property, run.rules)
    before, after = (each.with_rules(rules).with_rates(rates_into(each.currency)) for each in (before, after))
    views = Pair(_common_hits(before, after, logs), _common_hits(after, before, logs))
    return RunViews(views, after.zone, _last_changed_days(run, after))


def run_comparison(run: HistoryRun, days: tuple[date, date] | None = None) -> Comparison | None:
    """Compares before with after the run; without `days`, on the last days that it changed. None like `run_views`.

    Raises what ViewCache.view raises.
    """
    found = run_views(run)
    if found is None:
        return None
    first, last = days or found.days
    begin_heavy_work()
    return compare(found.views, first=first, last=last)


def _compare_with_preview(view: ReadView, rules: Ruleset, first: date, last: date) -> Comparison:
    rows = rows_to_read(view, rules, first, last)
    if rows > MOST_ROWS:
        raise NoComparison(
            f"These days have about {how_many(rows, 'raw hit')}, and a preview reads at most {MOST_ROWS:,}."
            " Choose fewer days.",
            413,
        )
    begin_heavy_work()
    now_in_force = newest_rules(view.property)
    task = PreviewTask(
        store=settings.STORE_URL,
        store_id=view_cache().store.id,
        cache=settings.SEGMENT_CACHE,
        pinned=view_cache().pin(view.property),
        rules=encode_ruleset(now_in_force) if now_in_force else None,
        draft=encode_ruleset(rules),
        days=(first, last),
    )
    with _only_preview():
        found = run_elsewhere(compare_with_preview, task)
    if isinstance(found, str):
        raise NoComparison(found)
    return found


@contextmanager
def _only_preview() -> Iterator[None]:
    if not _preview_lock.acquire(timeout=WAIT_S):
        raise NoComparison("Another preview is being made. Try again in a moment.", 429)
    try:
        yield
    finally:
        _preview_lock.release()


class _FilteredView(NamedTuple):
    """A view of some of the hits."""

    view: ReadView
    condition: pl.Expr
    zone: str
    currency: str
    rules: Ruleset | None
    rates: Rates

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "position"]))
        return self.view.events(first, last, names).filter(self.condition).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self.view.first_sightings(kind)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "position"]))
        return self.view.items(first, last, names).filter(self.condition).select(columns)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        return self.view.rejected(first, last).filter(self.condition)

    def with_content(self, rows: pl.DataFrame) -> pl.DataFrame:
        return self.view.with_content(rows)


def _common_hits(view: ReadView, other: ReadView, logs: dict[str, int]) -> ComparedView:
    """Returns the hits of the view that the other one covers: one generation receives hits after the other has
    stopped.
    """
    if view.sealed.manifest.covered == other.sealed.manifest.covered:
        return view
    condition = covered_by(other.sealed.manifest.covered, logs)
    return _FilteredView(view, condition, view.zone, view.currency, view.rules, view.rates)


def _last_changed_days(run: HistoryRun, after: ReadView) -> tuple[date, date]:
    ended = (run.finished_at or now()).astimezone(ZoneInfo(after.zone)).date()
    last = min(ended, run.last or date.max, after.ends)
    first = day_of(max(day_number(last) - USUAL_DAYS + 1, FIRST_DAY))  # `ends` of no events is the first day of all
    return (min(max(run.first, first), last) if run.first else first), last


_Key = tuple[int, str, bytes, date, date]
_kept: OrderedDict[_Key, Comparison] = OrderedDict()
_kept_lock: Final = Lock()
_preview_lock: Final = Lock()
