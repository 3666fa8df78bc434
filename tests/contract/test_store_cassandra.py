"""The store on Cassandra keeps the promises of the port, and its own about torn writes, doubt, damage and layout."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from processing.store import open_store
from processing.store.block import encode_block
from processing.store.cassandra import CassandraStore
from processing.store.cassandra_layout import PACK_BYTES, PAGE_BLOCKS
from processing.store.cassandra_session import CassandraSession, Statement, UnknownOutcome
from processing.store.port import Change, CorruptBlob, Live, Manifest, Missing, Store
from tests.contract.store_builders import Reopen, built, key, merge_all, positions, put, raw
from tests.contract.store_contract import StoreContract

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(300)]

CONTENT = ("payloads", "columns", "documents")
LARGE = (0, 3999)


class Died(BaseException):
    """What ends a writer in the middle."""


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


def large(*properties: int) -> bytes:
    """A block that takes several cells."""
    texts = pl.Series("dl", [blake2b(b"%d" % n).hexdigest() for n in range(4000)])
    return encode_block({number: raw(4000).with_columns(texts) for number in properties})


def put_block(store: Store) -> None:
    store.put_block(key(*LARGE), "c", large(1))


def replace_block(store: Store) -> None:
    store.replace_blocks([key(*LARGE)], key(*LARGE), "c", large(2))


def put_segment(store: Store) -> None:
    store.put_segment("s", {"events": built(70_000), "carry": built(2)})


def delete_segment(store: Store) -> None:
    store.delete_segment("s")


def put_context(store: Store) -> None:
    store.put_context("c", b"rules")


def commit(store: Store) -> None:
    store.commit(1, {1: Change(1, b"b"), 2: Change(0, b"c")}, Live(1, 2))


def nothing(store: Store) -> None:
    """No preparation."""


def put_both(store: Store) -> None:
    store.put_block(key(*LARGE), "c", large(1, 2))


def first_commit(store: Store) -> None:
    store.commit(1, {1: Change(0, b"a")}, Live(None, 1))


ACTIONS = [
    pytest.param(nothing, put_block, id="put_block"),
    pytest.param(put_both, replace_block, id="replace_blocks"),
    pytest.param(nothing, put_segment, id="put_segment"),
    pytest.param(put_segment, delete_segment, id="delete_segment"),
    pytest.param(nothing, put_context, id="put_context"),
    pytest.param(first_commit, commit, id="commit"),
]
WRITES = [action for action in ACTIONS if action.id != "delete_segment"]
Action = Callable[[Store], None]


def picture(store: Store) -> object:
    """All that a reader can see."""
    blocks = [(info, positions(store, [info.key]), positions(store, [info.key], 2)) for info in store.blocks()]
    segments = [(name, store.read(name, "events").height) for name in store.segments()]
    manifests = [store.manifest(1, number) for number in store.generations(1)]
    return blocks, segments, manifests, store.live(1), store.pin(1), _context(store)


def _context(store: Store) -> bytes | None:
    try:
        return store.context("c")
    except Missing:
        return None


def rows_of(session: CassandraSession, table: str) -> int:
    return len(session.run(f"SELECT id, cell FROM {table}"))  # noqa: S608


def unnamed(store: CassandraStore, session: CassandraSession) -> dict[str, int]:
    """Contents that no row names, by table."""
    named = store._blocks.used() | store._segments.used() | store._manifests.used() | store._contexts.used()
    found = {table: session.run(f"SELECT DISTINCT id, bucket FROM {table}") for table in CONTENT}  # noqa: S608
    left = {table: sum(bytes(id) not in named for id, _ in rows) for table, rows in found.items()}
    return {table: number for table, number in left.items() if number}


class TestTornWrites:
    """A writer dies between two requests; a number of cells or statements is in the cluster by then."""

    @pytest.mark.parametrize(("prepare", "action"), WRITES)
    @pytest.mark.parametrize("where", ["cells", "names"])
    def test_it_is_invisible_and_can_be_repeated(
        self,
        monkeypatch: pytest.MonkeyPatch,
        session: CassandraSession,
        reopen: Reopen,
        prepare: Action,
        action: Action,
        where: str,
    ) -> None:
        dying, other = reopen(), reopen()
        assert isinstance(dying, CassandraStore)
        assert isinstance(other, CassandraStore)
        prepare(dying)
        before = picture(other)
        with monkeypatch.context() as patched:
            _die_at(dying, where, patched)
            with pytest.raises(Died):
                action(dying)
        assert picture(other) == picture(reopen()) == before
        left = unnamed(other, session)
        assert left or where == "cells"
        action(other)
        assert picture(reopen()) == picture(other) != before
        monkeypatch.setattr("processing.store.cassandra_cells.ABANDONED_S", -10)
        other.scrub()
        assert unnamed(other, session) == {}
        assert picture(reopen()) == picture(other)
        assert list(other.verify()) == []

    def test_what_was_replaced_and_not_deleted_is_swept(
        self, monkeypatch: pytest.MonkeyPatch, session: CassandraSession, reopen: Reopen
    ) -> None:
        dying, other = reopen(), reopen()
        assert isinstance(dying, CassandraStore)
        assert isinstance(other, CassandraStore)
        put_both(dying)
        monkeypatch.setattr(dying._blocks._cells, "delete", _die)
        with pytest.raises(Died):
            replace_block(dying)
        assert other.directory(key(*LARGE)).properties() == [2]
        assert unnamed(other, session) == {"payloads": 1}
        other.scrub()
        assert unnamed(other, session) == {"payloads": 1}, "it may be of a writer that is at it now"
        monkeypatch.setattr("processing.store.cassandra_cells.ABANDONED_S", -10)
        other.scrub()
        assert unnamed(other, session) == {}
        assert positions(other, [key(*LARGE)], 2) == list(range(4000))


def _die(*_: object) -> None:
    raise Died


def _die_at(store: CassandraStore, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "names":
        monkeypatch.setattr(store._session, "swap", _die)
        return
    run_all = store._session.run_all

    def half(query: str, many: Sequence[Sequence[object]]) -> list[list[Any]]:
        if not query.startswith("INSERT"):
            return run_all(query, many)
        rows = list(many)
        run_all(query, rows[: len(rows) // 2])
        raise Died

    monkeypatch.setattr(store._session, "run_all", half)


class TestDoubt:
    """The answer to a conditional write is lost, after it was carried out or before."""

    @pytest.mark.parametrize(("prepare", "action"), ACTIONS)
    @pytest.mark.parametrize("applied", [True, False])
    def test_it_is_done_once(
        self,
        monkeypatch: pytest.MonkeyPatch,
        session: CassandraSession,
        reopen: Reopen,
        prepare: Action,
        action: Action,
        applied: bool,
    ) -> None:
        store, other = reopen(), reopen()
        assert isinstance(store, CassandraStore)
        prepare(store)
        swap, doubts = store._session.swap, [applied, applied]

        def doubtful(statements: Sequence[Statement]) -> bool:
            if not doubts:
                return swap(statements)
            if doubts.pop():
                swap(statements)
            raise UnknownOutcome

        monkeypatch.setattr(store._session, "swap", doubtful)
        action(store)
        assert len(doubts) < 2
        seen = picture(other)
        assert picture(store) == seen
        assert unnamed(store, session) == {}
        assert list(other.verify()) == []

    def test_a_commit_that_others_followed_was_done(self, monkeypatch: pytest.MonkeyPatch, reopen: Reopen) -> None:
        store, other = reopen(), reopen()
        assert isinstance(store, CassandraStore)
        swap = store._session.swap

        def overtaken(statements: Sequence[Statement]) -> bool:
            swap(statements)
            for version in range(1, 6):
                other.commit(1, {1: Change(version, b"theirs")})
            raise UnknownOutcome

        monkeypatch.setattr(store._session, "swap", overtaken)
        store.commit(1, {1: Change(0, b"ours")})
        assert other.manifest(1, 1) == Manifest(1, 6, b"theirs")


class TestDamage:
    """Every kind of thing that is stored: a change is reported by `verify` and never served."""

    def test_it_works(self, store: Store) -> None:
        put_block(store)
        put_segment(store)
        assert list(store.verify()) == []

    @pytest.mark.parametrize("number", [0, 1])
    @pytest.mark.parametrize("harm", ["changed", "gone"])
    @pytest.mark.parametrize(("table", "prepare"), [("payloads", put_block), ("columns", put_segment)])
    def test_cells(
        self, session: CassandraSession, reopen: Reopen, table: str, prepare: Action, harm: str, number: int
    ) -> None:
        prepare(reopen())
        harm_cell(session, table, number, harm)
        other = reopen()
        assert list(other.verify())
        with pytest.raises(CorruptBlob):
            _ = other.read("s", "events") if table == "columns" else other.rows([key(*LARGE)], 1)

    @pytest.mark.parametrize("harm", ["changed", "gone"])
    @pytest.mark.parametrize("prepare", [put_context, first_commit])
    def test_documents(self, session: CassandraSession, reopen: Reopen, prepare: Action, harm: str) -> None:
        prepare(reopen())
        harm_cell(session, "documents", 0, harm)
        other = reopen()
        assert len(list(other.verify())) == 1
        with pytest.raises(CorruptBlob):
            _ = other.context("c") if prepare is put_context else other.pin(1)

    def test_pages_of_the_index(self, session: CassandraSession, reopen: Reopen) -> None:
        put_block(reopen())
        listed = bytearray(session.run("SELECT listed FROM blocks WHERE log = ? AND part = ?", key(0, 0)[:2])[0][0])
        listed[-1] ^= 1
        session.run(
            "UPDATE blocks SET listed = ? WHERE log = ? AND part = ? AND page = 0", (bytes(listed), *key(0, 0)[:2])
        )
        with pytest.raises(CorruptBlob):
            reopen().blocks()
        assert list(reopen().verify())

    def test_pointer(self, session: CassandraSession, store: Store) -> None:
        store.commit(1, {1: Change(0, b"a"), 2: Change(0, b"b")}, Live(None, 1))
        session.run("UPDATE manifests SET live = 2 WHERE property = 1")
        for read in (store.live, store.manifest, store.pin):
            with pytest.raises(CorruptBlob):
                read(1)
        assert list(store.verify()) == ["live generation of property 1"]


def harm_cell(session: CassandraSession, table: str, number: int, harm: str) -> None:
    rows = session.run(f"SELECT id, bucket, cell, data FROM {table}")  # noqa: S608
    id, bucket, cell, data = next(row for row in rows if row[2] == number)
    if harm == "gone":
        session.run(f"DELETE FROM {table} WHERE id = ? AND bucket = ? AND cell = ?", (id, bucket, cell))  # noqa: S608
        return
    changed = bytearray(data)
    changed[-1] ^= 0x20
    query = f"INSERT INTO {table} (id, bucket, cell, data) VALUES (?, ?, ?, ?)"  # noqa: S608
    session.run(query, (id, bucket, cell, bytes(changed)))


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
        store.commit(1, {1: Change(0, b"1 block")}, Live(None, 1))
        late = [1, 2]

        def moving() -> list[Any]:
            if late:
                number = late.pop(0)
                put(other, number, number)
                other.commit(1, {1: Change(number, b"%d blocks" % (number + 1))})
            return infos()

        monkeypatch.setattr(store._blocks, "infos", moving)
        manifest, blocks = store.pin(1)
        assert manifest == Manifest(1, 3, b"3 blocks")
        assert len(blocks) == 3

    def test_a_view_of_a_busy_property_misses_nothing(
        self, monkeypatch: pytest.MonkeyPatch, store: CassandraStore, reopen: Reopen
    ) -> None:
        """Where it cannot be of one moment, blocks are those that came later: never those from before."""
        other, infos = reopen(), store._blocks.infos
        put(store, 0, 0)
        store.commit(1, {1: Change(0, b"0")}, Live(None, 1))
        monkeypatch.setattr("processing.store.cassandra.PIN_ATTEMPTS", 3)
        numbers = iter(range(1, 100))

        def moving() -> list[Any]:
            number = next(numbers)
            put(other, number, number)
            other.commit(1, {1: Change(number, b"%d" % number)})
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
        monkeypatch.setattr("processing.store.cassandra_cells.BUCKET_CELLS", 2)
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
        store.commit(1, {1: Change(2, None)})
        store.delete_blocks([merge_all(store, keys)])
        store.delete_segment("s")
        assert unnamed(store, session) == {}
        assert [rows_of(session, table) for table in CONTENT] == [0, 0, 1]


def pages(session: CassandraSession) -> dict[int, int]:
    """Blocks by page."""
    from processing.store.cassandra_index import BlockIndex

    index = BlockIndex(session).load(key(0, 0)[:2])
    return {number: len(page) for number, page in index.pages.items()}


def count_statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    assert isinstance(store, CassandraStore)
    asked: list[str] = []
    run, run_all = store._session.run, store._session.run_all

    def one(query: str, *values: Any, **more: Any) -> list[Any]:
        asked.append(query)
        return run(query, *values, **more)

    def many(query: str, values: Any) -> list[list[Any]]:
        found = list(values)
        asked.extend([query] * len(found))
        return run_all(query, found)

    monkeypatch.setattr(store._session, "run", one)
    monkeypatch.setattr(store._session, "run_all", many)
    return asked
