"""Puts the hits of a month into a log, as the collector does, in a process beside the measurement. It reads from its
input how many hits to put in, one number per line, and prints the time (ms) of the last hit when it is durable.

    python -m bench.collect LOG MEASUREMENT_ID HITS FIRST_MS DAYS
"""

import sys
from collections.abc import Iterator
from itertools import islice

from bench.traffic import Traffic
from collection.hit import decode
from collection.log import open_log
from collection.log.port import Log

BATCH = 2_500
PAGES = 50_000
HITS_A_VISITOR = 7


def main(url: str, measurement_id: str, hits: int, first_ms: int, days: int) -> None:
    traffic = Traffic([measurement_id], hits / days / 86_400, visitors=max(1000, hits // HITS_A_VISITOR), pages=PAGES)
    log = open_log(url)
    there, entries = log.ends()[0], traffic.live(hits, first_ms, days)
    last_ms = max((_received_ms(value) for _, value in islice(entries, there)), default=first_ms)
    for line in sys.stdin:
        last_ms = collect(log, islice(entries, max(int(line) - there, 0))) or last_ms
        there = max(int(line), there)
        sys.stdout.write(f"{last_ms}\n")
        sys.stdout.flush()
    log.close()


def collect(log: Log, entries: Iterator[tuple[bytes, bytes]]) -> int:
    last = b""
    while batch := list(islice(entries, BATCH)):
        log.append(batch)
        last = batch[-1][1]
    return _received_ms(last) if last else 0


def _received_ms(value: bytes) -> int:
    return decode(value).received // 1000


if __name__ == "__main__":
    _, url, measurement_id, *numbers = sys.argv
    main(url, measurement_id, *map(int, numbers))
