"""Fills a site with hits of the past 30 days, through its log, and waits until they are reported."""

import sys
import time
from itertools import islice

from bench.site import Site
from bench.traffic import DAY_MS, PAGES, Traffic
from collection.log import open_log

BATCH = 4_000
DAYS = 29


def preload(site: Site, hits: int, pages: int = PAGES) -> float:
    """Returns the seconds from the first hit in the log to the last one in a report. `pages`: different ones."""
    ids = [measurement_id for _, measurement_id in site.properties]
    now = int(time.time() * 1000)
    traffic = Traffic(ids, hits / (DAYS * 86_400), pages=pages)
    entries = traffic.past(hits, now - (DAYS + 1) * DAY_MS, DAYS, now * 1000)
    log = open_log(f"sqlite://{site.folder}/log")
    started = time.time()
    while batch := list(islice(entries, BATCH)):
        log.append(batch)
    log.close()
    while sum(site.status(number)["pending"] for number, _ in site.properties):
        time.sleep(0.5)
    sys.stderr.write(f"{hits:,} hits loaded in {time.time() - started:.0f} s\n")
    return time.time() - started
