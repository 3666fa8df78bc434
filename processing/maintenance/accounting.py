"""Compares the hits that all properties together accepted with those that were received from the logs."""

from typing import NamedTuple

from collection.log.port import Log
from configuration.numbers import how_many
from processing.maintenance.log_retention import received_below
from processing.models import Range
from processing.segments.manifest import decode_manifest
from processing.segments.tail import uncovered
from processing.store.port import BlockInfo, BlockKey, Store

ReceivedOffsets = dict[tuple[str, int], int]  # by log and partition: every hit below the offset was received


class HitBalance(NamedTuple):
    """Numbers of hits. Every received hit is accepted by a property, erased, or lost.

    `received` comes from the offsets of the logs, `accepted` from manifests and raw blocks. Manifests do not count
    `erased` hits as accepted. `backwards` says which partitions end before what was received of them.
    """

    accepted: int
    erased: int
    lost: int
    received: int
    pending: int
    backwards: tuple[str, ...]

    @property
    def is_balanced(self) -> bool:
        return self.accepted + self.erased + self.lost == self.received and not self.backwards

    def describe(self) -> str:
        backwards = "".join(f"; {text}" for text in self.backwards)
        return (
            f"the properties accepted {how_many(self.accepted, 'hit')}, {self.erased} are erased and {self.lost} are"
            f" lost, but {self.received} were received ({self.pending} pending){backwards}"
        )


def reconcile(log: Log, store: Store) -> HitBalance:
    """Counts the hits up to the offsets that are received now; hits that are received meanwhile are subtracted again.

    A block above these offsets that is deleted before it was counted makes the balance wrong: reconcile again then.
    Raises Missing, CorruptBlob, UnreadableManifest.
    """
    offsets = _received_offsets(log)
    ends = log.ends()
    lost = sum(_lost_hits(name, partition, offset) for (name, partition), offset in offsets.items())
    pending = sum(end - offsets[log.id, partition] for partition, end in ends.items())
    backwards = tuple(
        f"partition {partition} ends at {end}, but was received up to {offsets[log.id, partition]}"
        for partition, end in ends.items()
        if end < offsets[log.id, partition]
    )
    counts = [_accepted_and_erased(store, property, offsets) for property in properties(store)]
    accepted, erased = (sum(numbers) for numbers in zip((0, 0), *counts, strict=True))
    return HitBalance(accepted, erased, lost, sum(offsets.values()), pending, backwards)


def properties(store: Store) -> list[int]:
    """Returns all properties that have a manifest, or hits in a raw block. Raises CorruptBlob."""
    in_blocks = {number for block in store.blocks() for number in store.directory(block.key).properties()}
    return sorted(in_blocks.union(store.properties()))


def _received_offsets(log: Log) -> ReceivedOffsets:
    partitions = set(Range.objects.values_list("log", "partition").distinct())
    partitions |= {(log.id, partition) for partition in log.partitions()}
    return {(name, partition): received_below(name, partition) for name, partition in partitions}


def _lost_hits(log: str, partition: int, offset: int) -> int:
    ranges = Range.objects.filter(log=log, partition=partition, first__lt=offset, lost__gt=0)
    return sum(ranges.values_list("lost", flat=True))


def _accepted_and_erased(store: Store, property: int, offsets: ReceivedOffsets) -> tuple[int, int]:
    """Counts the accepted hits of the manifest and of raw blocks that it does not cover, without those received later.

    Hits of raw blocks count as accepted until they are sealed, also those that are erased then.
    """
    stored, blocks = store.pin(property)
    manifest = decode_manifest(stored.data) if stored else None
    sealed, erased = (manifest.accepted, manifest.erased_hits) if manifest else (0, 0)
    unsealed = [block.key for block in uncovered(manifest, blocks)]
    later = [key for block in blocks if (key := _above(block, offsets))]
    return sealed + _hits(store, unsealed, property) - _hits(store, later, property), erased


def _above(block: BlockInfo, offsets: ReceivedOffsets) -> BlockKey | None:
    """Returns the part of a block from its partition's received offset on, None if there is none."""
    offset = offsets.get((block.key.log, block.key.partition), 0)
    return block.key._replace(first=max(block.key.first, offset)) if block.key.last >= offset else None


def _hits(store: Store, keys: list[BlockKey], property: int) -> int:
    return store.rows(keys, property)["position"].n_unique() if keys else 0
