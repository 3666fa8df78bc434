"""The manifest of a generation of a property: the segments of each period, the log ranges they cover, and the sums.

Immutable: each change commits a new manifest in one step, so that a reader sees all of a change or none of it. The
stored names of some fields differ from the attributes' names; see `rename`.
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
    """Entries `first` to `last`, both included, of a partition of a log."""

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
    item_rows: int = 0  # of its section of items; earlier versions wrote none, and did not name it in `without`
    sightings: tuple[str, ...] = ()  # the kinds of first sightings whose rows it has

    def lacks(self, section: str) -> bool:
        return section in self.without or (section == "items" and not self.item_rows)


class PeriodEntry(msgspec.Struct, frozen=True):
    """A local day or month."""

    layers: tuple[LayerRef, ...]  # the lowest first
    carry: LayerRef  # what the period was built on; it is stored beside that layer
    counted: int  # hits
    rejected: dict[str, int]  # hits, by reason
    events: int
    dropped: int = 0  # events of counted hits that the rules dropped


class AppliedRules(msgspec.Struct, frozen=True, array_like=True):
    """Hits with an event time (ms) from `start` to before `end` are processed under at least these rules."""

    start: int
    end: int
    rules: int


class Tombstone(msgspec.Struct, frozen=True, array_like=True):
    """Erases a visitor: the hits that were received until then (microseconds) are not shown."""

    visitor: int
    until_us: int
    removed: bool = False  # no segment of the manifest has the rows any more; rows that still arrive are dropped


class RawPart(msgspec.Struct, frozen=True, rename={"ref": "place", "claim": "adopted"}):
    """Raw rows as they were received, under one ruleset. Parts of one month of receipt and day are merged."""

    ref: LayerRef
    received_month: str  # such as "2026-11"
    day: int  # UTC day of the event time
    last_received_us: int
    rules: int = 0  # number of the ruleset
    claim: str = ""  # the claim that brought the rows from property 0


class RebuiltDays(msgspec.Struct, frozen=True, rename={"entries": "shelves"}):
    """Some days of a generation that is being built."""

    entries: dict[str, PeriodEntry]
    dropped: int = 0  # events that belong to none of these periods


class Manifest(
    msgspec.Struct,
    frozen=True,
    rename={"claims": "adopted", "applied_rules": "bases", "tombstones": "erased", "rebuilt_days": "pieces"},
):
    """See the module. Every accepted hit is counted or rejected in one of the periods or in the expired sums."""

    zone: str
    timeout_ms: int
    currency: str = "USD"
    engaged_ms: int = 10_000
    covered: tuple[OffsetRange, ...] = ()
    accepted: int = 0  # hits that the covered ranges brought, without the erased ones
    dropped: int = 0  # events of no period
    claims: tuple[str, ...] = ()
    applied_rules: tuple[AppliedRules, ...] = ()  # to the past; the latest last
    tombstones: tuple[Tombstone, ...] = ()
    erased_hits: int = 0
    deleted: bool = False  # the property was deleted: hits that still arrive for it are erased
    raw_from_us: int = 0  # raw rows that were received earlier may have expired
    expired_counted: int = 0
    expired_rejected: dict[str, int] = {}
    # Periods that end by this instant (ms) are past their retention. Hits that still arrive for them change no later
    # period: the first period after it keeps the carry that it was built on.
    kept_from: int = 0
    periods: dict[str, PeriodEntry] = {}
    # Only the live generation has raw parts. Another generation takes them over when it becomes live.
    raw: tuple[RawPart, ...] = ()
    # By number of the task that rebuilt them. They are not in `periods` yet. None: the generation is not being built.
    rebuilt_days: dict[int, RebuiltDays] | None = None
    format: int = FORMAT

    def covers(self, key: BlockKey) -> bool:
        """Returns whether the segments hold the whole range."""
        ranges = (covered for covered in self.covered if (covered.log, covered.partition) == (key.log, key.partition))
        return any(covered.first <= key.first and key.last <= covered.last for covered in ranges)

    def key_of(self, day: int) -> str:
        """Returns the key of a local day's period: of its month if that has been folded, else of the day."""
        month = month_key(day)
        return month if month in self.periods else day_key(day)

    @property
    def limits(self) -> Limits:
        return Limits(self.timeout_ms, self.engaged_ms)

    def pending_tombstones(self) -> tuple[Tombstone, ...]:
        """Returns the tombstones whose rows are still in segments."""
        return tuple(tombstone for tombstone in self.tombstones if not tombstone.removed)

    def dropped_events(self) -> int:
        return self.dropped + sum(entry.dropped for entry in self.periods.values())

    def counted(self) -> int:
        return self.expired_counted + sum(entry.counted for entry in self.periods.values())

    def rejected(self) -> dict[str, int]:
        """Returns the rejected hits of all time, by reason."""
        return add_counts(self.expired_rejected, *(entry.rejected for entry in self.periods.values()))

    def segment_names(self) -> set[str]:
        """Returns the names of all segments that the manifest refers to."""
        rebuilt = [entry for days in (self.rebuilt_days or {}).values() for entry in days.entries.values()]
        refs = [ref for entry in (*self.periods.values(), *rebuilt) for ref in (*entry.layers, entry.carry)]
        return {ref.segment for ref in (*refs, *(part.ref for part in self.raw))} - {""}


NO_CARRY: Final = LayerRef("", "", 0)

_decoder = msgspec.json.Decoder(Manifest)


class UnreadableManifest(ValueError):
    """The manifest has a format that this version does not read."""


def empty_manifest(settings: PropertySettings) -> Manifest:
    return Manifest(
        zone=settings.zone,
        timeout_ms=settings.session_timeout_s * 1000,
        engaged_ms=settings.engaged_s * 1000,
        currency=settings.currency,
    )


def encode_manifest(manifest: Manifest) -> bytes:
    return msgspec.json.encode(manifest)


def decode_manifest(data: bytes) -> Manifest:
    """Raises UnreadableManifest."""
    try:
        manifest = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise UnreadableManifest(f"the manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise UnreadableManifest(f"manifest format {manifest.format} is not {FORMAT}")
    return manifest


def add_counts(*sums: Mapping[str, int], less: Mapping[str, int] | None = None) -> dict[str, int]:
    """Adds counts by name, and subtracts those of `less`. Names with a count of 0 are left out."""
    total = Counter[str]()
    for counts in sums:
        total.update(counts)
    total.subtract(less or {})
    return {name: number for name, number in sorted(total.items()) if number}


def merge_ranges(covered: Iterable[OffsetRange], keys: Iterable[BlockKey]) -> tuple[OffsetRange, ...]:
    """Adds ranges to the covered ones. Ranges that touch become one: 0-4 and 5-9 -> 0-9."""
    merged: list[OffsetRange] = []
    for new in sorted([*covered, *(OffsetRange(*key) for key in keys)]):
        last = merged[-1] if merged else None
        if last and (last.log, last.partition) == (new.log, new.partition) and new.first <= last.last + 1:
            merged[-1] = OffsetRange(last.log, last.partition, last.first, max(last.last, new.last))
        else:
            merged.append(new)
    return tuple(merged)
