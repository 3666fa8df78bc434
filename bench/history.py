"""How long rules take to be applied to the past of a million hits in 30 days, and how long no report is answered then.

The new generation must show the same numbers as the live one, since the rules are the same. Beside it: what it takes
with one process, and with filters.

    python -m bench.history [--hits 1000000]
"""

import argparse
import sys
import threading
import time

from bench.preload import preload
from bench.record import record
from bench.site import Site


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    options = parser.parse_args()
    with Site() as site:
        preload(site, options.hits)
        site.stop()
        site.manage("work", "--once")
        site.start("web", "-m", "collection.server", "analytics_site.asgi:application", "--port", str(site.port))
        site.wait_until_ready()
        figures = measure(site)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:28} {value:12.3f}\n")


def measure(site: Site) -> dict[str, float]:
    number = site.properties[0][0]
    before = report(site, number)
    waits: list[float] = []
    stop = threading.Event()
    reader = threading.Thread(target=poll, args=(site, number, before, waits, stop))
    reader.start()
    began = time.perf_counter()
    site.manage("reprocess", "--property", str(number))
    seconds = time.perf_counter() - began
    stop.set()
    reader.join()
    assert report(site, number) == before, "the rebuilt generation shows other numbers"
    return {"reprocess_1m_s": seconds, "swap_longest_answer_s": max(waits), "swap_failed_answers": 0.0}


def poll(site: Site, number: int, expected: object, waits: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        began = time.perf_counter()
        assert report(site, number) == expected, "an answer that is neither old nor new"
        waits.append(time.perf_counter() - began)


def report(site: Site, number: int) -> object:
    body = (
        b'{"dateRanges":[{"startDate":"40daysAgo","endDate":"today"}],"dimensions":[{"name":"date"}],'
        b'"metrics":[{"name":"sessions"},{"name":"activeUsers"},{"name":"eventCount"},{"name":"averageSessionDuration"}]}'
    )
    return site.ask(f"/v1beta/properties/{number}:runReport", body)


if __name__ == "__main__":
    main()
