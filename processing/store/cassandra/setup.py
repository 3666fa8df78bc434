"""Makes the keyspace and the tables of the store on Cassandra. It can be run again: what is there already stays."""

from contextlib import closing
from typing import Final

from processing.store.cassandra.address import ClusterAddress
from processing.store.cassandra.layout import FORMAT, statements
from processing.store.cassandra.session import CassandraSession

_FORMAT: Final = "INSERT INTO formats (name, format) VALUES ('store', ?) IF NOT EXISTS"


def set_up(address: ClusterAddress) -> None:
    """Raises StoreUnavailable."""
    with closing(CassandraSession(address, keyspace=False)) as session:
        session.define(keyspace_statement(address))
    with closing(CassandraSession(address, check=False)) as session:
        for statement in statements():
            session.define(statement)
        session.run(_FORMAT, (FORMAT,))


def keyspace_statement(address: ClusterAddress) -> str:
    replicas = ", ".join(f"'{name}': {number}" for name, number in address.replication)
    strategy = f"{{'class': 'NetworkTopologyStrategy', {replicas}}}"
    return f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = {strategy}"
