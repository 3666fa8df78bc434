"""Measures how soon a hit is reported: 1,000 hits/s for 60 s, to a property with a million hits of this month, or to
1,000 properties.

The freshness of a hit is the time from its 2xx until the answer of a report counts it. The reader requests the next
report as soon as it has an answer.

python -m bench.freshness [--hits 1000000] [--seconds 60] [--rate 1000] [--properties 1]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

from bench.preload import preload
from bench.record import record
from bench.site import ROOT, Site, percentile

WATCHED = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--properties", type=int, default=1)
    options = parser.parse_args()
    with Site(properties=options.properties) as site:
        if options.hits:
            preload(site, options.hits)
        figures = measure(site, options.rate, options.seconds)
    name = "freshness_p99_s" if options.properties == 1 else "properties_1000_s"
    record(**{name: figures["freshness_p99_s"]})
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


def measure(site: Site, rate: int, seconds: int) -> dict[str, float]:
    """Requests reports of up to 20 properties in turn while the load runs.

    A hit is reported when an answer that counts it has arrived.
    """
    watched = site.properties[:WATCHED]
    before = {number: site.events(number) for number, _ in watched}
    answers: dict[int, list[tuple[float, int]]] = {number: [] for number, _ in watched}
    ids = ",".join(measurement_id for _, measurement_id in site.properties)
    load = [sys.executable, "-m", "bench.load", str(site.port), str(rate), str(seconds), "32", ids]
    cpu, started, took = site.cpu_s(), time.time(), []
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(load, cwd=ROOT, stdout=output)
        while process.poll() is None:
            took += [_ask(site, number, before, answers) for number, _ in watched]
        lasted, used = time.time() - started, site.cpu_s() - cpu
        output.seek(0)
        sent = json.loads(output.read())
    acknowledged = sent.pop("acknowledged")
    ages = [
        age for number, id in watched for age in _ages(site, number, before, answers, sorted(acknowledged.get(id, [])))
    ]
    return {
        **sent,
        "freshness_p50_s": percentile(ages, 0.5), "freshness_p99_s": percentile(ages, 0.99),
        "freshness_max_s": max(ages), "hits": len(ages), "reports": len(took),
        "report_p50_ms": 1000 * percentile(took, 0.5), "report_p99_ms": 1000 * percentile(took, 0.99),
        "cpu_ms_per_hit": 1000 * used / max(1, sent["ok"]), "cores": used / lasted,
        **{f"rss_{name}_mb": mb for name, mb in site.rss_mb().items()},
    }  # fmt: skip


def _ask(site: Site, number: int, before: dict[int, int], answers: dict[int, list[tuple[float, int]]]) -> float:
    asked = time.time()
    count = site.events(number)
    answers[number].append((time.time(), count - before[number]))
    return time.time() - asked


def _ages(
    site: Site, number: int, before: dict[int, int], answers: dict[int, list[tuple[float, int]]], moments: list[float]
) -> list[float]:
    """Returns each hit's seconds from its 2xx to the first answer that counts at least as many hits."""
    limit = time.time() + 60
    while answers[number][-1][1] < len(moments):
        _ask(site, number, before, answers)
        if time.time() > limit:
            raise TimeoutError(
                f"{answers[number][-1][1]} of {len(moments)} hits of property {number} were reported within a minute"
            )
    ages, waiting = [], iter(answers[number])
    at, counted = next(waiting)
    for rank, moment in enumerate(moments, 1):
        while counted < rank:
            at, counted = next(waiting)
        ages.append(at - moment)
    return ages


if __name__ == "__main__":
    main()
