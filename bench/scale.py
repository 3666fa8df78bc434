"""Measures the cost of a hit, a range and a report on this machine, and computes what 100 M, 1 G and 10 G hits per
month would need.

    python -m bench.scale [--hits 400000]

One day of a property is received, sealed and reported on the embedded installation, the collector accepts hits on a
socket, and PostgreSQL keeps a ledger. Costs are CPU time and bytes, which depend little on the load of the machine;
only the reports are in seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.model import Costs, Load, report_s, table
from bench.month import live_through, read_apart, stored
from bench.record import record
from bench.site import ROOT, TICKS, Site, cpu_ticks, written_out
from tests.services.postgres_server import Postgres, program
from tests.services.process import ServiceFailed

LOADS: Final = {
    "100 M": Load(100_000_000, 100),
    "1 G": Load(1_000_000_000, 1_000),
    "10 G": Load(10_000_000_000, 5_000),
}
RANGES: Final = 2_000
RANGE_BYTES: Final = 319.0  # docs/scale.md
RATE: Final = 500
COLLECT_S: Final = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=400_000)
    options = parser.parse_args()
    costs = Costs(collect_us=collector(), range_bytes=ledger(), **way(options.hits))
    record(**{f"scale_{name}": value for name, value in costs._asdict().items()})
    for name, value in costs._asdict().items():
        sys.stdout.write(f"{name:16} {value:12.3f}\n")
    sys.stdout.write(f"\n{table(LOADS, costs)}\n\n")
    for name, load in LOADS.items():
        for days in (1, 7, 30):
            report, panels = report_s(load, costs, days)
            sys.stdout.write(f"{name}, {days} days: a report {report:.1f} s, the dashboard {panels:.1f} s\n")


def way(hits: int) -> dict[str, float]:
    """Processes a day of hits in this process. Returns the worker's costs and the bytes on disk."""
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH")) as name:
        folder = Path(name)
        phases, written = live_through(folder, hits, 1)
        bytes = stored(folder)
        reading = read_apart(folder, 1, 1)
    return {
        **{f"{each}_us": 1e6 * phases[each].cpu_s / hits for each in ("receive", "seal", "tidy")},
        "tidy_us": 1e6 * (phases["tidy"].cpu_s + phases["close"].cpu_s) / hits,
        "log_bytes": bytes["log"] / hits,
        "block_bytes": written.blocks / hits,
        "stored_bytes": bytes["segments"] / hits,
        "written_bytes": written.segments / hits,
        "worker_mb": max(phase.peak_mb for phase in phases.values()),
        "reporting_mb": reading["panels_peak_mb"],
        "report_us": 1000 * reading["report_warm_ms"] / hits,
        "panels_us": 1000 * reading["panels_warm_ms"] / hits,
        "decoded_bytes": 2**20 * (reading["panels_peak_mb"] - reading["idle_mb"]) / hits,
    }


def collector() -> float:
    """Returns microseconds of CPU for a hit, at a rate at which few hits share an fsync."""
    with Site() as site:
        pid = site.processes["web"].pid
        words = [str(site.port), str(RATE), str(COLLECT_S), "32", site.properties[0][1]]
        before = cpu_ticks(pid)
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        return 1e6 * (cpu_ticks(pid) - before) / TICKS / int(json.loads(done.stdout)["ok"])


def ledger() -> float:
    """Returns the bytes of a range in PostgreSQL, with its indexes; where that is not installed, RANGE_BYTES."""
    if missing := _missing():
        sys.stderr.write(f"{missing}. The bytes of a range are taken from docs/scale.md.\n")
        return RANGE_BYTES
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-") as folder:
        server = Postgres(Path(folder))
        try:
            server.start()
            return float(_range_bytes(Path(folder), server.address))
        finally:
            server.stop()
            server.forget()


def _missing() -> str | None:
    """Returns what a server of PostgreSQL needs and is not there, in a sentence without its end."""
    if find_spec("psycopg") is None:
        return "psycopg is not there: make dev-cluster installs it"
    try:
        program("initdb")
    except ServiceFailed as error:
        return str(error)
    return None


def _range_bytes(folder: Path, address: str) -> str:
    site = Site(folder=str(folder))
    site.environment |= {**written_out(Path(folder)), "DATABASE_URL": address}
    site.manage("migrate", "-v", "0")
    return site.manage("shell", "-v", "0", "-c", FILL.format(ranges=RANGES))


FILL: Final = """
from django.db import connection
from processing.receiving import ledger
from processing.models import Range
for number in range({ranges}):
    item = ledger.next_range("0" * 32, 0, 0, (number + 1) * 1000, "0" * 32)
    ledger.finish(item)
with connection.cursor() as cursor:
    cursor.execute("VACUUM processing_range")
    cursor.execute("SELECT pg_total_relation_size('processing_range')")
    print(cursor.fetchone()[0] / {ranges})
"""


if __name__ == "__main__":
    main()
