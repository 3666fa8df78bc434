"""Waits until hits that are in the log can be seen in reports."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from processing.receiving import ledger

POLL_EVERY_S: Final = 0.1
TIMEOUT_S: Final = 15.0  # a range takes a worker less than a second, so after that none is running


def count_unreported(log: str, ends: Mapping[int, int]) -> int:
    """Returns how many hits before these ends (offset by partition) no report counts yet."""
    # The ends are read before the unfinished ranges: a range that is recorded in between counts as unreported.
    reported = {partition: ledger.received_up_to(log, partition) for partition in ends}
    for item in ledger.unfinished(log):
        reported[item.partition] = min(item.first, reported.get(item.partition, item.first))
    return sum(max(end - reported[partition], 0) for partition, end in ends.items())


def wait_until_reported(
    log: str, ends: Mapping[int, int], on_progress: Callable[[int], None], timeout_s: float = TIMEOUT_S
) -> int:
    """Waits until reports count all hits before these ends, and calls `on_progress` with the number that is left.

    Returns 0, or the number that is left if it did not change for `timeout_s`: then no worker is running.
    """
    left, changed_at = count_unreported(log, ends), time.monotonic()
    while left and time.monotonic() - changed_at < timeout_s:
        on_progress(left)
        time.sleep(POLL_EVERY_S)
        before, left = left, count_unreported(log, ends)
        if left != before:
            changed_at = time.monotonic()
    return left
