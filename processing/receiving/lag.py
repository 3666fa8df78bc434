"""Waiting until hits that are in the log can be seen in reports."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from processing.receiving import ledger

LOOK_EVERY_S: Final = 0.1
PATIENCE_S: Final = 15.0  # a range takes a worker less than a second, so by then there is none


def unreported(log: str, ends: Mapping[int, int]) -> int:
    """How many hits before these ends (offset by partition) no report counts yet."""
    given = {partition: ledger.received_up_to(log, partition) for partition in ends}  # before what is unfinished of it
    for item in ledger.unfinished(log):
        given[item.partition] = min(item.first, given.get(item.partition, item.first))
    return sum(max(end - given[partition], 0) for partition, end in ends.items())


def wait_until_reported(
    log: str, ends: Mapping[int, int], told: Callable[[int], None], patience_s: float = PATIENCE_S
) -> int:
    """Returns how many hits before these ends are left: 0, or more if nothing happened for `patience_s`.

    Then no worker runs. `told` is called with the number again and again meanwhile.
    """
    left, since = unreported(log, ends), time.monotonic()
    while left and time.monotonic() - since < patience_s:
        told(left)
        time.sleep(LOOK_EVERY_S)
        before, left = left, unreported(log, ends)
        if left != before:
            since = time.monotonic()
    return left
