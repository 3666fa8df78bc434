"""The few numbers of each property that the home page shows, computed once for each state of a property's data."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Final, NamedTuple

import polars as pl

from processing.segments.read_view import ReadView
from processing.store.port import StoreUnavailable
from reporting.clock import now_in
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.dashboard.same_time import ViewUntil
from reporting.kinds import run_many
from reporting.model.now import Now
from reporting.model.report import ByDimension, Report
from reporting.read_access import DAMAGED, view_of

DAYS: Final = 7
LINE_DAYS: Final = 28
ONLINE: Final = timedelta(minutes=5)


class Summary(NamedTuple):
    """Visitors of the last DAYS days (today so far) and of those before up to the same time, of today, and of the last
    5 minutes; `line` has the visitors of each of the last LINE_DAYS days.
    """

    visitors: int
    before: int
    views: int
    today: int
    online: int
    line: tuple[int, ...]


class _Kept(NamedTuple):
    """`shown`: two are equal if they show the same hits on the same day."""

    shown: tuple[str, str, date]
    summary: Summary


_KEPT: Final[dict[int, _Kept]] = {}  # by the number of the property


def summaries(numbers: Iterable[int], budget_s: float) -> dict[int, Summary]:
    """Returns the summaries of properties as far as they can be had in the time; those that are ready come first.
    A property whose data cannot be read is left out.
    """
    give_up, found = monotonic() + budget_s, {}
    for number in numbers:
        if monotonic() > give_up:
            break
        try:
            found[number] = summary_of(number)
        except (StoreUnavailable, *DAMAGED):
            continue  # the property's own page says what is wrong
    return found


def summary_of(number: int) -> Summary:
    view = view_of(number)
    now = now_in(view.zone).replace(second=0, microsecond=0)
    online = _online(view, now)
    return _kept_or_new(view, now)._replace(online=online)


def _kept_or_new(view: ReadView, now: datetime) -> Summary:
    """Keeps one summary of each property and no view, which would keep all of its rows in memory."""
    shown = (view.state, view.zone, now.date())
    kept = _KEPT.get(view.property)
    if kept is None or kept.shown != shown:
        kept = _KEPT[view.property] = _Kept(shown, _summary(view, now))
    return kept.summary


def _summary(view: ReadView, now: datetime) -> Summary:
    last = ChosenPeriod(now.date() - timedelta(days=DAYS - 1), now.date())
    line = ChosenPeriod(now.date() - timedelta(days=LINE_DAYS - 1), now.date())
    by_day = Report(
        date_ranges=(line.as_range(),), dimensions=("date",), metrics=("totalUsers",), orders=(ByDimension("date"),)
    )
    total = Report(date_ranges=(last.as_range(),), metrics=("totalUsers", "screenPageViews"))
    earlier = last.before()
    before = Report(date_ranges=(earlier.as_range(),), metrics=("totalUsers",))
    totals, days = run_many([total, by_day], view, Now.at(now))
    (compared,) = run_many([before], ViewUntil(view, earlier.last, now), Now.at(now))
    visitors, views = (int(value) for value in (totals.rows[0].metrics if totals.rows else (0, 0)))
    of_day = {row.dimensions[0]: int(row.metrics[0]) for row in days.rows}
    drawn = tuple(of_day.get(f"{line.first + timedelta(days=number):%Y%m%d}", 0) for number in range(LINE_DAYS))
    return Summary(
        visitors=visitors,
        before=int(compared.rows[0].metrics[0]) if compared.rows else 0,
        views=views,
        today=drawn[-1],
        online=0,
        line=drawn,
    )


def _online(view: ReadView, now: datetime) -> int:
    """The visitors of the last few minutes."""
    since = now - ONLINE
    events = view.events(since.date(), now.date(), ["visitor", "time"])
    recent = events.filter(pl.col("time") >= int(since.timestamp() * 1000))
    return int(recent["visitor"].n_unique()) if recent.height else 0
