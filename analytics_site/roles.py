"""The roles of a cluster's machines: which processes each of them runs."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from analytics_site.parts import manage, server
from analytics_site.supervisor import ProcessSpec

SCHEDULER: Final = "analytics_site.celery:SparingScheduler"
ALONE: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")  # workers need not know each other


class Wanted(NamedTuple):
    """`receivers` and `sealers` are processes."""

    host: str
    port: int
    receivers: int = 1
    sealers: int = 1


class Role(NamedTuple):
    """`serves`: answers on host and port. `patience_s`: what its parts have for coming to an end."""

    parts: Callable[[Wanted], list[ProcessSpec]]
    serves: bool = False
    needs_database: bool = True
    needs_broker: bool = False
    patience_s: float = 20.0


def collector(wanted: Wanted) -> list[ProcessSpec]:
    return [server("collector", "analytics_site.asgi_collector", wanted.host, wanted.port)]


def reporting(wanted: Wanted) -> list[ProcessSpec]:
    return [server("reporting", "analytics_site.asgi_reporting", wanted.host, wanted.port)]


def worker(wanted: Wanted) -> list[ProcessSpec]:
    """One process for each job at a time: what breaks one of them breaks it alone."""
    return [
        *_workers("receive", wanted.receivers),
        *_workers("seal", wanted.sealers),
        *_workers("history", 1),
    ]


def beat(wanted: Wanted) -> list[ProcessSpec]:
    return [ProcessSpec("dispatch", manage("dispatch")), ProcessSpec("beat", _celery("beat", "--scheduler", SCHEDULER))]


ROLES: Final[Mapping[str, Role]] = {
    "collector": Role(collector, serves=True, needs_database=False),
    "worker": Role(worker, needs_broker=True, patience_s=120.0),
    "reporting": Role(reporting, serves=True),
    "beat": Role(beat, needs_broker=True),
}


def _workers(queue: str, number: int) -> Iterator[ProcessSpec]:
    """Two nodes of one name would answer for each other: the name has the supervisor's number in it."""
    for name in (f"{queue}-{n}" for n in range(1, number + 1)):
        node = f"{name}.{os.getpid()}@%h"
        yield ProcessSpec(name, _celery("worker", "--pool", "solo", "--queues", queue, "--hostname", node, *ALONE))


def _celery(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--quiet", "--app", "analytics_site", *words)
