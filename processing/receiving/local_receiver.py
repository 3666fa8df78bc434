"""Receives in one process: makes ranges of the log into raw blocks, one after the other.

It can be interrupted anywhere: a range is in the ledger, with its context, before it is worked on, and is marked done
last; a block that is written again has the same bytes. The next call does again what raised.
"""

import time
from collections.abc import Callable

from collection.log.port import Log
from configuration.ruleset.context import Context
from processing.concurrency.clock import Clock
from processing.ingest.geoip import GeoDatabase
from processing.receiving import ledger
from processing.receiving.backlog import Backlog
from processing.receiving.batcher import RangeBatcher
from processing.receiving.contexts import Contexts, LoadRules
from processing.receiving.range_receiver import LoadKeys, RangeReceiver, ReceivedRange, log_lost_hits
from processing.store.port import Store


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

    def catch_up(self) -> int:
        """Receives the ranges that an interrupted call, or an earlier process, left unfinished.

        Returns the number of hits. Raises LogWentBack.
        """
        self._batcher.check(self.store)
        hits = sum(self._note(self._range_receiver.receive_again(item)) for item in ledger.unfinished(self.log.id))
        self._batcher.resume()
        self._must_catch_up = False
        return hits

    def receive(self, *, at_once: bool = False) -> int:
        """Receives the ranges that are ready. Returns the number of hits. Raises LogWentBack."""
        hits = self.catch_up() if self._must_catch_up else 0
        self._must_catch_up = True  # unless the following lines do not raise
        for item in self._batcher.next_ranges(at_once=at_once):
            if item.done_at is None:
                hits += self._note(self._range_receiver.receive(item))
            else:
                log_lost_hits(item)
        self._must_catch_up = False
        return hits

    def _note(self, received: ReceivedRange) -> int:
        for property, rows in received.rows.items():
            self.backlog.add(property, received.key, rows, self._clock())
        self.backlog.mark_received(received.key)
        return received.hits
