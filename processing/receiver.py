"""Receiving: ranges of the log become raw blocks, once each.

Any step can be cut off: a range is in the ledger, with its context, before it is worked on, and is called done
last; a block written again is the same bytes. What raised is done again by the next call.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from collection.log.port import CorruptLog, Entry, Log, Trimmed
from collection.protocols.ga4 import MOST_EVENTS
from configuration.rules import Context, PropertySettings, context_id, decode_context, encode_context
from processing import ledger
from processing.backlog import Backlog
from processing.models import Range
from processing.places import Places
from processing.poison import receive_whatever_comes
from processing.store.block import encode_block
from processing.store.port import BlockKey, Conflict, Store
from processing.visitors import Keys

logger = logging.getLogger(__name__)

CUT_S: Final = 0.5

FEW_HITS: Final = 512  # fit into memory however large they are
RANGE_WEIGHT: Final = 64 * 2**20  # what the hits of a range come to as rows, bytes at most

Clock = Callable[[], float]
KeysFor = Callable[[Sequence[Entry], Context], Keys]
RulesFor = Callable[[Sequence[PropertySettings]], Mapping[str, bytes]]


class Receiver:
    """Receives one log into one store.

    `context` says what is in force now; `keys` fetches the salts that a range needs, `rules` the published rules that
    settings name, by their name in the store.
    """

    def __init__(
        self, log: Log, store: Store, backlog: Backlog, *, context: Callable[[], Context], keys: KeysFor,
        places: Places, rules: RulesFor, clock: Clock = time.monotonic,
    ) -> None:  # fmt: skip
        self.log, self.store, self.backlog = log, store, backlog
        self._context, self._keys, self._places, self._rules, self._clock = context, keys, places, rules, clock
        self._ordinal = ledger.ordinal(log.id)
        self._next = {partition: ledger.received_up_to(log.id, partition) for partition in log.partitions()}
        self._frozen: dict[str, Context] = {}
        self._kept: set[tuple[int, int]] = set()
        self._waiting_since: dict[int, float] = {}
        self._behind = True

    def catch_up(self) -> int:
        """What was left unfinished, here or by an earlier receiver. Returns the number of hits. Raises LogWentBack."""
        self._check_ends()
        received = sum(self._receive(item) for item in ledger.unfinished(self.log.id))
        self._next = {partition: ledger.received_up_to(self.log.id, partition) for partition in self.log.partitions()}
        self._behind = False
        return received

    def receive(self, *, at_once: bool = False) -> int:
        """What is new, if it fills a range or waited long enough. Returns the number of hits. Raises LogWentBack."""
        received = self.catch_up() if self._behind else 0
        self._behind = True
        starts, ends = self.log.starts(), self.log.ends()
        for partition, end in ends.items():
            received += self._receive_partition(partition, starts[partition], end, at_once=at_once)
        self._behind = False
        return received

    def _receive_partition(self, partition: int, start: int, end: int, *, at_once: bool) -> int:
        received = 0
        while self._ripe(partition, end, at_once=at_once):
            affordable = self._affordable(partition, start, end)
            item = ledger.next_range(self.log.id, partition, start, affordable, self._freeze)
            if item is None:
                break
            self._next[partition] = item.last + 1
            self._waiting_since.pop(partition, None)
            received += self._receive(item) if item.done_at is None else self._alarm(item)
        return received

    def _affordable(self, partition: int, start: int, end: int) -> int:
        """The end, or where the next range must end so that few large hits do not take all memory."""
        first = max(start, self._next.get(partition, 0))
        last, weight = min(end, first + ledger.MOST_HITS) - 1, 0
        try:
            for low in range(first, last - FEW_HITS + 1, FEW_HITS):
                entries = self.log.read(partition, low, low + FEW_HITS - 1)
                weight += sum(_weight(entry.value) for entry in entries)
                if weight > RANGE_WEIGHT:
                    return low + FEW_HITS
        except (CorruptLog, Trimmed):
            return end
        return end

    def _check_ends(self) -> None:
        """Ledger, store and log must tell one story: none may have gone back behind the others."""
        for partition, end in self.log.ends().items():
            given = ledger.received_up_to(self.log.id, partition)
            highest = self.store.highest(self.log.id, partition)
            if highest is not None and given <= highest:
                raise ledger.LogWentBack(
                    f"the ledger ends at {given}, but the store holds hits up to {highest}: it is an older copy"
                )
            if end < given:
                raise ledger.LogWentBack(
                    f"log {self.log.id}, partition {partition} ends at {end}, but was received up to {given}"
                )

    def _ripe(self, partition: int, end: int, *, at_once: bool) -> bool:
        waiting = end - self._next.get(partition, 0)
        if waiting == 0:
            return False
        if waiting < 0 or waiting >= ledger.MOST_HITS or at_once:
            return True
        now = self._clock()
        return now - self._waiting_since.setdefault(partition, now) >= CUT_S

    def _freeze(self) -> str:
        """Writes down the context of this moment, and names it."""
        context = self._context()
        name = context_id(context)
        if name not in self._frozen:
            self._keep_rules(context.properties)
            self.store.put_context(name, encode_context(context))
            self._frozen = {name: context}
        return name

    def _keep_rules(self, properties: Sequence[PropertySettings]) -> None:
        """Puts the rules of the properties into the store, before anything there names them."""
        fresh = [settings for settings in properties if (settings.id, settings.rules) not in self._kept]
        for name, content in self._rules(fresh).items():
            self.store.put_context(name, content)
        self._kept.update((settings.id, settings.rules) for settings in fresh)

    def _receive(self, item: Range) -> int:
        entries, item.lost = self._read(item.partition, item.first, item.last)
        context = self._frozen.get(item.context) or decode_context(self.store.context(item.context))
        positions = [(self._position(item.partition, entry.offset), entry.value) for entry in entries]
        frames = receive_whatever_comes(positions, context, self._keys(entries, context), self._places)
        key = BlockKey(item.log, item.partition, item.first, item.last)
        self._put(key, item.context, encode_block(frames))
        ledger.done([item])
        for property, frame in frames.items():
            self.backlog.set(property, key, frame.height, self._clock())
        self.backlog.received(key)
        if item.lost:
            self._alarm(item)
        return len(entries)

    def _put(self, key: BlockKey, context: str, blob: bytes) -> None:
        """A block that an earlier attempt stored stands, even if a newer library would write other bytes for it."""
        try:
            self.store.put_block(key, context, blob)
        except Conflict:
            if not any((block.key, block.context_id) == (key, context) for block in self.store.blocks()):
                raise
            logger.warning("block %s was stored by an earlier attempt, with other bytes; it stands", key)

    def _position(self, partition: int, offset: int) -> int:
        return self._ordinal << 56 | partition << 48 | offset

    def _read(self, partition: int, first: int, last: int) -> tuple[list[Entry], int]:
        """The entries first to last that can be read, and how many cannot."""
        if first > last:
            return [], 0
        try:
            return self.log.read(partition, first, last), 0
        except Trimmed:
            start = min(self.log.starts()[partition], last + 1)
            entries, lost = self._read(partition, start, last)
            return entries, lost + start - first
        except CorruptLog as fault:
            logger.exception("the log is damaged")
            low, high = max(first, fault.first), min(last, fault.last)
            before, lost_before = self._read(partition, first, low - 1)
            after, lost_after = self._read(partition, high + 1, last)
            return before + after, lost_before + lost_after + high - low + 1

    def _alarm(self, item: Range) -> int:
        logger.error(
            "%d hits of log %s, partition %d, from %d to %d are lost",
            item.lost,
            item.log,
            item.partition,
            item.first,
            item.last,
        )
        return 0


def _weight(value: bytes) -> int:
    """What a hit comes to as rows at most: each line of its body repeats what its events share."""
    return len(value) * (1 + min(value.count(b"\n"), MOST_EVENTS))
