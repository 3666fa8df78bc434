"""The one place where reports read the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def today_in(zone: str) -> date:
    """The local day of a zone, now."""
    return now_in(zone).date()


def now_in(zone: str) -> datetime:
    """This moment on a zone's clock."""
    return datetime.now(UTC).astimezone(ZoneInfo(zone))
