"""Measures hits per second from wrk (beside the server, on the same cores) until a report counts all of them.

python -m bench.end_to_end [--seconds 20]
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from bench.record import record
from bench.site import Site

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="how long wrk sends")
    options = parser.parse_args()
    with Site() as site:
        figures = measure(site, options.seconds)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:20} {value:12.3f}\n")


def measure(site: Site, seconds: int) -> dict[str, float]:
    number, measurement_id = site.properties[0]
    send(site.port, measurement_id, 2, first=0)
    wait_until_reported(site, number)
    before, cpu, began = site.status(number)["accepted"], site.cpu_s(), time.time()
    send(site.port, measurement_id, seconds, first=10_000_000)
    memory = sum(site.rss_mb().values())
    wait_until_reported(site, number)
    took, used = time.time() - began, site.cpu_s() - cpu
    hits = site.status(number)["accepted"] - before
    return {
        "end_to_end_rps": hits / took,
        "end_to_end_cpu_ms": 1000 * used / hits,
        "rss_mb": max(memory, sum(site.rss_mb().values())),
    }


def send(port: int, measurement_id: str, seconds: int, first: int, connections: int = CONNECTIONS) -> None:
    """Raises SystemExit if a hit was not answered 2xx."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}"]
    report = subprocess.run([*command, "--", str(first), measurement_id], capture_output=True, text=True, check=True)
    if re.search("Non-2xx|Socket errors", report.stdout):
        raise SystemExit(f"not every hit was accepted:\n{report.stdout}")


def wait_until_reported(site: Site, number: int) -> None:
    while site.status(number)["pending"]:
        time.sleep(0.25)


if __name__ == "__main__":
    main()
