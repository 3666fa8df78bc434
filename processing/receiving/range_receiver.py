"""One range of the log becomes one raw block. Any number of processes may work on ranges, also on the same one: the
block is the same bytes, and the range is called done last.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from django.db import DatabaseError

from collection.log.port import CorruptLog, Log, LogEntry, Trimmed
from configuration.ruleset.context import Context
from processing.ingest.geoip import GeoDatabase
from processing.ingest.quarantine import receive_isolating_failures
from processing.ingest.receive import receive as receive_here
from processing.ingest.subprocess_receive import receive_in_subprocess
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.models import Range
from processing.positions import encode_position
from processing.receiving import ledger
from processing.receiving.contexts import Contexts
from processing.store.port import BlockKey, Conflict, Store
from processing.store.raw_block import encode_block

logger = logging.getLogger(__name__)

CRASHES: Final = 3  # after so many a hit may be what ends the process

LoadKeys = Callable[[Sequence[LogEntry], Context], VisitorKeyFactory]


class ReceivedRange(NamedTuple):
    """What became of a range: how many entries were read, and how many rows each property has in the block."""

    key: BlockKey
    hits: int
    rows: dict[int, int]


class RangeReceiver:
    """Receives ranges of one log into one store; `load_keys` fetches the salts that a range needs."""

    def __init__(self, log: Log, store: Store, contexts: Contexts, load_keys: LoadKeys, geo: GeoDatabase) -> None:
        self._log, self._store, self._contexts, self._load_keys, self._geo = log, store, contexts, load_keys, geo
        self._ordinal = ledger.ordinal(log.id)

    @property
    def log(self) -> str:
        """The id of the log that is read: ranges of another one are not for this process."""
        return self._log.id

    def receive_again(self, item: Range) -> ReceivedRange:
        """Like `receive`, for a range that may have ended a process before."""
        ledger.begin(item)
        try:
            return self.receive(item)
        except Exception:
            with suppress(DatabaseError):
                ledger.take_back(item)
            raise

    def receive(self, item: Range) -> ReceivedRange:
        """Raises what log and store raise; then it may be done again. ValueError where it is of another log."""
        if item.log != self._log.id:
            raise ValueError(f"a range of log {item.log} cannot be read from log {self._log.id}")
        entries, item.lost = self._read(item.partition, item.first, item.last)
        context = self._contexts.load(item.context)
        positions = [(encode_position(self._ordinal, item.partition, entry.offset), entry.value) for entry in entries]
        receive = receive_in_subprocess if item.attempts > CRASHES else receive_here
        frames = receive_isolating_failures(positions, context, self._load_keys(entries, context), self._geo, receive)
        key = BlockKey(item.log, item.partition, item.first, item.last)
        self._put(key, item.context, encode_block(frames))
        if ledger.done(item) and item.lost:
            log_lost_hits(item)
        return ReceivedRange(key, len(entries), {property: frame.height for property, frame in frames.items()})

    def _put(self, key: BlockKey, context: str, blob: bytes) -> None:
        """A block that an earlier attempt stored stands, even if a newer library would write other bytes for it."""
        try:
            self._store.put_block(key, context, blob)
        except Conflict:
            if not any((block.key, block.context_id) == (key, context) for block in self._store.blocks()):
                raise
            logger.warning("block %s was stored by an earlier attempt, with other bytes; it stands", key)

    def _read(self, partition: int, first: int, last: int) -> tuple[list[LogEntry], int]:
        """The entries first to last that can be read, and how many cannot."""
        if first > last:
            return [], 0
        try:
            return self._log.read(partition, first, last), 0
        except Trimmed:
            start = min(self._log.starts()[partition], last + 1)
            entries, lost = self._read(partition, start, last)
            return entries, lost + start - first
        except CorruptLog as fault:
            logger.exception("the log is damaged")
            low, high = max(first, fault.first), min(last, fault.last)
            before, lost_before = self._read(partition, first, low - 1)
            after, lost_after = self._read(partition, high + 1, last)
            return before + after, lost_before + lost_after + high - low + 1


def log_lost_hits(item: Range) -> None:
    logger.error(
        "%d hits of log %s, partition %d, from %d to %d are lost",
        *(item.lost, item.log, item.partition, item.first, item.last),
    )
