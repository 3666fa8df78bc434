"""Comparisons with this installation's past: what rules would make of it, and what a run has made of it."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Lock
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from configuration.clock import now
from configuration.drafts.publishing import published
from configuration.ruleset.ruleset import Ruleset, encode_ruleset
from processing.dry_run.preview import Preview, preview, rows_to_read
from processing.models import HistoryRun
from processing.reprocessing.generations import covered_by
from processing.reprocessing.runs import ordinals
from processing.segments.read_view import ReadView
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.local_periods import day_of
from reporting.read_access import view_cache, view_of
from reporting.rules.comparison import ComparedView, Comparison, common_instants, compare

MOST_ROWS: Final = 1_000_000  # about 20 s of a processor, and 1 GB
WAIT_S: Final = 5.0
KEPT: Final = 16
USUAL_DAYS: Final = 28
State = HistoryRun.State


class NoComparison(Exception):
    """It cannot be had; the message says why and what to do. `status` is HTTP's word for it."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


def preview_comparison(property: int, rules: Ruleset, first: date, last: date) -> Comparison:
    """What the rules would make of these local days, beside what reports show now. Raises NoComparison, and what
    Reader.view raises.

    One at a time in this process: it needs much memory. The last few are kept until a hit arrives.
    """
    view = view_of(property)
    key = (property, view.state, encode_ruleset(rules), first, last)
    with _lock_of_kept:
        found = _kept.get(key)
    if found is None:
        found = _previewed(view, rules, first, last)
        with _lock_of_kept:
            _kept[key] = found
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return found


def with_testing_on(rules: Ruleset) -> Ruleset:
    """The rules as they would act if those that are being tested were on."""
    on = (msgspec.structs.replace(rule, state="on") if rule.state == "testing" else rule for rule in rules.rules)
    return msgspec.structs.replace(rules, rules=tuple(on))


class RunViews(NamedTuple):
    """Two generations of a property: what is sealed of both, and of hits that both have."""

    before: ComparedView
    after: ComparedView
    days: tuple[date, date]  # the last ones that the run changed


def run_views(run: HistoryRun) -> RunViews | None:
    """None where nothing was changed, or where the numbers from before are no longer kept."""
    if run.state not in (State.DONE, State.UNDONE) or run.generation is None or run.replaced is None:
        return None
    before, after = (view_cache().generation(run.property, number) for number in (run.replaced, run.generation))
    if before is None or after is None:
        return None
    numbers, rules = ordinals(), published(run.property, run.rules)
    before, after = before.with_rules(rules), after.with_rules(rules)
    return RunViews(_within(before, after, numbers), _within(after, before, numbers), _days(run, after))


def run_comparison(run: HistoryRun, days: tuple[date, date] | None = None) -> Comparison | None:
    """Raises what Reader.view raises."""
    found = run_views(run)
    return compare(found.before, found.after, *(days or found.days)) if found else None


def _previewed(view: ReadView, rules: Ruleset, first: date, last: date) -> Comparison:
    rows = rows_to_read(view, rules, first, last)
    if rows > MOST_ROWS:
        raise NoComparison(
            f"These days have about {rows:,} raw hits, and a preview reads at most {MOST_ROWS:,}. Choose fewer days.",
            413,
        )
    with _alone():
        made = preview(view_cache().store, view, rules, first, last)
        _refuse_expired(view, made, first, last)
        return compare(view, made, first, last)


@contextmanager
def _alone() -> Iterator[None]:
    if not _lock_of_previews.acquire(timeout=WAIT_S):
        raise NoComparison("Another preview is being made. Try again in a moment.", 429)
    try:
        yield
    finally:
        _lock_of_previews.release()


def _refuse_expired(view: ReadView, made: Preview, first: date, last: date) -> None:
    """Hits that are counted now, but can be processed no more, would look as if the rules left them out."""
    if not view.sealed.book.raw_from_us:
        return
    start, end = common_instants(view.zone, made.zone, first, last)
    known = pl.concat([made.frame["position"], made.refused["position"]]).unique()
    rows = view.events(first, last, ["time", "position", "day"])
    lost = rows.filter(pl.col("time").is_between(start, end, closed="left"), ~pl.col("position").is_in(known.implode()))
    if not lost.is_empty():
        day = day_of(lost.select(pl.col("day").max()).item()) + timedelta(days=1)
        raise NoComparison(f"The raw hits of some of these days have expired. Choose days from {day} on.")


class _Within(NamedTuple):
    """A view of some of the hits."""

    view: ReadView
    wanted: pl.Expr
    zone: str
    currency: str
    rules: Ruleset | None

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "position"]))
        return self.view.events(first, last, names).filter(self.wanted).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        return self.view.rejected(first, last).filter(self.wanted)


def _within(view: ReadView, other: ReadView, numbers: dict[str, int]) -> ComparedView:
    """One generation goes on to take in hits when the other has stopped."""
    ours, theirs = view.sealed.book.covered, other.sealed.book.covered
    if ours == theirs:
        return view
    return _Within(view, covered_by(theirs, numbers), view.zone, view.currency, view.rules)


def _days(run: HistoryRun, after: ReadView) -> tuple[date, date]:
    ended = (run.finished_at or now()).astimezone(ZoneInfo(after.zone)).date()
    last = min(ended, run.last or date.max, after.ends)
    first = last - timedelta(days=USUAL_DAYS - 1)
    return (min(max(run.first, first), last) if run.first else first), last


_Key = tuple[int, str, bytes, date, date]
_kept: OrderedDict[_Key, Comparison] = OrderedDict()
_lock_of_kept: Final = Lock()
_lock_of_previews: Final = Lock()
