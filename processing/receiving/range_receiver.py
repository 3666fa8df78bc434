"""Makes one range of the log one raw block. Any number of processes may work on ranges, also on the same one: the block
has the same bytes, and the range is marked done last.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import Final, NamedTuple

from django.db import DatabaseError

from collection.log.port import CorruptLog, Log, LogEntry, Trimmed
from configuration.ruleset.context import Context
from processing.ingest.decode import decode_hits
from processing.ingest.geoip import GeoDatabase
from processing.ingest.quarantine import receive_isolating_failures
from processing.ingest.receive import ReceivedRows
from processing.ingest.receive import receive as receive_in_process
from processing.ingest.subprocess_receive import receive_in_subprocess
from processing.ingest.visitor_keys import VisitorKeyFactory, receipt_days
from processing.models import Range
from processing.positions import encode_position
from processing.receiving import ledger
from processing.receiving.contexts import Contexts
from processing.store.port import BlockKey, Conflict, Store
from processing.store.raw_block import encode_block

MAX_CRASHES: Final = 3  # after more of them a hit may be what ends the process

LoadKeys = Callable[[Sequence[date], Context], VisitorKeyFactory]

logger = logging.getLogger(__name__)


class ReceivedRange(NamedTuple):
    """The block of a range: how many entries were read, and how many rows of each property it has."""

    key: BlockKey
    hits: int
    rows: dict[int, int]


class RangeReceiver:
    """Receives ranges of one log into one store."""

    def __init__(self, log: Log, store: Store, contexts: Contexts, load_keys: LoadKeys, geo: GeoDatabase) -> None:
        """`load_keys` loads the salts of days and of a context's properties."""
        self._log, self._store, self._contexts, self._load_keys, self._geo = log, store, contexts, load_keys, geo
        self._ordinal = ledger.ordinal(log.id)

    @property
    def log(self) -> str:
        """The id of the log: this receiver cannot receive ranges of another one."""
        return self._log.id

    def receive_again(self, item: Range) -> ReceivedRange:
        """Receives a range that may have ended a process before, and counts the attempt if it ends this one."""
        ledger.start_attempt(item)
        try:
            return self.receive(item)
        except Exception:
            with suppress(DatabaseError):
                ledger.withdraw_attempt(item)
            raise

    def receive(self, item: Range) -> ReceivedRange:
        """Stores the range as a raw block and marks it done. Sets `item.lost`: how many hits cannot be read.

        Raises what log and store raise; then it may be called again. Raises ValueError for a range of another log.
        """
        if item.log != self._log.id:
            raise ValueError(f"a range of log {item.log} cannot be read from log {self._log.id}")
        entries, item.lost = self._read(item.partition, item.first, item.last)
        frames = self._make_rows(item, entries)
        key = BlockKey(item.log, item.partition, item.first, item.last)
        self._put(key, item.context, encode_block(frames))
        if ledger.finish(item, frames.cleaned) and item.lost:
            log_lost_hits(item)
        return ReceivedRange(key, len(entries), {property: frame.height for property, frame in frames.items()})

    def _make_rows(self, item: Range, entries: Sequence[LogEntry]) -> ReceivedRows:
        """Returns the RAW rows of the range by property."""
        # Decoded once, for the days of the salts and for receiving.
        hits = decode_hits((encode_position(self._ordinal, item.partition, offset), value) for offset, value in entries)
        context = self._contexts.load(item.context)
        key_factory = self._load_keys(receipt_days(hits), context)
        receive = receive_in_subprocess if item.attempts > MAX_CRASHES else receive_in_process
        return receive_isolating_failures(hits, context, key_factory, self._geo, receive)

    def _put(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        """Stores the block, unless an earlier attempt did: a newer library may write other bytes for the same rows."""
        try:
            self._store.put_block(key, context_id, blob)
        except Conflict:
            if not any((block.key, block.context_id) == (key, context_id) for block in self._store.blocks()):
                raise
            logger.warning("block %s was stored by an earlier attempt, with other bytes; it stays", key)

    def _read(self, partition: int, first: int, last: int) -> tuple[list[LogEntry], int]:
        """Returns the entries first to last that can be read, and how many cannot."""
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
