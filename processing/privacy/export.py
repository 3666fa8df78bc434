"""Exports everything that is known about visitors as one JSON document: raw hits, events, rejected hits.

Numbers of 64 bits are written as text, since many programs read only 53 bits of a number. Times are ISO 8601 in UTC.
Unknown values are left out.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
import polars as pl

from configuration.models import Property
from configuration.ruleset.context import UNKNOWN_PROPERTY
from processing.privacy.find_visitors import raw_rows
from processing.schema import BUILT, CONTENT, EVENTS, FACTS, ITEM_FACTS, PARAMETERS, REFUSED, SESSION_FACTS
from processing.segments.view_cache import ViewCache
from processing.sessions.layers import Layer
from processing.store.port import Store

FORMAT: Final = 1
WRITTEN_AS_TEXT: Final = ("visitor", "hit", "client_session", "session")
SENT: Final = ("protocol", "error", "address", "country", "region", "city", "user_agent")
KNOWN: Final = ("hit", "client_session", *FACTS, *SESSION_FACTS)


def export(store: Store, item: Property, visitors: Sequence[int], now: datetime) -> Iterator[bytes]:
    """Yields the document in pieces. All data is read before the first piece, so that an error leaves no half document.

    Raises Missing, CorruptBlob, StoreUnavailable, UnreadableManifest.
    """
    keys = pl.Series("visitor", visitors, dtype=pl.UInt64)
    own, unknown = (_VisitorData(store, property, keys) for property in (item.pk, UNKNOWN_PROPERTY))
    head = {
        "format": FORMAT,
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "property": {"id": item.pk, "measurement_id": item.measurement_id, "name": item.name},
        "visitors": [str(visitor) for visitor in visitors],
    }
    return _pieces(head, {"": own, "of_unknown_property_": unknown})


class _VisitorData:
    """The data that one property has about the visitors."""

    def __init__(self, store: Store, property: int, keys: pl.Series) -> None:
        is_visitor = pl.col("visitor").is_in(keys.implode())
        self.raw = raw_rows(store, property, is_visitor).sort("received_us", "position", "index")
        self.layer: Layer = ViewCache(store).of_visitors(property, keys)

    def lists(self) -> dict[str, Iterator[dict[str, Any]]]:
        return {
            "hits": map(_hit, self.raw.iter_rows(named=True)),
            "items": map(_item, self.layer.items.iter_rows(named=True)),
            "events": map(_event, self.layer.events.select(*BUILT).sort("time", "position").iter_rows(named=True)),
            "rejected": map(_rejected, self.layer.rejected.select(*REFUSED).iter_rows(named=True)),
            "duplicates": map(_duplicate, self.layer.duplicates.select(*EVENTS).iter_rows(named=True)),
        }


def _pieces(head: dict[str, Any], data: dict[str, _VisitorData]) -> Iterator[bytes]:
    yield orjson.dumps(head)[:-1]
    for prefix, of_property in data.items():
        for name, rows in of_property.lists().items():
            yield b',\n"%s":[' % f"{prefix}{name}".encode()
            yield from _rows(rows)
            yield b"]"
    yield b"}\n"


def _rows(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    separator = b"\n"
    for row in rows:
        yield separator + orjson.dumps(row)
        separator = b",\n"


def _hit(row: dict[str, Any]) -> dict[str, Any]:
    """Returns one event of a hit, with the parameters as they were sent."""
    rest = parse_qsl(row["rest"] or "", keep_blank_values=True)
    sent = [[name, row[name]] for name in PARAMETERS if row[name] is not None] + [list(pair) for pair in rest]
    return {**_common(row), **_known(row, ("hit", "client_session", *SENT)), "parameters": sent}


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return {**_common(row), **_known(row, KNOWN)}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """Returns an item of an event; amounts are in millionths."""
    return {**_common(row), **_known(row, tuple(ITEM_FACTS))}


def _duplicate(row: dict[str, Any]) -> dict[str, Any]:
    return {**_common(row), **_known(row, ("hit", "event", "host", "path"))}


def _rejected(row: dict[str, Any]) -> dict[str, Any]:
    reason = "duplicate" if row["again"] else row["reason"]
    return {**_common(row), "reason": reason, **_known(row, ("rule", *CONTENT))}


def _common(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "visitor": str(row["visitor"]),
        "occurred_at": _instant(row["time"] * 1000),
        "received_at": _instant(row["received_us"]),
    }


def _known(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    values = {name: row[name] for name in names if row[name] is not None}
    return {name: str(value) if name in WRITTEN_AS_TEXT else value for name, value in values.items()}


def _instant(us: int) -> str:
    return datetime.fromtimestamp(us / 1_000_000, tz=UTC).isoformat()
