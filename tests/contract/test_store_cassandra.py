"""The store on Cassandra keeps the promises of the port, and its own about reading, caching and layout."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from processing.store import open_store
from processing.store.cassandra.layout import PACK_BYTES, PAGE_BLOCKS
from processing.store.cassandra.session import CassandraSession
from processing.store.cassandra.store import CassandraStore
from processing.store.port import LiveChange, ManifestChange, Missing, Store, VersionedBlob
from tests.contract.cassandra_actions import (
    CONTENT,
    LARGE,
    commit,
    count_statements,
    first_commit,
    harm_cell,
    large,
    pages,
    put_block,
    put_segment,
    rows_of,
    unnamed,
)
from tests.contract.store_builders import Reopen, built, key, merge_all, positions, put
from tests.contract.store_contract import StoreContract

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(300)]


@pytest.fixture
def reopen(on_cassandra: Reopen) -> Reopen:
    return on_cassandra


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestCassandraStore(StoreContract):
    pass


def test_it_works(store: CassandraStore, session: CassandraSession) -> None:
    put_block(store)
    assert session.run("SELECT page, version, highest FROM blocks WHERE log = ? AND part = ?", key(0, 0)[:2]) == [
        (0, 1, LARGE[1])
    ]
    assert rows_of(session, "payloads") == -(-len(large(1)) // 65_536) > 3


class TestReading:
    """What it costs, and what a reader sees while others write."""

    def test_it_works(self, monkeypatch: pytest.MonkeyPatch, store: CassandraStore) -> None:
        """Listing blocks again, as each report does, is two short statements, whatever the number of blocks."""
        for number in range(20):
            put(store, number, number)
        found = store.blocks()
        asked = count_statements(store, monkeypatch)
        assert store.blocks() == found
        assert len(asked) == 2

    def test_columns_touch_no_others(self, monkeypatch: pytest.MonkeyPatch, store: CassandraStore) -> None:
        frame = pl.DataFrame({"small": range(50_000), "large": [blake2b(b"%d" % n).hexdigest() for n in range(50_000)]})
        store.put_segment("s", {"events": frame})
        seen: list[bytes] = []
        read = store._segments._cells.read

        def remember(wanted: Sequence[tuple[bytes, int]]) -> list[bytes]:
            seen.extend(cells := read(wanted))
            return cells

        monkeypatch.setattr(store._segments._cells, "read", remember)
        assert store.read("s", "events", ["small"]).height == 50_000
        assert sum(map(len, seen)) < PACK_BYTES * 4
        seen.clear()
        assert store.read("s", "events", ["large"]).height == 50_000
        assert sum(map(len, seen)) > PACK_BYTES * 4

    def test_a_view_is_of_the_moment_in_which_its_manifest_held(
        self, monkeypatch: pytest.MonkeyPatch, store: CassandraStore, reopen: Reopen
    ) -> None:
        other, infos = reopen(), store._blocks.infos
        put(store, 0, 0)
        store.commit(1, {1: ManifestChange(0, b"1 block")}, LiveChange(None, 1))
        late = [1, 2]

        def moving() -> list[Any]:
            if late:
                number = late.pop(0)
                put(other, number, number)
                other.commit(1, {1: ManifestChange(number, b"%d blocks" % (number + 1))})
            return infos()

        monkeypatch.setattr(store._blocks, "infos", moving)
        manifest, blocks = store.pin(1)
        assert manifest == VersionedBlob(1, 3, b"3 blocks")
        assert len(blocks) == 3

    def test_a_view_of_a_busy_property_misses_nothing(
        self, monkeypatch: pytest.MonkeyPatch, store: CassandraStore, reopen: Reopen
    ) -> None:
        """Where it cannot be of one moment, blocks are those that came later: never those from before."""
        other, infos = reopen(), store._blocks.infos
        put(store, 0, 0)
        store.commit(1, {1: ManifestChange(0, b"0")}, LiveChange(None, 1))
        monkeypatch.setattr("processing.store.cassandra.store.PIN_ATTEMPTS", 3)
        numbers = iter(range(1, 100))

        def moving() -> list[Any]:
            number = next(numbers)
            put(other, number, number)
            other.commit(1, {1: ManifestChange(number, b"%d" % number)})
            return infos()

        monkeypatch.setattr(store._blocks, "infos", moving)
        manifest, blocks = store.pin(1)
        assert manifest is not None
        assert {info.key.last for info in blocks} >= set(range(int(manifest.data) + 1))

    def test_readers_of_deleted_content_look_again(self, store: CassandraStore, reopen: Reopen) -> None:
        other = reopen()
        keys = [put(store, n, n) for n in range(6)]
        assert positions(other, keys) == list(range(6))
        merged = merge_all(store, keys[:3])
        merge_all(store, [merged, *keys[3:]])
        assert positions(other, keys) == list(range(6))
        assert other.directory(keys[2]).rows == 6


class TestDiskCache:
    @pytest.fixture
    def cached(self, tmp_path: Path, cassandra_url: str, on_cassandra: Reopen) -> Iterator[CassandraStore]:
        store = open_store(cassandra_url, (tmp_path, 100 * 2**20))
        assert isinstance(store, CassandraStore)
        yield store
        store.close()

    def test_it_works(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cassandra_url: str, cached: CassandraStore
    ) -> None:
        """What one process has read, the next one finds on the disk."""
        put_segment(cached)
        assert cached.read("s", "events").equals(built(70_000))
        with closing(open_store(cassandra_url, (tmp_path, 100 * 2**20))) as later:
            later.sections("s")
            asked = count_statements(later, monkeypatch)
            assert later.read("s", "events").equals(built(70_000))
            assert [query for query in asked if "FROM columns" in query] == []

    def test_a_damaged_file_is_read_again_from_the_cluster(self, tmp_path: Path, cached: CassandraStore) -> None:
        put_segment(cached)
        cached.read("s", "events")
        for path in tmp_path.rglob("*.*"):
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        assert cached.read("s", "events").equals(built(70_000))
        assert cached.read("s", "carry").equals(built(2))

    def test_deleted_segments_are_gone_from_it(self, tmp_path: Path, store: Store, cached: CassandraStore) -> None:
        put_segment(store)
        cached.read("s", "events")
        cached.delete_segment("s")
        assert list(tmp_path.rglob("*.*")) == []
        put_segment(cached)
        cached.read("s", "events")
        store.delete_segment("s")
        with pytest.raises(Missing):
            cached.read("s", "events")

    def test_damage_in_the_cluster_is_not_hidden_from_a_check(
        self, session: CassandraSession, cached: CassandraStore
    ) -> None:
        put_segment(cached)
        cached.read("s", "events")
        harm_cell(session, "columns", 1, "changed")
        assert list(cached.verify())


class TestLayout:
    def test_it_works(self, session: CassandraSession, store: CassandraStore) -> None:
        """Pages are filled, emptied and filled again; none is deleted."""
        keys = [put(store, n, n) for n in range(PAGE_BLOCKS + 5)]
        assert pages(session) == {0: PAGE_BLOCKS, 1: 5}
        store.delete_blocks(keys[:100])
        put(store, 1000, 1000)
        assert pages(session) == {0: PAGE_BLOCKS - 99, 1: 5}
        assert positions(store, [*keys[100:], key(1000, 1000)]) == [*range(100, PAGE_BLOCKS + 5), 1000]

    def test_large_content_goes_into_several_partitions(
        self, monkeypatch: pytest.MonkeyPatch, session: CassandraSession, reopen: Reopen
    ) -> None:
        monkeypatch.setattr("processing.store.cassandra.cells.BUCKET_CELLS", 2)
        store = reopen()
        put_block(store)
        put_segment(store)
        assert {bucket for _, bucket in session.run("SELECT DISTINCT id, bucket FROM payloads")} > {0, 1}
        assert reopen().rows([key(*LARGE)], 1)["position"].to_list() == list(range(4000))
        assert reopen().read("s", "events").equals(built(70_000))
        store.delete_blocks([key(*LARGE)])
        store.delete_segment("s")
        assert rows_of(session, "payloads") == rows_of(session, "columns") == 0

    def test_deleting_leaves_no_content(self, session: CassandraSession, store: CassandraStore) -> None:
        keys = [put(store, n, n) for n in range(3)]
        put_segment(store)
        first_commit(store)
        commit(store)
        store.commit(1, {1: ManifestChange(2, None)})
        store.delete_blocks([merge_all(store, keys)])
        store.delete_segment("s")
        assert unnamed(store, session) == {}
        assert [rows_of(session, table) for table in CONTENT] == [0, 0, 1]
