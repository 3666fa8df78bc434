"""A view up to an instant, so that a period that is not over is compared with as much of the one before it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from processing.segments.read_view import ReadView
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.first_sightings import FirstSightings, Sighting


class ViewUntil:
    """The events of a view before a local time of the day `last`: a ReportSource.

    What a day says of its sessions as a whole, their engagement and duration, stays that of the whole day.
    """

    def __init__(self, view: ReadView, last: date, now: datetime) -> None:
        """`now` has the local time of day that counts."""
        self._view, self._last = view, last
        end = datetime.combine(last, now.time(), ZoneInfo(view.zone))
        self._before_end = pl.col("time") < int(end.timestamp() * 1000)
        self.zone, self.currency, self.rules = view.zone, view.currency, view.rules
        self.rates = view.rates

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return pl.concat([self._view.events(first, self._day_before(last), columns), self._of_last(last, columns)])

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        of_last = self._of_last(last, source_columns(columns))
        return pl.concat(
            [self._view.condensed(first, self._day_before(last), columns), condensed_rows(of_last, columns)]
        )

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self._view.first_sightings(kind)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        names = list(dict.fromkeys([*columns, "time"]))
        begin = self._last if last >= self._last else last + timedelta(days=1)
        of_last = self._view.items(begin, last, names).filter(self._before_end).select(columns)
        return pl.concat([self._view.items(first, self._day_before(last), columns), of_last])

    def _day_before(self, last: date) -> date:
        return min(last, self._last - timedelta(days=1))

    def _of_last(self, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """The events of the last day that are early enough; none if the days end before it."""
        names = list(dict.fromkeys([*columns, "time"]))
        first = self._last if last >= self._last else last + timedelta(days=1)
        return self._view.events(first, last, names).filter(self._before_end).select(columns)
