"""Makes the keyspace and the tables of the store on Cassandra. It can be run again: what is there already stays."""

from contextlib import closing

from processing.store.cassandra_address import Address
from processing.store.cassandra_layout import statements
from processing.store.cassandra_session import CassandraSession


def set_up(address: Address) -> None:
    """Raises StoreUnavailable."""
    with closing(CassandraSession(address, keyspace=False)) as session:
        session.define(keyspace_statement(address))
    with closing(CassandraSession(address)) as session:
        for statement in statements():
            session.define(statement)


def keyspace_statement(address: Address) -> str:
    replicas = ", ".join(f"'{name}': {number}" for name, number in address.replication)
    strategy = f"{{'class': 'NetworkTopologyStrategy', {replicas}}}"
    return f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = {strategy}"
