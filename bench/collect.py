"""Puts the hits of a month into a log, as the collector would, in a process beside the measurement: it reads from its
input how many there shall be, a number a line, and answers with the time (ms) of the last one when it is durable.

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
    entries, log, there, last_ms = traffic.live(hits, first_ms, days), open_log(url), 0, first_ms
    for line in sys.stdin:
        last_ms = collect(log, islice(entries, int(line) - there)) or last_ms
        there = int(line)
        sys.stdout.write(f"{last_ms}\n")
        sys.stdout.flush()
    log.close()


def collect(log: Log, entries: Iterator[tuple[bytes, bytes]]) -> int:
    last = b""
    while batch := list(islice(entries, BATCH)):
        log.append(batch)
        last = batch[-1][1]
    return decode(last).received // 1000 if last else 0


if __name__ == "__main__":
    _, url, measurement_id, *numbers = sys.argv
    main(url, measurement_id, *map(int, numbers))
