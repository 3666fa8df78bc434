"""What the store on Cassandra does when its cluster is away, dies in the middle, or is shared by rivals."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from processing.segments.column_cache import ColumnCache
from processing.segments.seal import seal
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from processing.store.cassandra.session import CassandraSession
from processing.store.cassandra.store import CassandraStore
from processing.store.port import Conflict, ManifestChange, Store, StoreUnavailable
from tests.contract.store_builders import Reopen, blob, built, key, positions, put, together
from tests.services.cassandra_node import Cassandra
from tests.support.installation import BLOG, SHOP, Installation, ga4

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
WRITER = """
    import sys
    from processing.store import open_store
    from processing.store.port import *
    from tests.contract.store_builders import *
    store = open_store(sys.argv[1])
    number = version = 0
    while True:
        try:
            put(store, number, number)
            store.put_segment(f"s{number}", {"events": built(600)})
            version = (store.manifest(1, 1) or VersionedBlob(1, 0, b"")).version
            store.commit(1, {1: ManifestChange(version, b"%d" % number)})
        except StoreUnavailable:
            print("unavailable", flush=True)
            continue
        print(number, flush=True)
        number += 1
"""


@pytest.fixture
def store(on_cassandra: Reopen) -> Store:
    return on_cassandra()


def start(url: str, script: str) -> "subprocess.Popen[str]":
    code = textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_for(process: "subprocess.Popen[str]", wanted: Callable[[str], bool]) -> list[str]:
    """The lines that a process says up to the wanted one."""
    assert process.stdout
    lines: list[str] = []
    while not lines or not wanted(lines[-1]):
        lines.append(process.stdout.readline().strip())
        assert lines[-1], "the writer ended"
    return lines


def test_it_works(cassandra_url: str, on_cassandra: Reopen) -> None:
    """A process of its own writes; another one reads."""
    with start(cassandra_url, WRITER) as process:
        wait_for(process, "3".__eq__)
        process.kill()
    assert positions(on_cassandra(), [key(n, n) for n in range(4)]) == [0, 1, 2, 3]


class TestDeadNode:
    def test_what_was_acknowledged_is_there_after_a_power_cut(
        self, cassandra: Cassandra, cassandra_url: str, on_cassandra: Reopen
    ) -> None:
        with start(cassandra_url, WRITER) as process:
            said = wait_for(process, "20".__eq__)
            cassandra.kill9()
            said += wait_for(process, "unavailable".__eq__)
            cassandra.start_node()
            said += wait_for(process, str.isdigit)
            said += wait_for(process, str(int(said[-1]) + 10).__eq__)
            process.kill()
            said += process.communicate()[0].split()
        reported = [int(line) for line in said if line.isdigit()]
        store = on_cassandra()
        assert positions(store, [key(n, n) for n in reported]) == reported == list(range(len(reported)))
        assert {f"s{n}" for n in reported} <= set(store.segments())
        manifest = store.manifest(1, 1)
        assert manifest is not None
        assert int(manifest.data) >= reported[-1]
        assert list(store.verify()) == []

    def test_a_killed_writer_loses_nothing_that_it_reported(
        self, monkeypatch: pytest.MonkeyPatch, cassandra_url: str, on_cassandra: Reopen
    ) -> None:
        with start(cassandra_url, WRITER) as process:
            reported = wait_for(process, "15".__eq__)
            process.kill()
            reported += process.communicate()[0].split()
        store = on_cassandra()
        assert positions(store, [key(int(n), int(n)) for n in reported]) == [int(n) for n in reported]
        assert list(store.verify()) == []
        monkeypatch.setattr("processing.store.cassandra.cells.ABANDONED_S", -10)
        store.scrub()
        assert list(store.verify()) == []
        assert store.read("s0", "events").equals(built(600))


class TestAway:
    @pytest.fixture
    def away(self) -> Iterator[Store]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # nobody listens there
            with closing(open_store(f"cassandra://127.0.0.1:{taken.getsockname()[1]}/nowhere")) as store:
                yield store

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: put(store, 0, 4),
            lambda store: store.blocks(),
            lambda store: store.rows([key(0, 4)], 1),
            lambda store: store.put_context("c", b""),
            lambda store: store.put_segment("s", {"events": built(600)}),
            lambda store: store.read("s", "events"),
            lambda store: store.segments(),
            lambda store: store.commit(1, {1: ManifestChange(0, b"")}),
            lambda store: store.pin(1),
            lambda store: list(store.verify()),
        ],
    )
    def test_it_says_so(self, monkeypatch: pytest.MonkeyPatch, away: Store, use: Callable[[Store], object]) -> None:
        monkeypatch.setattr("processing.store.cassandra.session.PAUSES_S", (0.01,))
        with pytest.raises(StoreUnavailable, match="Cassandra"):
            use(away)

    def test_a_keyspace_that_is_not_there(self, cassandra: Cassandra) -> None:
        with (
            closing(open_store(cassandra.url("hitstream_never_made"))) as store,
            pytest.raises(StoreUnavailable, match="setup_store"),
        ):
            store.blocks()

    def test_a_store_of_the_future(self, session: CassandraSession, on_cassandra: Reopen) -> None:
        session.run("INSERT INTO formats (name, format) VALUES ('store', 9)")
        try:
            with pytest.raises(StoreUnavailable, match="format 9, not 1"):
                on_cassandra().blocks()
        finally:
            session.run("INSERT INTO formats (name, format) VALUES ('store', 1)")
        assert on_cassandra().blocks() == []

    def test_a_store_that_was_there_first_comes_back(self, cassandra: Cassandra, store: Store) -> None:
        """An open store outlives its node; nothing has to be started anew."""
        put(store, 0, 4)
        cassandra.kill9()
        with pytest.raises(StoreUnavailable):
            store.blocks()
        cassandra.start_node()
        for attempt in range(20):  # the driver looks for the node again after up to 10 s
            try:
                assert positions(store, [key(0, 4)]) == [0, 1, 2, 3, 4]
                return
            except StoreUnavailable:
                assert attempt < 19


class TestRivals:
    def test_it_works(self, on_cassandra: Reopen) -> None:
        """Workers that put neighbouring ranges at once: nothing is lost in the index that they share."""
        stores = [on_cassandra() for _ in range(4)]
        jobs = [
            lambda each=each, at=at: [put(each, n, n) for n in range(at, at + 10)]
            for at, each in zip((0, 100, 200, 300), stores, strict=True)
        ]
        assert together(*jobs) == []
        wanted = [n for at in (0, 100, 200, 300) for n in range(at, at + 10)]
        assert [info.key.first for info in stores[0].blocks()] == wanted
        assert stores[0].highest(key(0, 0).log, 0) == 309

    def test_merging_beside_a_receiver(self, on_cassandra: Reopen) -> None:
        store, other = on_cassandra(), on_cassandra()
        keys = [put(store, n, n) for n in range(8)]
        merged = [key(0, 3), key(4, 7)]

        def merge() -> None:
            for at, each in zip((0, 4), merged, strict=True):
                other.replace_blocks(keys[at : at + 4], each, "c", blob(each.first, each.last))

        assert together(merge, lambda: [put(store, n, n) for n in range(8, 30)]) == []
        assert [info.key for info in store.blocks()] == [*merged, *(key(n, n) for n in range(8, 30))]

    @pytest.mark.django_db
    def test_of_two_seals_one_commits(self, tmp_path: Path, cassandra_url: str, on_cassandra: Reopen) -> None:
        here = Installation(tmp_path, store_url=cassandra_url)
        here.send(*(ga4(n, client=f"1.{n}", hit=f"{n}") for n in range(30)))
        here.receive()
        stores = [on_cassandra(), on_cassandra()]
        failures = together(*[lambda each=each: seal(each, ColumnCache(each), SHOP.id) for each in stores])
        assert [type(failure) for failure in failures] in ([], [Conflict])
        assert ViewCache(on_cassandra()).view(SHOP.id).counts().counted == 30
        here.store.close()

    def test_a_forked_child_has_connections_of_its_own(self, store: CassandraStore) -> None:
        put(store, 0, 4)
        second = blob(5, 9)  # encoded here: the threads of polars do not survive a fork
        child = os.fork()
        if not child:
            signal.alarm(60)
            store.put_block(key(5, 9), "c", second)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(store.blocks()) == 2
        put(store, 10, 14)
        assert len(store.blocks()) == 3


@pytest.mark.django_db
def test_a_whole_installation(tmp_path: Path, cassandra_url: str, on_cassandra: Reopen) -> None:
    """Received, sealed, merged, swept and deleted: the same numbers as on the embedded store at every step."""
    there = Installation(tmp_path / "a", store_url=cassandra_url)
    here = Installation(tmp_path / "b")
    for step in range(4):
        hits = [
            ga4(n, client=f"1.{n % 7}", hit=f"{n}", property=(SHOP, BLOG)[n % 2])
            for n in range(step * 40, step * 40 + 50)
        ]
        for each in (there, here):
            each.send(*hits)
            each.receive()
            each.worker.seal(everything=step % 2 == 1)
            each.now += 100
            each.worker.run_maintenance(int(each.now * 1000) + 1_795_000_000_000)
        for property in (SHOP, BLOG):
            assert there.view(property.id).counts() == here.view(property.id).counts()
    assert list(there.store.verify()) == []
    there.restart()
    assert there.view().counts() == here.view().counts()
    there.store.close()
