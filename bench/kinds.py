"""Measures a report of each kind over a million hits of one property in 30 days, and the dashboard's panels: the time
of the first answer in a new process, of the next ones, and the peak memory of the process.

    python -m bench.kinds [--hits 1000000] [--folder FOLDER] [--kind funnel]
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench import reports
from bench.preload import preload
from bench.record import record
from bench.site import ROOT, Site, median

ROUNDS: Final = 5
MONTH: Final = {"start": "31daysAgo", "end": "today"}
QUARTER: Final = {"start": "83daysAgo", "end": "today"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--folder", help="fills this folder, or uses it if it is filled already")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--kind", action="append", choices=BODIES)
    parser.add_argument("--store", help="only measure one kind on the store at this address, and print the figures")
    parser.add_argument("--property", type=int)
    options = parser.parse_args()
    if options.store:
        sys.stdout.write(json.dumps(measure(options.store, options.property, options.kind[0])))
        return
    with Site(options.port, folder=options.folder) as site:
        number = site.properties[0][0]
        if site.events(number) < options.hits:
            preload(site, options.hits)
        site.stop()
        site.manage("work", "--once")
        store = f"sqlite://{site.folder}/store"
        figures: dict[str, float] = {}
        for kind in options.kind or BODIES:
            found = in_a_new_process(store, number, kind)
            figures |= {f"{kind}_{name}": value for name, value in found.items()}
            sys.stdout.write(f"{kind:14}" + "".join(f"{name} {value:8.1f}   " for name, value in found.items()) + "\n")
        found = reports.in_a_new_process(store, number)
        figures |= {f"panels_{name}_ms": value for name, value in found.items()}
        sys.stdout.write(f"{'panels':14}cold_ms {found['cold']:10.1f}   warm_ms {found['warm']:10.1f}\n")
    record(**figures)


def in_a_new_process(store: str, number: int, kind: str) -> dict[str, float]:
    """See `measure`."""
    command = [sys.executable, "-m", "bench.kinds", "--store", store, "--property", str(number), "--kind", kind]
    found: dict[str, float] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return found


def measure(store: str, number: int, kind: str) -> dict[str, float]:
    """Returns milliseconds of the first answer and the median of the next ones, as they passed and of CPU time, which
    other processes do not lengthen; memory (MB) before, and at its peak.
    """
    from processing.segments.view_cache import ViewCache
    from processing.store import open_store
    from reporting.kinds import parse, run, write_answer
    from reporting.model.now import Now

    reader = ViewCache(open_store(store))
    now, body = Now.at(_end(reader.view(number))), BODIES[kind]
    if kind == "visitor":
        body = {**body, "visitor": str(reader.view(number).events(now.day, now.day, ["visitor"])["visitor"][0])}
    idle, times, cpu = _peak_mb(), [], []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        write_answer([run(parse(body), reader.view(number), now)])
        times.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - worked))
    return {
        "cold_ms": times[0], "cold_cpu_ms": cpu[0], "warm_ms": median(times[1:]), "warm_cpu_ms": median(cpu[1:]),
        "idle_mb": idle, "peak_mb": _peak_mb(),
    }  # fmt: skip


def _end(view: Any) -> datetime:
    """The moment of the last event: what realtime reports call now. In the zone of the property, UTC."""
    last = view.events(view.ends, view.ends, ["time"])["time"].max()
    return datetime.fromtimestamp(last / 1000, tz=UTC) + timedelta(seconds=1)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _event(name: str) -> dict[str, Any]:
    return {"type": "string", "field": "eventName", "value": name}


def _page(path: str) -> dict[str, Any]:
    return {"type": "string", "field": "pagePath", "value": path, "match": "BEGINS_WITH"}


TABLE: Final = {
    "date_ranges": [MONTH],
    "dimensions": ["pagePath", "country"],
    "metrics": ["totalUsers", "sessions", "screenPageViews"],
    "limit": 100,
}
TWICE: Final = {
    "scope": "user",
    "include": {"type": "events", "metric": "sessions", "operation": "GREATER_THAN_OR_EQUAL", "value": 2},
}
IN_ORDER: Final = {
    "scope": "user",
    "include": {"type": "sequence", "steps": [{"filter": _page("/p/1")}, {"filter": _page("/p/2")}]},
}
VIEWS: Final = {"scope": "event", "include": {"type": "events", "filter": _event("page_view")}}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "table": TABLE,
    "segment": {**TABLE, "segment": TWICE},
    "sequence": {**TABLE, "segment": IN_ORDER},
    "comparisons": {
        **TABLE,
        "comparisons": [
            {"name": "all"},
            {"name": "twice", "segment": TWICE},
            {"name": "in order", "segment": IN_ORDER},
            {"name": "views", "segment": VIEWS},
        ],
    },
    "funnel": {
        "kind": "funnel",
        "date_range": MONTH,
        "steps": [
            {"name": "visit", "filter": _event("page_view")},
            {"name": "second", "filter": _event("page_view")},
            {"name": "page", "filter": _page("/p/1")},
            {"name": "other page", "filter": _page("/p/2")},
            {"name": "end", "filter": _event("page_view")},
        ],
    },
    "retention": {"kind": "retention", "date_range": QUARTER, "granularity": "week", "periods": 12},
    "paths": {"kind": "paths", "date_range": MONTH, "events": _event("page_view"), "steps": 5},
    "pivot": {
        "kind": "pivot",
        "date_ranges": [MONTH],
        "metrics": ["totalUsers", "sessions", "screenPageViews"],
        "pivots": [
            {"dimensions": ["pagePath"], "limit": 100, "aggregations": ["TOTAL"]},
            {"dimensions": ["deviceCategory"], "aggregations": ["TOTAL"]},
        ],
    },
    "realtime": {"kind": "realtime", "dimensions": ["minutesAgo"], "metrics": ["activeUsers", "screenPageViews"]},
    "sessions": {
        "kind": "sessions",
        "date_range": MONTH,
        "session_filter": {"type": "numeric", "field": "page_views", "operation": "GREATER_THAN", "value": 2},
    },
    "visitor": {"kind": "visitor"},
    "changes": {
        "kind": "changes",
        "before": {"start": "31daysAgo", "end": "16daysAgo"},
        "after": {"start": "15daysAgo", "end": "today"},
        "dimension": "pagePath",
        "metric": "screenPageViews",
    },
}

if __name__ == "__main__":
    main()
