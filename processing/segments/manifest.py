"""The book of a property's generation: which segments show which period, what they cover, and the sums. It is the
manifest's content.

Immutable: a seal makes a new book and commits it in one step, so that a reader sees the whole of it or none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from configuration.ruleset.ruleset import PropertySettings
from processing.sessions.local_periods import day_key, month_key
from processing.sessions.sessionize import Limits
from processing.store.port import BlockKey

FORMAT: Final = 1


class OffsetRange(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Entries first to last, both included, of a log's partition."""

    log: str
    partition: int
    first: int
    last: int


class LayerRef(msgspec.Struct, frozen=True, array_like=True):
    """A layer of a segment: the prefix of its sections' names, and how many rows it holds. `without` names the sections
    that are not stored because they are empty.
    """

    segment: str
    prefix: str
    rows: int
    without: tuple[str, ...] = ()
    condensed_version: int = 0  # the CONDENSED_VERSION of its condensed rows; 0: it has none


class PeriodEntry(msgspec.Struct, frozen=True):
    """One period. `layers` lowest first; `carry` is what it was built on; counted and rejected (by reason) are hits;
    `dropped` are events of counted hits.
    """

    layers: tuple[LayerRef, ...]
    carry: LayerRef
    counted: int
    rejected: dict[str, int]
    events: int
    dropped: int = 0


class AppliedRules(msgspec.Struct, frozen=True, array_like=True):
    """Hits whose event time (ms) is from `start` to before `end` are processed under at least these rules."""

    start: int
    end: int
    rules: int


class Tombstone(msgspec.Struct, frozen=True, array_like=True):
    """A tombstone: what a visitor sent until this time of receipt (microseconds) is shown no more; `removed`: its rows
    are in no segment of the book any more, and those that still come are dropped.
    """

    visitor: int
    until_us: int
    removed: bool = False


class RawPart(msgspec.Struct, frozen=True):
    """Raw rows as received, under one number of rules; `received_month` ("2026-11") and `day` (UTC day of the event
    time) decide what is merged and when it goes. `adopted` names the rescue that brought the rows from property 0.
    """

    place: LayerRef
    received_month: str
    day: int
    last_received_us: int
    rules: int = 0
    adopted: str = ""


class RebuiltDays(msgspec.Struct, frozen=True):
    """Some days of a generation that is being built; `dropped` events belong to none of its periods."""

    shelves: dict[str, PeriodEntry]
    dropped: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """`accepted` counts the hits that the covered spans brought, and were not erased (`erased_hits`): all that the
    periods and the expired sums hold. `deleted`: the property is no more, and whatever comes for it is erased.

    Periods that end at `kept_from` (ms) or before are past their retention. Hits that still come for them change no
    later period, and the first period after it keeps the carry that it was built on.

    Raw parts are in the live generation's book only; another one takes them over when it becomes live. `bases` are the
    rules that were applied to the past, the latest last; `raw_from_us`: raw rows received before it may have expired.
    `pieces` are those of a generation that is being built, by number: they are not in the periods yet; None: it is not.
    """

    zone: str
    timeout_ms: int
    currency: str = "USD"
    engaged_ms: int = 10_000
    covered: tuple[OffsetRange, ...] = ()
    accepted: int = 0
    dropped: int = 0
    adopted: tuple[str, ...] = ()
    bases: tuple[AppliedRules, ...] = ()
    erased: tuple[Tombstone, ...] = ()
    erased_hits: int = 0
    deleted: bool = False
    raw_from_us: int = 0
    expired_counted: int = 0
    expired_rejected: dict[str, int] = {}
    kept_from: int = 0
    periods: dict[str, PeriodEntry] = {}
    raw: tuple[RawPart, ...] = ()
    pieces: dict[int, RebuiltDays] | None = None
    format: int = FORMAT

    def covers(self, key: BlockKey) -> bool:
        """Whether the whole range is in the segments."""
        spans = (span for span in self.covered if (span.log, span.partition) == (key.log, key.partition))
        return any(span.first <= key.first and key.last <= span.last for span in spans)

    def key_of(self, day: int) -> str:
        """The period of a local day: its month where that has been folded, else the day."""
        month = month_key(day)
        return month if month in self.periods else day_key(day)

    @property
    def limits(self) -> Limits:
        return Limits(self.timeout_ms, self.engaged_ms)

    def hidden(self) -> tuple[Tombstone, ...]:
        """The tombstones whose rows are still in segments."""
        return tuple(each for each in self.erased if not each.removed)

    def dropped_events(self) -> int:
        return self.dropped + sum(shelf.dropped for shelf in self.periods.values())

    def counted(self) -> int:
        return self.expired_counted + sum(shelf.counted for shelf in self.periods.values())

    def rejected(self) -> dict[str, int]:
        """By reason, over all time."""
        return add_counts(self.expired_rejected, *(shelf.rejected for shelf in self.periods.values()))

    def segments(self) -> set[str]:
        """The names of all segments that the book speaks of."""
        shelves = [
            *self.periods.values(),
            *(shelf for piece in (self.pieces or {}).values() for shelf in piece.shelves.values()),
        ]
        layers = {place.segment for shelf in shelves for place in (*shelf.layers, shelf.carry)}
        return (layers | {part.place.segment for part in self.raw}) - {""}


def empty_manifest(settings: PropertySettings) -> Manifest:
    return Manifest(
        zone=settings.zone,
        timeout_ms=settings.session_timeout_s * 1000,
        engaged_ms=settings.engaged_s * 1000,
        currency=settings.currency,
    )


def add_counts(*sums: Mapping[str, int], less: Mapping[str, int] | None = None) -> dict[str, int]:
    """The sums together, without those of `less`; what is nothing is left out."""
    total = Counter[str]()
    for each in sums:
        total.update(each)
    total.subtract(less or {})
    return {name: number for name, number in sorted(total.items()) if number}


NO_CARRY: Final = LayerRef("", "", 0)

_decoder = msgspec.json.Decoder(Manifest)


class UnreadableManifest(ValueError):
    """The manifest has a format that this version does not read."""


def encode_manifest(book: Manifest) -> bytes:
    return msgspec.json.encode(book)


def decode_manifest(data: bytes) -> Manifest:
    """Raises UnreadableBook."""
    try:
        book = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise UnreadableManifest(f"the manifest cannot be read: {error}") from error
    if book.format != FORMAT:
        raise UnreadableManifest(f"manifest format {book.format} is not {FORMAT}")
    return book


def merge_ranges(covered: Iterable[OffsetRange], keys: Iterable[BlockKey]) -> tuple[OffsetRange, ...]:
    """The spans and the ranges together; what touches becomes one."""
    merged: list[OffsetRange] = []
    for span in sorted([*covered, *(OffsetRange(*key) for key in keys)]):
        last = merged[-1] if merged else None
        if last and (last.log, last.partition) == (span.log, span.partition) and span.first <= last.last + 1:
            merged[-1] = OffsetRange(last.log, last.partition, last.first, max(last.last, span.last))
        else:
            merged.append(span)
    return tuple(merged)
