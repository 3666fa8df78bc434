"""Starts and stops the servers that the marked tests use, for work by hand.

    python -m tests.services up kafka redis
    python -m tests.services status
    python -m tests.services down

`up` goes on from what was kept; `--fresh` begins from nothing. `--nodes 3` makes clusters of Kafka and Cassandra; with
another number than before begin afresh.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.redis_server import Redis
from tests.services.service import Service

SERVICES: Final[dict[str, Callable[[int], Service]]] = {
    "kafka": lambda nodes: Kafka(nodes=nodes),
    "cassandra": lambda nodes: Cassandra(nodes=nodes),
    "redis": lambda _: Redis(),
    "postgres": lambda _: Postgres(),
}
MOST_NODES: Final = 3


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description="Servers for the marked tests.")
    parser.add_argument("action", choices=["up", "down", "status"])
    parser.add_argument("names", nargs="*", metavar="server", help=f"of {', '.join(SERVICES)}; default: all")
    parser.add_argument("--nodes", type=int, choices=[1, MOST_NODES], default=1)
    parser.add_argument("--fresh", action="store_true", help="forget what was kept")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(SERVICES):
        parser.error(f"no such server: {', '.join(sorted(unknown))}")
    for name in options.names or SERVICES:
        act(options.action, SERVICES[name], options.nodes, fresh=options.fresh)


def act(action: str, make: Callable[[int], Service], nodes: int, *, fresh: bool) -> None:
    """`down` and `status` look for as many nodes as there may be."""
    service = make(nodes if action == "up" else MOST_NODES)
    if action == "up":
        service.start(fresh=fresh)
        say(service.address)
    if action == "down":
        service.stop()
    for line in service.status():
        say(line)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
