"""Loading for several plans at once: each day is read once, with the columns that any plan of these days needs."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from configuration.exchange_rates import NO_RATES
from processing.sessions.condensed import EVENT_COUNT, RowSource
from processing.sessions.first_sightings import FirstSightings, Sighting
from reporting.model.date_ranges import Days
from reporting.query.load import load
from tests.support.builders import NOON, FrameView, built

Read = tuple[RowSource, int, int, list[str]]  # what, first and last day of November 2026, columns


class NeededRows(NamedTuple):
    days: tuple[Days, ...]
    columns: frozenset[str]
    row_source: RowSource = RowSource.EVENTS

    def steps(self, events: int) -> int:
        return events


class RecordingView:
    """A view of one event a day, 1 to 20 November, which remembers what was read of it."""

    zone, currency, rules, rates = "Etc/UTC", "EUR", None, NO_RATES

    def __init__(self) -> None:
        first = NOON.replace(day=1)
        self._view = FrameView(built({"at": first + timedelta(days=n), "path": f"/{n + 1}"} for n in range(20)))
        self.reads: list[Read] = []

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        self.reads.append((RowSource.EVENTS, first.day, last.day, list(columns)))
        return self._view.events(first, last, columns)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self._view.items(first, last, columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        self.reads.append((RowSource.CONDENSED, first.day, last.day, list(columns)))
        return self._view.condensed(first, last, columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self._view.first_sightings(kind)


def days(first: int, last: int) -> Days:
    return Days("", date(2026, 11, first), date(2026, 11, last))


def test_it_works() -> None:
    """Days that overlap are read together; a plan gets the rows of its own days out of them."""
    paths = NeededRows((days(1, 5), days(20, 20)), frozenset({"day", "path"}))
    browsers = NeededRows((days(4, 9),), frozenset({"day", "browser"}))
    view = RecordingView()
    rows = load([paths, browsers], view)
    assert view.reads == [
        (RowSource.EVENTS, 1, 9, ["browser", "day", "path"]),
        (RowSource.EVENTS, 20, 20, ["day", "path"]),
    ]
    assert rows.of(paths, days(1, 5))["path"].cast(pl.String).to_list() == [f"/{day}" for day in range(1, 6)]
    assert rows.of(paths, days(20, 20)).height == 1
    assert rows.of(browsers, days(4, 9)).height == 6
    assert [frame.height for frame in rows.frames(browsers)] == [9]  # all that was read together
    assert (rows.zone, rows.currency) == ("Etc/UTC", "EUR")


def test_events_and_condensed_rows_of_the_same_days_are_both_read() -> None:
    events = NeededRows((days(1, 3),), frozenset({"day", "path"}))
    condensed = NeededRows((days(2, 3),), frozenset({"day", "session"}), RowSource.CONDENSED)
    view = RecordingView()
    rows = load([events, condensed], view)
    assert view.reads == [
        (RowSource.EVENTS, 1, 3, ["day", "path"]),
        (RowSource.CONDENSED, 1, 3, ["day", "session", EVENT_COUNT]),
    ]
    assert rows.of(events, days(1, 3))[EVENT_COUNT].to_list() == [1, 1, 1]
    assert rows.of(condensed, days(2, 3)).height == 2


def test_days_next_to_each_other_are_read_apart() -> None:
    view = RecordingView()
    load([NeededRows((days(3, 4), days(1, 2)), frozenset({"day"}))], view)
    assert [read[1:3] for read in view.reads] == [(1, 2), (3, 4)]
