"""The present moment, as reports see it."""

from datetime import date, datetime
from typing import NamedTuple

from processing.sessions.local_periods import bounds


class Now(NamedTuple):
    """The property's local day, by which "today" is meant, the moment itself (UTC, ms), and the property's zone."""

    day: date
    ms: int
    zone: str

    @classmethod
    def at(cls, moment: datetime) -> "Now":
        """`moment` is on the clock of the property's zone."""
        return cls(moment.date(), int(moment.timestamp() * 1000), str(moment.tzinfo))

    @classmethod
    def at_end_of(cls, day: date, zone: str) -> "Now":
        """Returns the last millisecond of a local day, for reports on days that are over."""
        return cls(day, bounds(day, day, zone)[1] - 1, zone)
