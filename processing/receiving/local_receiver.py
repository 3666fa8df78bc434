"""Receiving in one process: ranges of the log are cut and become raw blocks, one after the other.

Any step can be cut off: a range is in the ledger, with its context, before it is worked on, and is called done
last; a block written again is the same bytes. What raised is done again by the next call.
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
    """Receives one log into one store.

    `current_context` returns the settings of this moment; `load_keys` fetches the salts that a range needs,
    `load_rules` the published rules that settings name, by their name in the store.
    """

    def __init__(
        self, log: Log, store: Store, backlog: Backlog, *, current_context: Callable[[], Context],
        load_keys: LoadKeys, geo: GeoDatabase, load_rules: LoadRules, clock: Clock = time.monotonic,
    ) -> None:  # fmt: skip
        self.log, self.store, self.backlog, self._clock = log, store, backlog, clock
        contexts = Contexts(store, load_rules)
        self._range_receiver = RangeReceiver(log, store, contexts, load_keys, geo)
        self._batcher = RangeBatcher(log, contexts, current_context, clock)
        self._behind = True

    def catch_up(self) -> int:
        """What was left unfinished, here or by an earlier receiver. Returns the number of hits. Raises LogWentBack."""
        self._batcher.check(self.store)
        received = sum(self._noted(self._range_receiver.receive_again(item)) for item in ledger.unfinished(self.log.id))
        self._batcher.resume()
        self._behind = False
        return received

    def receive(self, *, at_once: bool = False) -> int:
        """What is new, if it fills a range or waited long enough. Returns the number of hits. Raises LogWentBack."""
        received = self.catch_up() if self._behind else 0
        self._behind = True
        for item in self._batcher.next_ranges(at_once=at_once):
            if item.done_at is None:
                received += self._noted(self._range_receiver.receive(item))
            else:
                log_lost_hits(item)
        self._behind = False
        return received

    def _noted(self, received: ReceivedRange) -> int:
        """Returns the number of hits."""
        for property, rows in received.rows.items():
            self.backlog.set(property, received.key, rows, self._clock())
        self.backlog.received(received.key)
        return received.hits
