"""Receives in one process: makes ranges of the log into raw blocks, one after the other.

It can be interrupted anywhere: a range is in the ledger, with its context, before it is worked on, and is marked done
last; a block that is written again has the same bytes. The next call does again what raised.
"""

import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError

from collection.log.port import Log, LogError
from configuration.ruleset.context import Context
from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.clock import Clock
from processing.ingest.geoip import GeoDatabase
from processing.models import Range
from processing.receiving import ledger
from processing.receiving.backlog import Backlog
from processing.receiving.batcher import RangeBatcher
from processing.receiving.contexts import Contexts, LoadRules
from processing.receiving.ledger import LogWentBack
from processing.receiving.range_receiver import LoadKeys, RangeReceiver, ReceivedRange, log_lost_hits
from processing.store.port import Store, StoreUnavailable

MAX_FAILED: Final = 64  # ranges; more of them are no matter of single ranges
# Failures that every range would meet, and of the ledger. They are raised, and all ranges wait.
OF_ALL_RANGES: Final = (StoreUnavailable, LogError, LogWentBack, DatabaseError, OSError, MemoryError)


class LocalReceiver:
    """Receives one log into one store."""

    def __init__(
        self, log: Log, store: Store, backlog: Backlog, *, current_context: Callable[[], Context],
        load_keys: LoadKeys, geo: GeoDatabase, load_rules: LoadRules, clock: Clock = time.monotonic,
    ) -> None:  # fmt: skip
        """`current_context` returns the settings of this moment; `load_keys` loads the salts that a range needs,
        `load_rules` the published rules that settings name, by their name in the store.
        """
        self.log, self.store, self.backlog, self._clock = log, store, backlog, clock
        contexts = Contexts(store, load_rules)
        self._range_receiver = RangeReceiver(log, store, contexts, load_keys, geo)
        self._batcher = RangeBatcher(log, contexts, current_context, clock)
        self._must_catch_up = True
        self._failed: set[int] = set()  # numbers of unfinished ranges that are tried again later

    def catch_up(self, backoff: Backoff | None = None) -> int:
        """Receives the ranges that an interrupted call, or an earlier process, left unfinished.

        Returns the number of hits. Failures of a range go to `backoff`, and it stays unfinished; without it they are
        raised, as are those of log, store and database, and LogWentBack.
        """
        self._batcher.check(self.store)
        hits = sum(
            self._receive_one(item, self._range_receiver.receive_again, backoff)
            for item in ledger.unfinished(self.log.id)
        )
        self._batcher.resume()
        self._must_catch_up = False
        return hits

    def receive(self, backoff: Backoff | None = None, *, at_once: bool = False) -> int:
        """Receives the ranges that are ready. Returns the number of hits. Raises and handles what `catch_up` does."""
        hits = self.catch_up(backoff) if self._must_catch_up else 0
        if self._failed:
            unfinished = [item for item in ledger.unfinished(self.log.id) if item.pk in self._failed]
            hits += sum(self._receive_one(item, self._range_receiver.receive_again, backoff) for item in unfinished)
            if len(self._failed) >= MAX_FAILED:
                return hits  # the hits of later ranges wait in the log
        self._must_catch_up = True  # unless the following lines do not raise
        for item in self._batcher.next_ranges(at_once=at_once):
            if item.done_at is None:
                hits += self._receive_one(item, self._range_receiver.receive, backoff)
            else:
                log_lost_hits(item)
            if len(self._failed) >= MAX_FAILED:
                break
        self._must_catch_up = False
        return hits

    def _receive_one(self, item: Range, receive: Callable[[Range], ReceivedRange], backoff: Backoff | None) -> int:
        """Receives a range, and returns the number of its hits: 0 if it fails, while the ranges after it go on."""
        if backoff is not None and not backoff.is_due(Task.RECEIVE_RANGE, item.pk):
            return 0
        try:
            hits = self._note(receive(item))
        except OF_ALL_RANGES:
            raise
        except Exception as error:
            if backoff is None:
                raise
            backoff.note(Task.RECEIVE_RANGE, error, item.pk)
            self._failed.add(item.pk)
            return 0
        if backoff is not None:
            backoff.note_success(Task.RECEIVE_RANGE, item.pk)
        self._failed.discard(item.pk)
        return hits

    def _note(self, received: ReceivedRange) -> int:
        for property, rows in received.rows.items():
            self.backlog.add(property, received.key, rows, self._clock())
        self.backlog.mark_received(received.key)
        return received.hits
