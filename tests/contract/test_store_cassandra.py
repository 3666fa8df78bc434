"""The store on Cassandra keeps the promises of the port, and its own about torn writes, rivals, and nodes that die."""

from collections.abc import Iterator

import pytest

from processing.store import open_store, set_up_store
from processing.store.cassandra_address import parse_address
from processing.store.cassandra_session import CassandraSession
from processing.store.port import Store
from tests.cassandra_node import CassandraNode
from tests.contract.store_builders import Reopen, put
from tests.contract.store_contract import StoreContract

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(300)]

KEYSPACE = "hitstream_contract"
TABLES = ("logs", "blocks", "manifests", "segments", "contexts", "payloads", "columns", "documents")


@pytest.fixture(scope="session")
def url(cassandra: CassandraNode) -> str:
    address = cassandra.url(KEYSPACE)
    set_up_store(address)
    return address


@pytest.fixture(scope="session")
def session(url: str) -> Iterator[CassandraSession]:
    """Beside the stores: it sees the tables."""
    session = CassandraSession(parse_address(url))
    yield session
    session.close()


@pytest.fixture
def empty(session: CassandraSession) -> None:
    """Tables without rows; those that have none already are passed over, since truncating takes its time."""
    for table in TABLES:
        if session.run(f"SELECT * FROM {table} LIMIT 1"):  # noqa: S608
            session.define(f"TRUNCATE {table}")


@pytest.fixture
def reopen(url: str, empty: None) -> Iterator[Reopen]:
    stores: list[Store] = []

    def reopen() -> Store:
        stores.append(open_store(url))
        return stores[-1]

    yield reopen
    for store in stores:
        store.close()


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestCassandraStore(StoreContract):
    pass


def test_it_works(store: Store) -> None:
    put(store, 0, 4)
    assert [info.key.last for info in store.blocks()] == [4]
