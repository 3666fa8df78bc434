"""The address of a store on Cassandra: cassandra://[user:password@]host[:port][,host[:port]...]/keyspace[?options].

Options: `dc` is the data center of this machine, whose nodes are asked; `replication` is for making the keyspace, a
number of replicas for every data center, or `name:number` of each, separated by commas.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

PORT: Final = 9042
_KEYSPACE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_REPLICATION: Final = re.compile(r"[0-9]+|[\w-]+:[0-9]+(,[\w-]+:[0-9]+)*")
_OPTIONS: Final = {"dc", "replication"}


class ClusterAddress(NamedTuple):
    """`replication` is that of a NetworkTopologyStrategy: replicas by data center, or `replication_factor` for all."""

    hosts: tuple[str, ...]
    port: int
    keyspace: str
    user: str = ""
    password: str = ""
    dc: str = ""
    replication: tuple[tuple[str, int], ...] = (("replication_factor", 1),)


def parse_address(url: str) -> ClusterAddress:
    """Raises ValueError, without the password."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    keyspace = parts.path.removeprefix("/")
    if parts.scheme != "cassandra" or not _KEYSPACE.fullmatch(keyspace) or not options.keys() <= _OPTIONS:
        raise ValueError(f"not the address of a store: cassandra://{hosts}{parts.path}")
    replication = parse_replication(options.get("replication", "1"))
    names, ports = zip(*(_host(each) for each in hosts.split(",")), strict=True)
    if len(set(ports)) > 1:
        raise ValueError(f"the nodes of a cluster have one port: {hosts}")
    return ClusterAddress(
        names, ports[0], keyspace, unquote(user), unquote(password), options.get("dc", ""), replication
    )


def parse_replication(text: str) -> tuple[tuple[str, int], ...]:
    """`3`, or `dc1:3,dc2:2`. Raises ValueError."""
    if not _REPLICATION.fullmatch(text):
        raise ValueError(f"not a replication: {text!r}; it is a number, or names of data centers with numbers")
    named = text if ":" in text else f"replication_factor:{text}"
    pairs = (each.split(":") for each in named.split(","))
    return tuple((name, int(number)) for name, number in pairs)


def _host(text: str) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    try:
        port = found.port or PORT
    except ValueError as error:
        raise ValueError(f"not a host of a store: {text!r}") from error
    if not found.hostname or found.username or found.path:
        raise ValueError(f"not a host of a store: {text!r}")
    return found.hostname, port
