"""The sum over the whole installation: what the properties accepted, against what was received of the log."""

from typing import NamedTuple

from collection.log.port import Log
from processing.maintenance.log_retention import received_below
from processing.models import Range
from processing.segments.manifest import decode_manifest
from processing.segments.tail import uncovered
from processing.store.port import BlockInfo, BlockKey, Store

ReceivedOffsets = dict[tuple[str, int], int]


class HitBalance(NamedTuple):
    """Hits. `received` is counted from the positions of the log, `accepted` from books and raw blocks; `erased` are in
    no book any more.
    """

    accepted: int
    erased: int
    lost: int
    received: int
    pending: int
    backwards: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.accepted + self.erased + self.lost == self.received and not self.backwards

    def sentence(self) -> str:
        went_back = "".join(f"; {text}" for text in self.backwards)
        return (
            f"the properties accepted {self.accepted} hits, {self.erased} are erased and {self.lost} are lost, but"
            f" {self.received} were received ({self.pending} pending){went_back}"
        )


def reconcile(log: Log, store: Store) -> HitBalance:
    """The balance at marks in the logs that are fixed first; what comes later is taken off again.

    Wrong only where a block above a mark was deleted before it was looked at: then take it again. Raises Missing,
    CorruptBlob, UnreadableBook.
    """
    marks = _marks(log)
    ends = log.ends()
    lost = sum(_lost(where, mark) for where, mark in marks.items())
    pending = sum(end - marks[log.id, partition] for partition, end in ends.items())
    backwards = tuple(
        f"partition {partition} ends at {end}, but was received up to {marks[log.id, partition]}"
        for partition, end in ends.items()
        if end < marks[log.id, partition]
    )
    found = [_accepted(store, property, marks) for property in properties(store)]
    accepted, erased = (sum(numbers) for numbers in zip((0, 0), *found, strict=True))
    return HitBalance(accepted, erased, lost, sum(marks.values()), pending, backwards)


def properties(store: Store) -> list[int]:
    """All that have a book, or hits in a raw block. Raises CorruptBlob."""
    in_blocks = {number for block in store.blocks() for number in store.directory(block.key).properties()}
    return sorted(in_blocks.union(store.properties()))


def _marks(log: Log) -> ReceivedOffsets:
    used = set(Range.objects.values_list("log", "partition").distinct())
    used |= {(log.id, partition) for partition in log.partitions()}
    return {(name, partition): received_below(name, partition) for name, partition in used}


def _lost(where: tuple[str, int], mark: int) -> int:
    ranges = Range.objects.filter(log=where[0], partition=where[1], first__lt=mark, lost__gt=0)
    return sum(ranges.values_list("lost", flat=True))


def _accepted(store: Store, property: int, marks: ReceivedOffsets) -> tuple[int, int]:
    """Accepted and erased hits. Those of raw blocks are accepted until they are sealed."""
    manifest, blocks = store.pin(property)
    book = decode_manifest(manifest.data) if manifest else None
    sealed = book.accepted if book else 0
    later = [key for block in blocks if (key := _above(block, marks))]
    left = [block.key for block in uncovered(book, blocks)]
    accepted = sealed + _hits(store, left, property) - _hits(store, later, property)
    return accepted, book.erased_hits if book else 0


def _above(block: BlockInfo, marks: ReceivedOffsets) -> BlockKey | None:
    """The part of a block from its log's mark on."""
    mark = marks.get((block.key.log, block.key.partition), 0)
    return block.key._replace(first=max(block.key.first, mark)) if block.key.last >= mark else None


def _hits(store: Store, keys: list[BlockKey], property: int) -> int:
    return store.rows(keys, property)["position"].n_unique() if keys else 0
