"""A named reader of the log: hits as lines of JSON, from where it stopped last time.

A line is an object: `position` (partition, offset), `id` (the collector's), `received_at`, `occurred_at` (where a
trusted source says it), `created_at` and `hit_id` (the tracker's), `protocol`, `measurement_id`, `property` (where the
sender named it), `user_agent`, `headers`, `events` (each with its parameters as they were sent), `error` (why it could
not be decoded); null where there is none. Full addresses are masked in all of it, and personal data is removed as it is
from stored hits; on demand nothing is, and `address` is the visitor's.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from collection.log.port import CorruptLog, Log, LogEntry, Trimmed
from collection.protocols import REST
from configuration.clock import WallClock
from configuration.numbers import how_many
from configuration.ruleset.context import Context
from processing.ingest.decode import EARLIEST_MS, LATEST_MS, Reading, decode_hits, read
from processing.ingest.ip_masking import Bits, mask_address
from processing.ingest.personal_data import remove_personal_data
from processing.ingest.redaction import remove_addresses
from processing.models import Subscription

BATCH: Final = 500
LONGEST_NAME: Final = 100
SEEN_EVERY_S: Final = 60.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Warn = Callable[[str], None]


class Subscriber:
    """Yields each hit at least once: what is not committed is yielded again."""

    def __init__(
        self, log: Log, name: str, context: Callable[[], Context], warn: Warn, clock: WallClock, *, full: bool = False
    ) -> None:
        """`context` returns the settings that say how much of an address is kept; `full`: all of it."""
        self.log, self.name = log, name
        self._context, self._warn, self._clock, self._full = context, warn, clock, full
        self._positions = {partition: log.position(name, partition) for partition in log.partitions()}
        self._committed = dict(self._positions)
        self._seen_at: datetime | None = None

    def move(self, to: Callable[[int], int]) -> None:
        """Continues at the offset that `to` returns for each partition, and commits it."""
        self._positions = {partition: to(partition) for partition in self.log.partitions()}
        self.commit()

    def batches(self) -> Iterator[list[str]]:
        """Yields lines up to the present end of the log. Call `commit` once the receiver has stored a batch."""
        for partition, end in self.log.ends().items():
            while self._positions.get(partition, 0) < end:
                entries = self._next(partition, end)
                if entries:
                    self._positions[partition] = entries[-1].offset + 1
                    yield self._lines(partition, entries)

    def commit(self) -> None:
        """Stores in the log that everything yielded so far has arrived."""
        for partition, offset in self._positions.items():
            if self._committed.get(partition) != offset:
                self.log.commit(self.name, partition, offset)
                self._committed[partition] = offset
        self.seen()

    def seen(self) -> None:
        """Notes that the subscription is in use, so that hits are kept for it."""
        now = self._clock()
        if self._seen_at is None or (now - self._seen_at).total_seconds() >= SEEN_EVERY_S:
            Subscription.objects.update_or_create(log=self.log.id, name=self.name, defaults={"seen_at": now})
            self._seen_at = now

    def _next(self, partition: int, end: int) -> list[LogEntry]:
        """Returns the next entries; [] if offsets were skipped (trimmed or corrupt)."""
        first = self._positions.get(partition, 0)
        try:
            return self.log.read(partition, first, min(first + BATCH, end) - 1)
        except Trimmed:
            return self._skip(partition, first, self.log.starts()[partition], "deleted before they were read")
        except CorruptLog as fault:
            if fault.first > first:
                return self.log.read(partition, first, fault.first - 1)
            return self._skip(partition, first, fault.last + 1, "damaged")

    def _skip(self, partition: int, first: int, to: int, why: str) -> list[LogEntry]:
        self._warn(
            f"{how_many(to - first, 'hit')} skipped ({why}): partition {partition}, offsets {first} to {to - 1}."
        )
        self._positions[partition] = to
        return []

    def _lines(self, partition: int, entries: list[LogEntry]) -> list[str]:
        readings = read(decode_hits((entry.offset, entry.value) for entry in entries), self._context())
        agents = [_own(reading.decoded.user_agent, reading.hit.user_agent) for reading in readings]
        owners = [_own(reading.decoded.address, reading.hit.address) for reading in readings]
        if not self._full:
            agents = remove_addresses(readings, owners, agents)
            remove_personal_data(readings)
        finish = _with_address if self._full else _masked
        return [
            json.dumps(
                finish(
                    {"position": [partition, reading.position], "user_agent": agent, **_described(reading)},
                    reading,
                    owner,
                )
            )
            for reading, agent, owner in zip(readings, agents, owners, strict=True)
        ]


def _own(of_the_visitor: str | None, of_the_sender: str) -> str:
    return of_the_sender if of_the_visitor is None else of_the_visitor


def _described(reading: Reading) -> dict[str, Any]:
    hit, decoded = reading.hit, reading.decoded
    return {
        "id": hit.id,
        "received_at": _instant(hit.received // 1_000),
        "occurred_at": _instant(hit.occurred),
        "created_at": _instant(decoded.created),
        "hit_id": decoded.hit_id or None,
        "protocol": hit.protocol,
        "measurement_id": decoded.measurement_id or None,
        "property": hit.property or None,
        "headers": hit.headers,
        "events": [_parameters(event) for event in decoded.events],
        "error": decoded.error,
    }


def _with_address(line: dict[str, Any], reading: Reading, owner: str) -> dict[str, Any]:
    return {**line, "address": owner}


def _masked(line: dict[str, Any], reading: Reading, owner: str) -> dict[str, Any]:
    """Masks the hit's own address in the parts that `remove_addresses` does not change: they never become rows."""
    own, bits = {owner, reading.hit.address}, reading.settings.address_bits
    texts = {name: _without(line[name], own, bits) for name in ("id", "hit_id", "measurement_id")}
    headers = {name: _without(text, own, bits) for name, text in line["headers"].items()}
    return {**line, **texts, "headers": headers}


def _without(text: str | None, own: set[str], bits: Bits) -> str | None:
    for address in sorted(own):
        text = mask_address(text, address, bits) if text else text
    return text


def _parameters(event: dict[str, str]) -> dict[str, str]:
    """Returns all parameters by name; the first value of a repeated one."""
    rest = parse_qsl(event.get(REST, ""), keep_blank_values=True)
    return {**dict(reversed(rest)), **{name: value for name, value in event.items() if name != REST}}


def _instant(ms: int | None) -> str | None:
    """Returns ISO 8601 in UTC; None for times outside of the calendar, too."""
    if ms is None or not EARLIEST_MS <= ms < LATEST_MS:
        return None
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
