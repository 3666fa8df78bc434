"""Measures a cluster (Kafka, Cassandra, Celery, PostgreSQL, Spark) and the embedded installation in the same run, all
on this machine.

    python -m bench.cluster [--seconds 20] [--hits 1000000]

accept: hits per second of one collector, without a worker. end to end: from wrk until a report counts all hits.
reports: all panels of the dashboard over 30 days. reprocess: rules applied to the past, on the embedded store.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError

from bench.end_to_end import send
from bench.preload import preload
from bench.record import record
from bench.reports import in_a_new_process
from bench.site import ROOT, Site, median
from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.redis_server import Redis
from tests.support.cluster import ClusterSite

PARTITIONS = 2  # as many as cores: each is divided into ranges on its own
CONNECTIONS = 256  # Kafka takes milliseconds to acknowledge: this many hits arrive meanwhile
ENGINES = {"embedded": "processes://2", "spark": "spark-local://2"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="how long wrk sends")
    parser.add_argument("--hits", type=int, default=1_000_000, help="of the store that reports are asked of; 0: none")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "analytics_site.settings")  # which processes a role has
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH")) as folder:
        figures = measure(Path(folder), options.seconds, options.hits)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:36} {value:12.3f}\n")


def measure(folder: Path, seconds: int, hits: int) -> dict[str, float]:
    with servers(folder) as (cassandra, urls):
        with ClusterSite(folder / "cluster", urls, eager=False, partitions=PARTITIONS) as site:
            figures = {**accepted(site, seconds), **whole_way(site, seconds), **memory(site)}
        if not hits:
            return figures
        store = cassandra.url(f"k{uuid.uuid4().hex}")
        with Site() as alone:
            number = alone.properties[0][0]
            preload(alone, hits)
            alone.stop()
            alone.manage("work", "--once")
            alone.manage("copy_store", "--from", f"sqlite://{alone.folder}/store", "--to", store)
            figures |= reports(alone, store, number, folder / "cache")
            return figures | reprocess(alone, number)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Cassandra, dict[str, str]]]:
    kafka, cassandra = Kafka(folder / "kafka"), Cassandra(folder / "cassandra")
    redis, postgres = Redis(folder / "redis"), Postgres(folder / "postgres")
    started = (kafka, cassandra, redis, postgres)
    try:
        for service in started:
            service.start()
        yield (
            cassandra,
            {
                "LOG_URL": f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}",
                "STORE_URL": cassandra.url(f"k{uuid.uuid4().hex}"),
                "BROKER_URL": redis.address,
                "DATABASE_URL": postgres.address,
            },
        )
    finally:
        for service in started:
            service.stop()
        with suppress(FileNotFoundError):
            postgres.forget()


def accepted(site: ClusterSite, seconds: int) -> dict[str, float]:
    """Sends hits without a dispatcher, then lets one process receive them; the same with two processes."""
    number, measurement_id = site.add_property()
    send(site.collector_port, measurement_id, 2, first=0, connections=CONNECTIONS)
    settle(site, number)
    rates, drained = [], {}
    for receivers in (1, 2):
        if receivers == 2:
            site.start("receive-2", *(word.replace("receive-1", "receive-2") for word in site.commands["receive-1"]))
        site.end("dispatch")
        began, before = time.time(), accepted_by(site)
        send(site.collector_port, measurement_id, seconds, receivers * 10_000_000, CONNECTIONS)
        hits = accepted_by(site) - before
        rates.append(hits / (time.time() - began))
        began = time.time()
        site.start("dispatch", *site.commands["dispatch"])
        settle(site, number)
        drained[f"cluster_drain_{receivers}_rps"] = hits / (time.time() - began)
    site.end("receive-2")
    return {"cluster_accept_rps": max(rates), **drained}


def accepted_by(site: ClusterSite) -> float:
    return site.figure(site.collector_port, "hitstream_accepted_total")


def whole_way(site: ClusterSite, seconds: int) -> dict[str, float]:
    number, measurement_id = site.add_property()
    cpu, began = site.cpu_s(), time.time()
    send(site.collector_port, measurement_id, seconds, 0, CONNECTIONS)
    settle(site, number)
    took, used = time.time() - began, site.cpu_s() - cpu
    hits = site.status(number)["accepted"]
    return {
        "cluster_end_to_end_rps": hits / took,
        "cluster_end_to_end_cpu_ms": 1000 * used / hits,
        "cluster_end_to_end_hits": float(hits),
    }


def settle(site: ClusterSite, number: int) -> None:
    while True:
        with suppress(URLError, OSError):
            if site.status(number)["pending"] == 0:
                return
        time.sleep(0.25)


def memory(site: ClusterSite) -> dict[str, float]:
    return {f"cluster_rss_mb_{name.replace('-', '_')}": used for name, used in site.rss_mb().items()}


def reports(alone: Site, store: str, number: int, cache: Path) -> dict[str, float]:
    """Measures both in turn, since other programs use the machine as well. Cold: a new process; on the cluster its
    disk cache is empty the first time, and has the segments' columns afterwards.
    """
    here, there, again = [], [], []
    for turn in range(3):
        here.append(in_a_new_process(f"sqlite://{alone.folder}/store", number))
        there.append(in_a_new_process(store, number, cache / str(turn)))
        again.append(in_a_new_process(store, number, cache / str(turn)))
    warm_here, warm_there = (median([run["warm"] for run in runs]) for runs in (here, there))
    return {
        "embedded_report_cold_ms": median([run["cold"] for run in here]),
        "embedded_report_warm_ms": warm_here,
        "cluster_report_cold_ms": median([run["cold"] for run in there]),
        "cluster_report_cached_ms": median([run["cold"] for run in again]),
        "cluster_report_warm_ms": warm_there,
        "cluster_report_warm_ratio": warm_there / warm_here,
    }


def reprocess(alone: Site, number: int) -> dict[str, float]:
    """Returns seconds, including the start of the command, of the engine and of its workers."""
    took = {}
    for name, url in ENGINES.items():
        began = time.time()
        environment = {**alone.environment, "ENGINE_URL": url}
        command = [sys.executable, "manage.py", "reprocess", "--property", str(number)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        took[f"{name}_reprocess_s"] = time.time() - began
    return took


if __name__ == "__main__":
    main()
