"""Measures all panels of the dashboard over a million hits in 30 days, and the disk space of a hit.

Warm: the same view again. Cold: in a new process (the files may be in the system's cache).

    python -m bench.reports [--hits 1000000]
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.preload import preload
from bench.record import record
from bench.site import ROOT, Site, median

if TYPE_CHECKING:  # only the process that measures imports the product
    from processing.segments.read_view import ReadView

ROUNDS = 7
CACHE_BYTES = 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--store", help="only measure the panels of the store at this address, and print them")
    parser.add_argument("--cache", type=Path, help="with --store: where a cluster's segments are kept on this disk")
    parser.add_argument("--property", type=int)
    options = parser.parse_args()
    if options.store:
        sys.stdout.write(json.dumps(panels(options.store, options.property, options.cache)))
        return
    with Site() as site:
        preload(site, options.hits)
        site.stop()
        site.manage("work", "--once")
        figures = measure(site, options.hits)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:24} {value:12.3f}\n")


def measure(site: Site, hits: int) -> dict[str, float]:
    number = site.properties[0][0]
    runs = [in_a_new_process(f"sqlite://{site.folder}/store", number) for _ in range(3)]
    return {
        "report_1m_cold_ms": median([run["cold"] for run in runs]),
        "report_1m_warm_ms": median([run["warm"] for run in runs]),
        "bytes_per_hit": stored_bytes(site.folder, number) / hits,
    }


def in_a_new_process(store: str, number: int, cache: Path | None = None) -> dict[str, float]:
    """See `panels`."""
    command = [sys.executable, "-m", "bench.reports", "--store", store, "--property", str(number)]
    command += ["--cache", str(cache)] if cache else []
    found: dict[str, float] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return found


def panels(store: str, number: int, cache: Path | None) -> dict[str, float]:
    """Returns milliseconds: the first call, and the median of the next calls."""
    from processing.segments.view_cache import ViewCache
    from processing.store import open_store

    reader = ViewCache(open_store(store, (cache, CACHE_BYTES) if cache else None))
    now = datetime.now(UTC)
    first = now.date() - timedelta(days=30)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        overview(reader.view(number), first, now)
        times.append(1000 * (time.perf_counter() - started))
    return {"cold": times[0], "warm": median(times[1:])}


def overview(view: "ReadView", first: date, now: datetime) -> object:
    """Answers the overview from a day until now, as it is without filters and with its first tabs."""
    from django.conf import settings
    from django.http import QueryDict

    if not settings.configured:  # reports need no Django; addresses of pages do
        settings.configure()
    from reporting.dashboard.page_request import read_page
    from reporting.dashboard.panels import panels as all_panels

    query = QueryDict(f"from={first}&to={now.date()}")
    return all_panels(view, read_page(query, now, view.begins, {}), now, query)


def stored_bytes(folder: Path, number: int) -> int:
    """Bytes of the property's segments, raw rows and events, without segments that wait for garbage collection."""
    from processing.segments.manifest import decode_manifest
    from processing.store import open_store

    store = open_store(f"sqlite://{folder}/store")
    manifest = store.manifest(number)
    names = decode_manifest(manifest.data).segment_names() if manifest else set()
    files = (folder / "store/segments").iterdir()  # a large section has a file of its own
    return sum(path.stat().st_size for path in files if path.name.partition(".")[0] in names)


if __name__ == "__main__":
    main()
