"""Makes the keyspace and the tables of the store on Cassandra. It can be run again: what is there already stays."""

import uuid
from contextlib import closing
from typing import Final

from configuration.numbers import how_many
from processing.store.cassandra.address import ClusterAddress
from processing.store.cassandra.layout import FORMAT, statements
from processing.store.cassandra.session import ID, CassandraSession
from processing.store.port import StoreUnavailable

_FORMAT: Final = "INSERT INTO formats (name, format) VALUES ('store', ?) IF NOT EXISTS"
_ID: Final = "INSERT INTO labels (name, value) VALUES (?, ?) IF NOT EXISTS"
_TABLE: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'labels'"
EVERY: Final = "replication_factor"  # of every data center


def check(address: ClusterAddress) -> None:
    """Raises StoreUnavailable if the cluster has no such data center, or too few nodes for a keyspace to be made."""
    with closing(_outside(address)) as session:
        nodes = session.data_centers()
        named = [name for name, _ in address.replication if name != EVERY]
        for name in filter(None, [address.dc, *named]):
            if name not in nodes:
                raise StoreUnavailable(
                    f"Cassandra has no data center {name!r}: it has {', '.join(sorted(nodes))}. Change dc= or"
                    " replication= in STORE_URL, or --replication"
                )
        if not session.run(
            "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?", (address.keyspace,)
        ):
            _check_nodes(address, nodes)


def _check_nodes(address: ClusterAddress, nodes: dict[str, int]) -> None:
    """Raises StoreUnavailable if there are fewer nodes than replicas: then nothing could be written."""
    for name, replicas in address.replication:
        for place in nodes if name == EVERY else [name]:
            if replicas > nodes[place]:
                raise StoreUnavailable(
                    f"{how_many(replicas, 'replica')} cannot be kept in the data center {place!r} of Cassandra, which"
                    f" has {how_many(nodes[place], 'node')}. Start more nodes, or ask for fewer replicas with"
                    " replication= in STORE_URL or --replication"
                )


def set_up(address: ClusterAddress) -> None:
    """Raises StoreUnavailable."""
    check(address)
    with closing(CassandraSession(address, keyspace=False)) as session:
        session.define(keyspace_statement(address))
    with closing(CassandraSession(address, check=False)) as session:
        for statement in statements():
            session.define(statement)
        session.run(_FORMAT, (FORMAT,))
        session.run(_ID, (ID, uuid.uuid4().hex))


def known_id(address: ClusterAddress) -> str:
    """Returns the id of the store, "" if it is not there or has none. Raises StoreUnavailable."""
    with closing(_outside(address)) as session:
        if not session.run(_TABLE, (address.keyspace,)):
            return ""
        found = session.run(f"SELECT value FROM {address.keyspace}.labels WHERE name = ?", (ID,))  # noqa: S608 - a checked name
        return str(found[0][0]) if found else ""


def keyspace_statement(address: ClusterAddress) -> str:
    replicas = ", ".join(f"'{name}': {number}" for name, number in address.replication)
    strategy = f"{{'class': 'NetworkTopologyStrategy', {replicas}}}"
    return f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = {strategy}"


def _outside(address: ClusterAddress) -> CassandraSession:
    """Returns a session that needs neither the keyspace nor the data center."""
    return CassandraSession(address._replace(dc=""), keyspace=False)
