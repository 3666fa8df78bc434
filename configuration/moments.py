"""How days and moments are written for people: `29 Nov 2026`, `29 Nov 2026, 18:02`. Always on the clock of a zone."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def day(of: date) -> str:
    return f"{of.day} {of:%b %Y}"


def moment(at: datetime | int, zone: tzinfo | str, *, seconds: bool = False) -> str:
    """Writes an aware datetime, or milliseconds since 1970, on the zone's clock."""
    clock = ZoneInfo(zone) if isinstance(zone, str) else zone
    instant = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else at
    # Hours from the calendar's ends the zone's clock would show a year that does not exist.
    local = min(max(instant, EARLIEST), LATEST).astimezone(clock)
    return f"{day(local)}, {local:%H:%M:%S}" if seconds else f"{day(local)}, {local:%H:%M}"
