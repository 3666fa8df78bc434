"""Receive: from hits to raw rows, once for each hit. The only place that sees full addresses; none leaves it."""

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, Final, TypeVar

import polars as pl

from collection.protocols import REST, SERVER_LOGS
from configuration.ruleset.context import UNKNOWN_PROPERTY, Context
from processing.ingest.decode import UNREADABLE, Reading, read
from processing.ingest.geoip import GeoDatabase
from processing.ingest.ip_masking import canonical, parse_address, truncate
from processing.ingest.redaction import remove_addresses
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.schema import DAY_MS, HOUR_MS, PARAMETERS, RAW, conform

OLDEST_MS: Final = 72 * HOUR_MS  # a tracker's own time counts from so long before receipt ...
NEWEST_MS: Final = 10 * 60_000  # ... to so long after it, both included
US_PER_DAY: Final = DAY_MS * 1_000
EPOCH: Final = date(1970, 1, 1).toordinal()
PROPERTY: Final = "property"
NO_VISITOR: Final = 0

Entries = Sequence[tuple[int, bytes]]  # positions and bytes
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def receive(
    entries: Entries, context: Context, keys: VisitorKeyFactory, places: GeoDatabase
) -> dict[int, pl.DataFrame]:
    """The entries (position, bytes of a RawHit) as rows of schema.RAW, for each property that has any; 0: unknown ones.

    Never refuses an entry: what cannot be read is a row with `error`. Raises MissingSalt.
    """
    readings = read(entries, context)
    if not readings:
        return {}
    frame = _frame(readings, keys, places)
    parts = frame.partition_by(PROPERTY, as_dict=True, include_key=False, maintain_order=True)
    return {number: part for (number,), part in sorted(parts.items())}


def _frame(readings: list[Reading], keys: VisitorKeyFactory, places: GeoDatabase) -> pl.DataFrame:
    """One frame for all properties: making one for each would cost more than everything else where they are many."""
    owners = each([_owner(reading) for reading in readings], canonical)
    agents = [_user_agent(reading) for reading in readings]
    hits = {
        PROPERTY: [reading.settings.id for reading in readings],
        **_identity(readings),
        "visitor": _visitors(readings, owners, agents, keys),
        **_places(owners, places),
        "address": _truncated(readings, owners),
        "user_agent": remove_addresses(readings, owners, agents),
    }
    kinds = {PROPERTY: pl.Int64(), **RAW}
    frame = pl.DataFrame(hits, schema={name: kinds[name] for name in hits})
    return conform(_with_events(frame, readings), kinds)


def _identity(readings: list[Reading]) -> dict[str, list[Any]]:
    times = [_time(reading) for reading in readings]
    sessions = [reading.decoded.client_session for reading in readings]
    return {
        "position": [reading.position for reading in readings],
        "time": [time for time, _ in times],
        "received_us": [reading.hit.received for reading in readings],
        "stable": [stable for _, stable in times],
        "hit": [hash64(reading.decoded.hit_id or reading.hit.id) for reading in readings],
        "client_session": each(sessions, lambda text: hash64(text) if text else None),
        "protocol": [reading.hit.protocol for reading in readings],
        "error": [reading.decoded.error for reading in readings],
    }


def _time(reading: Reading) -> tuple[int, bool]:
    """Event time (ms), and whether it and the id are the same however often the hit is sent.

    A creation time that is not used stays a parameter.
    """
    hit, decoded = reading.hit, reading.decoded
    received = hit.received // 1_000
    created = decoded.created
    usable = created is not None and received - OLDEST_MS <= created <= received + NEWEST_MS
    if created is not None and usable and decoded.hit_id and hit.occurred is None:
        return created, True
    if created is not None and created != hit.occurred:
        _keep_created(decoded.events, created)
    if hit.occurred is not None:
        return hit.occurred, True
    return received, not decoded.hit_id


def _keep_created(events: list[dict[str, str]], created: int) -> None:
    for event in events:
        event[REST] = "&".join(filter(None, (event.get(REST), f"_hts={created}")))


def _owner(reading: Reading) -> str:
    """The visitor's full address: the sender's, if the hit names no other. A line of a log may name a host instead."""
    named = reading.decoded.address
    if named is None or (reading.hit.protocol not in SERVER_LOGS and parse_address(named) is None):
        return reading.hit.address
    return named


def _user_agent(reading: Reading) -> str:
    named = reading.decoded.user_agent
    return reading.hit.user_agent if named is None else named


def _truncated(readings: list[Reading], owners: list[str]) -> list[str | None]:
    wanted = [(owner, reading.settings.address_bits) for owner, reading in zip(owners, readings, strict=True)]
    return each(wanted, lambda pair: truncate(*pair))


def _places(owners: list[str], places: GeoDatabase) -> dict[str, list[str | None]]:
    found = each(owners, places.lookup)
    return {
        "country": [place.country for place in found],
        "region": [place.region for place in found],
        "city": [place.city for place in found],
    }


def _visitors(readings: list[Reading], owners: list[str], agents: list[str], keys: VisitorKeyFactory) -> list[int]:
    """What a key is made from is gathered first, so that each distinct key is computed once."""
    together = zip(readings, owners, agents, strict=True)
    return each([_key_source(*hit, keys) for hit in together], lambda source: source[0](*source[1:]))


def _key_source(reading: Reading, owner: str, agent: str, keys: VisitorKeyFactory) -> tuple[Any, ...]:
    """What makes the key, and its arguments. Unknown properties have no salt: their logs' lines go by day."""
    hit, decoded, settings = reading.hit, reading.decoded, reading.settings
    measurement_id = settings.measurement_id or decoded.measurement_id
    if hit.protocol == UNREADABLE:
        return (_no_visitor,)
    if hit.protocol in SERVER_LOGS and settings.id != UNKNOWN_PROPERTY:
        return keys.by_property, settings.id, measurement_id, owner, agent
    if settings.identity == "cookie" and decoded.client_id:
        return keys.by_client_id, measurement_id, decoded.client_id
    return keys.by_day, _day(hit.received), measurement_id, owner, agent


def _no_visitor() -> int:
    return NO_VISITOR


def _day(received_us: int) -> date:
    return date.fromordinal(EPOCH + received_us // US_PER_DAY)


def _with_events(hits: pl.DataFrame, readings: list[Reading]) -> pl.DataFrame:
    """Repeats each hit for its events, and gives them their parameters."""
    events = [event for reading in readings for event in reading.decoded.events]
    if len(events) > hits.height:
        hits = hits[[row for row, reading in enumerate(readings) for _ in reading.decoded.events]]
    named = set().union(*events)
    parameters = {name: [event.get(name) for event in events] for name in (*PARAMETERS, REST) if name in named}
    indexes = [index for reading in readings for index in range(len(reading.decoded.events))]
    frame = hits.hstack(pl.DataFrame(parameters, schema={name: pl.String() for name in parameters}))
    sequence = pl.col("_s").str.to_integer(strict=False, dtype=pl.UInt32()).fill_null(0) if "_s" in named else pl.lit(0)
    return frame.with_columns(pl.Series("index", indexes, dtype=pl.UInt16), sequence=sequence)


def hash64(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def each(values: list[Key], find: Callable[[Key], Value]) -> list[Value]:
    """`find` of every value, called once for each distinct one."""
    found = {value: find(value) for value in dict.fromkeys(values)}
    return [found[value] for value in values]
