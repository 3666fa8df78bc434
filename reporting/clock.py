"""The local day and hour of a report's property."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from configuration.clock import now


def today_in(zone: str) -> date:
    """Returns the local day of a zone, now."""
    return now_in(zone).date()


def now_in(zone: str) -> datetime:
    """This moment on a zone's clock."""
    return now().astimezone(ZoneInfo(zone))
