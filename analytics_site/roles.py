"""The roles of the machines of a cluster, and the processes of each role."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from analytics_site.processes import manage, server
from analytics_site.supervisor import ProcessSpec

SCHEDULER: Final = "analytics_site.celery:LimitedScheduler"
ALONE: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")  # workers do not need to know each other


class RoleOptions(NamedTuple):
    """`receivers` and `sealers`: the number of processes of a worker that receive, and that seal."""

    host: str
    port: int
    receivers: int = 1
    sealers: int = 1


class Role(NamedTuple):
    """`serves`: it listens on host and port. `stop_timeout_s`: its processes are killed if they take longer to stop."""

    processes: Callable[[RoleOptions], list[ProcessSpec]]
    serves: bool = False
    needs_database: bool = True
    needs_broker: bool = False
    stop_timeout_s: float = 20.0


def collector(options: RoleOptions) -> list[ProcessSpec]:
    return [server("collector", "analytics_site.asgi_collector", options.host, options.port)]


def reporting(options: RoleOptions) -> list[ProcessSpec]:
    return [server("reporting", "analytics_site.asgi_reporting", options.host, options.port)]


def worker(options: RoleOptions) -> list[ProcessSpec]:
    """One process runs one job at a time, so that a job which breaks its process breaks no other job."""
    return [
        *_workers("receive", options.receivers),
        *_workers("seal", options.sealers),
        *_workers("history", 1),
    ]


def beat(options: RoleOptions) -> list[ProcessSpec]:
    return [ProcessSpec("dispatch", manage("dispatch")), ProcessSpec("beat", _celery("beat", "--scheduler", SCHEDULER))]


ROLES: Final[Mapping[str, Role]] = {
    "collector": Role(collector, serves=True, needs_database=False),
    "worker": Role(worker, needs_broker=True, stop_timeout_s=120.0),
    "reporting": Role(reporting, serves=True),
    "beat": Role(beat, needs_broker=True),
}


def _workers(queue: str, number: int) -> Iterator[ProcessSpec]:
    for name in (f"{queue}-{n}" for n in range(1, number + 1)):
        node = f"{name}.{os.getpid()}@%h"  # Celery confuses two nodes of one name, so it includes our process id
        yield ProcessSpec(name, _celery("worker", "--pool", "solo", "--queues", queue, "--hostname", node, *ALONE))


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--quiet", "--app", "analytics_site", *arguments)
