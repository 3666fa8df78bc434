"""How days and moments are written for people: `29 Nov 2026`, `29 Nov 2026, 18:02`. Always on the clock of a zone."""

from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo


def day(of: date) -> str:
    return f"{of.day} {of:%b %Y}"


def moment(at: datetime | int, zone: tzinfo | str, *, seconds: bool = False) -> str:
    """Writes an aware datetime, or milliseconds since 1970, on the zone's clock."""
    clock = ZoneInfo(zone) if isinstance(zone, str) else zone
    local = datetime.fromtimestamp(at / 1000, clock) if isinstance(at, int) else at.astimezone(clock)
    return f"{day(local)}, {local:%H:%M:%S}" if seconds else f"{day(local)}, {local:%H:%M}"
