"""The address of a store on Cassandra: cassandra://[user:password@]host[:port][,host[:port]...]/keyspace[?options].

Options: `dc` is the data center of this machine, whose nodes are asked; `replication` is for making the keyspace, a
number of replicas for every data center, or `name:number` of each, separated by commas; `tls`, `cafile`, `certfile` and
`keyfile` are about encryption.
"""

import ssl
from typing import NamedTuple

from configuration import addresses


class ClusterAddress(NamedTuple):
    """`replication` is that of a NetworkTopologyStrategy: replicas by data center, or `replication_factor` for all."""

    hosts: tuple[str, ...]
    port: int
    keyspace: str
    user: str = ""
    password: str = ""
    dc: str = ""
    replication: tuple[tuple[str, int], ...] = (("replication_factor", 1),)
    tls: ssl.SSLContext | None = None


def parse_address(url: str) -> ClusterAddress:
    """Raises ValueError, without the password."""
    address = addresses.parse_address(url, ("cassandra",), of="a store")
    hosts, ports = zip(*address.hosts, strict=True)
    return ClusterAddress(
        hosts,
        ports[0],
        address.path,
        address.user,
        address.password,
        address.options.get("dc", ""),
        parse_replication(address.options.get("replication", "1")),
        address.tls(),
    )


def parse_replication(text: str) -> tuple[tuple[str, int], ...]:
    """`3`, or `dc1:3,dc2:2`. Raises ValueError."""
    if not addresses.REPLICATION.allows(text):
        raise ValueError(f"not a replication: {text!r}; it is {addresses.REPLICATION.words}")
    named = text if ":" in text else f"replication_factor:{text}"
    pairs = (each.split(":") for each in named.split(","))
    return tuple((name, int(number)) for name, number in pairs)
