"""Stores on the Cassandra node of the marked tests: one keyspace, whose tables are empty when a test begins."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from processing.store import Store, open_store, set_up_store
from processing.store.port import StoreUnavailable
from tests.contract.store_builders import Reopen
from tests.services.cassandra_node import Cassandra

if TYPE_CHECKING:
    from processing.store.cassandra.session import CassandraSession

PATIENCE_S = 60.0
KEYSPACE = "hitstream_contract"
TABLES = ("logs", "blocks", "manifests", "segments", "contexts", "payloads", "columns", "documents")


@pytest.fixture(scope="session")
def cassandra_url(cassandra: Cassandra) -> str:
    url = cassandra.url(KEYSPACE)
    set_up_store(url)
    return url


@pytest.fixture(scope="session")
def session(cassandra_url: str) -> "Iterator[CassandraSession]":
    """Beside the stores: it sees the tables."""
    from processing.store.cassandra.address import parse_address
    from processing.store.cassandra.session import CassandraSession

    session = CassandraSession(parse_address(cassandra_url))
    yield session
    session.close()


@pytest.fixture
def on_cassandra(cassandra_url: str, session: "CassandraSession") -> Iterator[Reopen]:
    """Opens the same store again and again; it is empty at first."""
    _wait_until_it_answers(session)
    for table in TABLES:
        if session.run(f"SELECT * FROM {table} LIMIT 1"):  # noqa: S608 - truncating takes its time
            session.define(f"TRUNCATE {table}")
    stores: list[Store] = []

    def reopen() -> Store:
        stores.append(open_store(cassandra_url))
        return stores[-1]

    yield reopen
    for store in stores:
        store.close()


def _wait_until_it_answers(session: "CassandraSession") -> None:
    """A test before may have killed the node: the session's driver looks for it again after up to 10 s."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            session.run("SELECT release_version FROM system.local")
            return
        except StoreUnavailable:
            assert time.monotonic() < give_up, "Cassandra does not answer any more"
            time.sleep(0.5)
