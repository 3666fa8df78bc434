"""Sends malformed hits of 100 kB, and measures the memory of the web process while the dashboard lists them.

The hits are rejected with their reason. The web process is started anew before, so that what it needs is seen.

    python -m bench.rejected [--hits 9563] [--bytes 100000]
"""

import argparse
import sys
import time

from bench.heavy_reports import SET_PASSWORD, dashboard, sign_in
from bench.record import record
from bench.site import Site
from collection.hit import FORMAT, RawHit, encode
from collection.log import open_log

BATCH_BYTES = 16 * 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=9_563)
    parser.add_argument("--bytes", type=int, default=100_000)
    options = parser.parse_args()
    with Site() as site:
        site.manage("shell", "-v", "0", "-c", SET_PASSWORD)
        fill(site, options.hits, options.bytes)
        site.stop()
        site.manage("work", "--once")
        site.start("web", "-m", "collection.server", "analytics_site.asgi:application", "--port", str(site.port))
        site.wait_until_ready()
        cookie = sign_in(site)
        before = site.rss_mb()["web"]
        started = time.perf_counter()
        dashboard(site, cookie)
        seconds, opened = time.perf_counter() - started, site.rss_mb()["web"]
        reasons = site.ask(f"/api/properties/{site.properties[0][0]}/rejected/?from=yesterday")["reasons"]
        listed = site.rss_mb()["web"]
    counts = {reason["reason"]: reason["count"] for reason in reasons}
    sys.stdout.write(
        f"{counts}: web {before:.0f} MB; {opened:.0f} MB after the dashboard, which took {seconds:.1f} s;"
        f" {listed:.0f} MB after the API's list\n"
    )
    record(rejected_web_before_mb=before, rejected_web_after_mb=listed)


def fill(site: Site, hits: int, size: int) -> None:
    """Appends hits of the property without any event that can be read, and waits until they are received."""
    (_, measurement_id), now = site.properties[0], time.time_ns() // 1000
    log, batch, held = open_log(f"sqlite://{site.folder}/log"), list[tuple[bytes, bytes]](), 0
    for number in range(hits):
        query = f"v=2&tid={measurement_id}&cid={number}.1&en=".encode()
        body = b"x=%d&" % number + b"en=%FF" + b"z" * size
        hit = RawHit(FORMAT, f"rejected{number}", now, "ga4", "192.0.2.1", "Mozilla/5.0", {}, query, body)
        batch.append((b"%d" % number, encode(hit)))
        held += size
        if held >= BATCH_BYTES:
            log.append(batch)
            batch, held = [], 0
    log.append(batch)
    log.close()
    while site.status(site.properties[0][0])["pending"]:
        time.sleep(0.5)


if __name__ == "__main__":
    main()
