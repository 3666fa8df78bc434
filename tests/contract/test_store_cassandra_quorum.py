"""Three nodes with three replicas: while one of them is away nothing fails, and nothing is missing afterwards."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from processing.store import open_store, set_up_store
from processing.store.port import ManifestChange, Store, StoreUnavailable
from tests.contract.store_builders import built, key, positions, put
from tests.services.cassandra_node import Cassandra

pytestmark = [pytest.mark.cassandra, pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE_S = 240.0
NODES = (1, 2, 3)


@pytest.fixture
def url(cassandra_of_three: Cassandra) -> Iterator[str]:
    url = cassandra_of_three.url(f"k{uuid.uuid4().hex}")
    set_up_store(url, "3")
    yield url
    for node in NODES:
        cassandra_of_three.start_node(node)


class Writer(threading.Thread):
    """Puts a block and a segment, and commits a manifest, again and again. `failed` says what did not work."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._store, self.written, self.failed = store, 0, list[Exception]()
        self.end = threading.Event()

    def run(self) -> None:
        while not self.end.is_set():
            try:
                put(self._store, self.written, self.written)
                self._store.put_segment(f"s{self.written}", {"events": built(200)})
                self._store.commit(1, {1: ManifestChange(self.written, b"%d" % self.written)})
            except StoreUnavailable as error:
                self.failed.append(error)
                return
            self.written += 1

    def wait_for(self, more: int) -> None:
        goal, give_up_at = self.written + more, time.monotonic() + PATIENCE_S
        while self.written < goal and self.is_alive():
            assert time.monotonic() < give_up_at, "nothing is written any more"
            time.sleep(0.05)


def test_it_works(cassandra_of_three: Cassandra, url: str) -> None:
    written = while_writing(url, lambda writer: writer.wait_for(10))
    check(url, written)


def test_each_node_is_killed_once(cassandra_of_three: Cassandra, url: str) -> None:
    def kill_each(writer: Writer) -> None:
        for node in random.Random(7).sample(NODES, 3):
            writer.wait_for(10)
            cassandra_of_three.kill9(node)
            writer.wait_for(20)
            cassandra_of_three.start_node(node)

    written = while_writing(url, kill_each)
    check(url, written)
    cassandra_of_three.kill9(2)  # whichever two are left hold everything
    check(url, written)


def test_without_a_quorum_nothing_is_acknowledged_and_it_works_again_with_one(
    cassandra_of_three: Cassandra, url: str
) -> None:
    store = open_store(url)
    put(store, 0, 0)
    cassandra_of_three.kill9(1)
    cassandra_of_three.kill9(2)
    with pytest.raises(StoreUnavailable):
        put(store, 1, 1)
    cassandra_of_three.start_node(1)
    give_up_at = time.monotonic() + PATIENCE_S
    while not stored(store):
        assert time.monotonic() < give_up_at, "it does not work again"
    assert positions(store, [key(0, 0), key(1, 1)]) == [0, 1]
    store.close()


def stored(store: Store) -> bool:
    try:
        put(store, 1, 1)
    except StoreUnavailable:
        return False
    return True


def while_writing(url: str, trouble: Callable[[Writer], object]) -> int:
    store = open_store(url)
    writer = Writer(store)
    writer.start()
    trouble(writer)
    writer.end.set()
    writer.join(PATIENCE_S)
    store.close()
    assert writer.failed == []
    return writer.written


def check(url: str, written: int) -> None:
    """Everything that was acknowledged is there, read by a client that knows nothing yet."""
    store = open_store(url)
    assert positions(store, [key(number, number) for number in range(written)]) == list(range(written))
    assert store.segments() == sorted(f"s{number}" for number in range(written))
    manifest = store.manifest(1, 1)
    assert manifest
    assert manifest.version == written
    assert list(store.verify()) == []
    store.close()
