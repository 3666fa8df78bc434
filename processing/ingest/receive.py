"""Receive: makes raw rows of hits, once for each hit. Full addresses get no further than this package."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, TypeVar

import polars as pl

from collection.protocols import REST, SERVER_LOGS
from configuration.ruleset.context import UNKNOWN_PROPERTY, Context
from processing.ingest.decode import UNREADABLE, Hits, Reading, read
from processing.ingest.geoip import GeoDatabase
from processing.ingest.ip_masking import canonical, parse_address, truncate
from processing.ingest.personal_data import remove_personal_data
from processing.ingest.redaction import remove_addresses
from processing.ingest.visitor_keys import ByClientId, ByDay, ByProperty, VisitorIdentity, VisitorKeyFactory, utc_day
from processing.schema import HOUR_MS, PARAMETERS, RAW, conform

OLDEST_MS: Final = 72 * HOUR_MS  # a tracker's own time counts from so long before receipt ...
NEWEST_MS: Final = 10 * 60_000  # ... to so long after it, both included
PROPERTY: Final = "property"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ReceivedRows(dict[int, pl.DataFrame]):
    """Rows of schema.RAW by property id. `cleaned`: from how many hits of each personal data was removed."""

    cleaned: Counter[int]

    def __init__(self, frames: Mapping[int, pl.DataFrame] = MappingProxyType({}), cleaned: Counter[int] | None = None):
        super().__init__(frames)
        self.cleaned = cleaned or Counter()


def receive(hits: Hits, context: Context, key_factory: VisitorKeyFactory, geo: GeoDatabase) -> ReceivedRows:
    """Makes rows of schema.RAW of hits (position, RawHit). Returns them by property id; 0: of unknown properties.

    Rejects no hit: one that cannot be decoded is a row with `error`. Raises MissingSalt.
    """
    readings = read(hits, context)
    if not readings:
        return ReceivedRows()
    # One frame is made and then cut: a frame for each property would cost more than all the rest where they are many.
    schema = {PROPERTY: pl.Int64(), **RAW}
    columns = _hit_columns(readings, key_factory, geo)
    cleaned = remove_personal_data(readings)
    frame = _with_events(pl.DataFrame(columns, schema={name: schema[name] for name in columns}), readings)
    parts = conform(frame, schema).partition_by(PROPERTY, as_dict=True, include_key=False, maintain_order=True)
    return ReceivedRows({number: part for (number,), part in sorted(parts.items())}, cleaned)


def _hit_columns(
    readings: list[Reading], key_factory: VisitorKeyFactory, geo: GeoDatabase
) -> dict[str, Sequence[object]]:
    """Returns the columns that have one value for each hit."""
    addresses = map_distinct([_visitor_address(reading) for reading in readings], canonical)
    user_agents = [_visitor_user_agent(reading) for reading in readings]
    identities = [_identify(*parts) for parts in zip(readings, addresses, user_agents, strict=True)]
    locations = map_distinct(addresses, geo.lookup)
    bits = [reading.settings.address_bits for reading in readings]
    times = [_event_time(reading) for reading in readings]
    return {
        PROPERTY: [reading.settings.id for reading in readings],
        "position": [reading.position for reading in readings],
        "time": [time for time, _ in times],
        "received_us": [reading.hit.received for reading in readings],
        "stable": [stable for _, stable in times],
        "hit": [hash64(reading.decoded.hit_id or reading.hit.id) for reading in readings],
        "client_session": map_distinct(
            [reading.decoded.client_session for reading in readings], lambda text: hash64(text) if text else None
        ),
        "protocol": [reading.hit.protocol for reading in readings],
        "error": [reading.decoded.error for reading in readings],
        "visitor": map_distinct(identities, key_factory.key),
        "country": [location.country for location in locations],
        "region": [location.region for location in locations],
        "city": [location.city for location in locations],
        "address": map_distinct(list(zip(addresses, bits, strict=True)), lambda pair: truncate(*pair)),
        "user_agent": remove_addresses(readings, addresses, user_agents),
    }


def _event_time(reading: Reading) -> tuple[int, bool]:
    """Returns the event time (ms), and whether it and the id are the same however often the hit is sent.

    A creation time that is not used becomes a parameter again.
    """
    hit, decoded = reading.hit, reading.decoded
    received = hit.received // 1_000
    created = decoded.created
    if (
        created is not None
        and received - OLDEST_MS <= created <= received + NEWEST_MS
        and decoded.hit_id
        and hit.occurred is None
    ):
        return created, True
    if created is not None and created != hit.occurred:
        for event in decoded.events:
            event[REST] = "&".join(filter(None, (event.get(REST), f"_hts={created}")))
    if hit.occurred is not None:
        return hit.occurred, True
    return received, not decoded.hit_id


def _visitor_address(reading: Reading) -> str:
    """Returns the full address that the hit names, or else the sender's. A server's log may name a host instead."""
    named = reading.decoded.address
    if named is None or (reading.hit.protocol not in SERVER_LOGS and parse_address(named) is None):
        return reading.hit.address
    return named


def _visitor_user_agent(reading: Reading) -> str:
    named = reading.decoded.user_agent
    return reading.hit.user_agent if named is None else named


def _identify(reading: Reading, address: str, user_agent: str) -> VisitorIdentity | None:
    """Returns what the visitor key is made of; None if the entry is not a hit."""
    hit, decoded, settings = reading.hit, reading.decoded, reading.settings
    measurement_id = settings.measurement_id or decoded.measurement_id
    if hit.protocol == UNREADABLE:
        return None
    # Unknown properties have no salt, so the lines of their logs are identified by day.
    if hit.protocol in SERVER_LOGS and settings.id != UNKNOWN_PROPERTY:
        return ByProperty(settings.id, measurement_id, address, user_agent)
    if settings.identity == "cookie" and decoded.client_id:
        return ByClientId(measurement_id, decoded.client_id)
    return ByDay(utc_day(hit.received), measurement_id, address, user_agent)


def _with_events(hits: pl.DataFrame, readings: list[Reading]) -> pl.DataFrame:
    """Repeats the row of each hit for each of its events, and adds the events' parameters."""
    events = [event for reading in readings for event in reading.decoded.events]
    if len(events) > hits.height:
        hits = hits[[row for row, reading in enumerate(readings) for _ in reading.decoded.events]]
    present = set().union(*events)
    parameters = {name: [event.get(name) for event in events] for name in (*PARAMETERS, REST) if name in present}
    indexes = [index for reading in readings for index in range(len(reading.decoded.events))]
    frame = hits.hstack(pl.DataFrame(parameters, schema={name: pl.String() for name in parameters}))
    sequence = pl.col("_s").str.to_integer(strict=False, dtype=pl.UInt32()).fill_null(0)
    return frame.with_columns(
        pl.Series("index", indexes, dtype=pl.UInt16), sequence=sequence if "_s" in present else pl.lit(0)
    )


def hash64(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def map_distinct(values: list[Key], function: Callable[[Key], Value]) -> list[Value]:
    """Returns `function` of every value, and calls it once for each distinct one."""
    results = {value: function(value) for value in dict.fromkeys(values)}
    return [results[value] for value in values]
