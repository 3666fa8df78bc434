"""The few numbers of each property that the home page shows, computed once for each state of a property's data."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
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
from reporting.read_access import DAMAGED, view_cache, view_of

DAYS: Final = 7
LINE_DAYS: Final = 28
ONLINE_MINUTES: Final = 5
AGAIN_MINUTES: Final = 15  # so often the days before are counted anew, up to the time of day

Clock = Callable[[], float]
Key = tuple[object, ...]


class Summary(NamedTuple):
    """Visitors of the last DAYS days (today so far) and of those before up to the same time of day, to AGAIN_MINUTES,
    of today, and of the last ONLINE_MINUTES minutes; `line` has the visitors of each of the last LINE_DAYS days.
    """

    visitors: int
    before: int
    views: int
    today: int
    online: int
    line: tuple[int, ...]


# The newest summary of each property, and what it was computed of. A view is not kept: it holds its data in memory.
_kept: Final = dict[int, tuple[Key, Summary]]()


def summaries(numbers: Iterable[int], budget_s: float, clock: Clock = monotonic) -> dict[int, Summary | None]:
    """Returns the summaries of properties as far as they can be had in the time: first those that are ready, then the
    others in their order, at least one of them. None stands for a property whose data cannot be read.
    """
    give_up = clock() + budget_s
    found = dict[int, Summary | None]()
    waiting = list[int]()
    for number in numbers:
        if clock() > give_up:
            break
        try:
            view, now = _pin(number)
            ready = _ready(number, _key(view, now))
            if ready:
                found[number] = ready._replace(online=_online(view, now))
            else:
                waiting.append(number)
        except (StoreUnavailable, *DAMAGED):
            found[number] = None  # the property's own page says what is wrong
    for count, number in enumerate(waiting):
        if count and clock() > give_up:
            break
        try:
            found[number] = summary_of(number)
        except (StoreUnavailable, *DAMAGED):
            found[number] = None
    return found


def summary_of(number: int) -> Summary:
    view, now = _pin(number)
    key = _key(view, now)
    summary = _ready(number, key)
    if summary is None:
        summary = _whole(view, now)
        _kept[number] = key, summary
    return summary._replace(online=_online(view, now))


def _ready(number: int, key: Key) -> Summary | None:
    of, summary = _kept.get(number, (None, None))
    return summary if of == key else None


def _pin(number: int) -> tuple[ReadView, datetime]:
    view = view_of(number)
    return view, now_in(view.zone).replace(second=0, microsecond=0)


def _key(view: ReadView, now: datetime) -> Key:
    """Two views with the same key show the same numbers."""
    return view_cache().store.id, view.state, view.zone, _time_compared(now)


def _time_compared(now: datetime) -> datetime:
    return now.replace(minute=now.minute - now.minute % AGAIN_MINUTES)


def _whole(view: ReadView, now: datetime) -> Summary:
    last = ChosenPeriod(now.date() - timedelta(days=DAYS - 1), now.date())
    line = ChosenPeriod(now.date() - timedelta(days=LINE_DAYS - 1), now.date())
    by_day = Report(
        date_ranges=(line.as_range(),), dimensions=("date",), metrics=("totalUsers",), orders=(ByDimension("date"),)
    )
    total = Report(date_ranges=(last.as_range(),), metrics=("totalUsers", "screenPageViews"))
    earlier = last.before()
    before = Report(date_ranges=(earlier.as_range(),), metrics=("totalUsers",))
    totals, days = run_many([total, by_day], view, Now.at(now))
    (compared,) = run_many([before], ViewUntil(view, earlier.last, _time_compared(now)), Now.at(now))
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
    """The visitors of this minute and of those before it, as on the page of the last 30 minutes."""
    since = now - timedelta(minutes=ONLINE_MINUTES - 1)
    events = view.events(since.date(), now.date(), ["visitor", "time"])
    first, end = (int(each.timestamp() * 1000) for each in (since, now + timedelta(minutes=1)))
    recent = events.filter(pl.col("time").is_between(first, end, closed="left"))
    return int(recent["visitor"].n_unique()) if recent.height else 0
