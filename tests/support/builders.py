"""Small events for tests: what matters is named, the rest has defaults."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from configuration.exchange_rates import NO_RATES, Rates
from configuration.ruleset.ruleset import Ruleset
from processing.schema import BUILT, ITEMS, empty
from processing.segments.read_view import EVENT_OF_ITEM
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.first_sightings import FirstSightings, Sighting, sightings_of

EPOCH = date(1970, 1, 1)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
DEFAULTS: dict[str, Any] = {
    "at": NOON,
    "visitor": 1,
    "session": 1,
    "event": "page_view",
    "host": "example.org",
    "path": "/",
    "browser": "Firefox",
    "device": "desktop",
    "system": "Linux",
    "country": "Germany",
    "session_source": "(direct)",
    "session_medium": "(none)",
    "session_channel": "Direct",
    "page_view": True,
    "first_visit": False,
    "key_event": False,
    "engaged": False,
    "active": True,
    "engagement_ms": 0,
    "duration_ms": 0,
}


class FrameView(NamedTuple):
    """A view of BUILT rows that lie in memory."""

    frame: pl.DataFrame
    zone: str = "Etc/UTC"
    currency: str = "EUR"
    property: int = 1
    generation: int = 1
    rules: Ruleset | None = None
    item_rows: pl.DataFrame = empty(ITEMS)
    rates: Rates = NO_RATES

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        wanted = pl.col("day").is_between((first - EPOCH).days, (last - EPOCH).days)
        return self.frame.filter(wanted).select(columns)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        of_event = [name for name in columns if name not in ITEMS]
        events = self.events(first, last, [*EVENT_OF_ITEM, *of_event])
        return self.item_rows.join(events, on=EVENT_OF_ITEM, how="inner").select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return sightings_of(self.frame, kind)


def built(events: Iterable[dict[str, Any]], zone: str = "Etc/UTC", texts: Any = pl.Categorical) -> pl.DataFrame:
    """Rows of schema.BUILT from dicts; `at` is an aware datetime, from which time and local day are made."""
    rows = [_row({**DEFAULTS, "hit": number, "index": 0, **event}, zone) for number, event in enumerate(events)]
    return pl.DataFrame(rows, schema=BUILT).with_columns(pl.col(pl.String).cast(texts))


def view_of(*events: dict[str, Any], zone: str = "Etc/UTC", texts: Any = pl.Categorical) -> FrameView:
    return FrameView(built(events, zone, texts), zone)


def _row(event: dict[str, Any], zone: str) -> dict[str, Any]:
    at = event.pop("at")
    unknown = set(event) - set(BUILT)
    assert not unknown, f"BUILT has no {unknown}"
    day = (at.astimezone(ZoneInfo(zone)).date() - EPOCH).days
    return {"time": int(at.timestamp() * 1000), "day": day, "key": event["key_event"], **event}
