"""A copy of a store has all of it and is told from a copy that has not; broken off, it goes on."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from processing.maintenance.store_copy import StoreCopy, StoredCounts
from processing.models import Range
from processing.store import Store, open_store
from processing.store.port import Conflict, LiveChange, ManifestChange, StoreUnavailable
from processing.workers.wiring import single_worker_lock
from tests.contract.store_builders import LOG, built, key, merge_all, positions, put
from tests.services.cassandra_node import Cassandra
from tests.support.installation import BLOG, SHOP, Installation, ga4

Fill = Callable[[Store], None]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    stores = [open_store(f"sqlite://{tmp_path}/{name}") for name in ("source", "target")]
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def source(stores: list[Store]) -> Store:
    fill(stores[0])
    return stores[0]


@pytest.fixture
def target(stores: list[Store]) -> Store:
    return stores[1]


def fill(store: Store) -> None:
    store.put_context("c", b"rules")
    store.put_context("d", b"other rules")
    merge_all(store, [put(store, n, n + 4, properties=(1, 2)) for n in (0, 5)])
    store.delete_blocks([put(store, 10, 14)])
    for name in ("s", "t"):
        store.put_segment(name, {"events": built(700), "parts": built(2), "none": built(0)})
    store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")})
    store.commit(1, {1: ManifestChange(1, b"newer")}, LiveChange(None, 2))
    store.commit(5, {1: ManifestChange(0, b"never live")})


def check_copy(source: Store, target: Store) -> None:
    assert list(StoreCopy(source, target).problems()) == []
    assert target.contexts() == ["c", "d"]
    assert positions(target, [key(0, 9)], 2) == list(range(10))
    assert target.highest(LOG, 0) == 14
    assert target.read("t", "events").equals(built(700))
    assert (target.live(1), target.live(5), target.generations(1)) == (2, None, [1, 2])
    manifest = target.manifest(1, 1)
    assert manifest is not None
    assert manifest.data == b"newer"
    assert list(target.verify()) == []


def test_it_works(source: Store, target: Store) -> None:
    progress: list[tuple[str, int, int | None]] = []
    copy = StoreCopy(source, target, on_progress=lambda *step: progress.append(step))
    copy.run()
    assert copy.counts() == StoredCounts(contexts=2, blocks=1, segments=2, manifests=3)
    check_copy(source, target)
    assert ("segments", 1, 2) in progress


def test_partitions_without_blocks_keep_their_highest_offset(source: Store, target: Store) -> None:
    source.delete_blocks([key(0, 9)])
    StoreCopy(source, target, [(LOG, 0), (LOG, 1)]).run()
    assert target.highest(LOG, 0) == 14
    assert target.highest(LOG, 1) is None
    assert target.blocks() == []


METHODS = ["put_context", "put_block", "delete_blocks", "put_segment", "commit"]


@pytest.mark.parametrize(
    ("method", "done"), [*((method, 0) for method in METHODS), *((m, 1) for m in METHODS if m != "delete_blocks")]
)
def test_a_copy_that_was_broken_off_goes_on(
    monkeypatch: pytest.MonkeyPatch, source: Store, target: Store, method: str, done: int
) -> None:
    break_off(monkeypatch, target, method, done)
    with pytest.raises(StoreUnavailable):
        StoreCopy(source, target).run()
    assert list(StoreCopy(source, target).problems())
    monkeypatch.undo()
    written = count_writes(monkeypatch, target)
    StoreCopy(source, target).run()
    check_copy(source, target)
    assert written
    written.clear()
    StoreCopy(source, target).run()
    assert written == [], "what is there already is passed over"


def break_off(monkeypatch: pytest.MonkeyPatch, store: Store, method: str, done: int) -> None:
    """The store is away after so many calls of a method."""
    real, calls = getattr(store, method), iter(range(100))

    def away(*values: object) -> object:
        if next(calls) >= done:
            raise StoreUnavailable(method)
        return real(*values)

    monkeypatch.setattr(store, method, away)


def count_writes(monkeypatch: pytest.MonkeyPatch, store: Store) -> list[str]:
    written: list[str] = []
    for method in METHODS:
        real = getattr(store, method)

        def write(*values: object, real: Callable[..., object] = real, method: str = method) -> object:
            written.append(method)
            return real(*values)

        monkeypatch.setattr(store, method, write)
    return written


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda store: store.delete_blocks([key(0, 9)]), "1 blocks are missing"),
        (lambda store: put(store, 50, 59), "1 blocks are in the target only"),
        (lambda store: store.delete_segment("s"), "1 segments are missing"),
        (lambda store: store.put_context("e", b""), "1 contexts are in the target only"),
        (lambda store: store.commit(1, {1: ManifestChange(1, b"other")}), "manifests of property 1 differ"),
        (lambda store: store.commit(1, {}, LiveChange(2, 1)), "manifests of property 1 differ"),
        (lambda store: store.commit(9, {1: ManifestChange(0, b"")}), "1 properties are in the target only"),
    ],
)
def test_what_differs_is_found(source: Store, target: Store, change: Fill, found: str) -> None:
    StoreCopy(source, target).run()
    change(target)
    assert found in list(StoreCopy(source, target).problems())


def test_other_content_is_found(source: Store, target: Store) -> None:
    target.put_segment("s", {"events": built(699)})
    target.put_context("c", b"others")
    StoreCopy(source, target).run()
    assert list(StoreCopy(source, target).problems()) == ["context c differs", "segment s differs"]


def test_a_target_with_something_else_is_refused(source: Store, target: Store) -> None:
    target.commit(1, {1: ManifestChange(0, b"theirs")})
    with pytest.raises(Conflict, match="property 1"):
        StoreCopy(source, target).run()
    put(target, 200, 209)
    put(source, 205, 206)
    with pytest.raises(Conflict):
        StoreCopy(source, target).run()


@pytest.mark.django_db
class TestCommand:
    @pytest.fixture
    def here(self, tmp_path: Path, settings: Settings) -> Installation:
        here = Installation(tmp_path)
        settings.DATA, settings.STORE_URL = tmp_path, here.store_url
        here.send(*(ga4(n, client=f"1.{n % 5}", hit=f"{n}", property=(SHOP, BLOG)[n % 2]) for n in range(60)))
        here.receive()
        here.worker.seal(everything=True)
        here.send(*(ga4(n, client=f"1.{n % 5}", hit=f"{n}") for n in range(60, 90)))
        here.receive()
        return here

    def copy(self, source: str, target: str) -> str:
        told = StringIO()
        call_command("copy_store", source=source, target=target, stdout=told)
        return told.getvalue()

    def test_it_works(self, tmp_path: Path, here: Installation) -> None:
        target = f"sqlite://{tmp_path}/copy"
        told = self.copy(here.store_url, target)
        assert told == "1 contexts, 2 blocks, 4 segments, 2 manifests copied and compared; nothing differs.\n"
        assert self.copy(here.store_url, target) == told
        self.check_reports(here, target)

    @pytest.mark.cassandra
    @pytest.mark.timeout(300)
    def test_onto_a_cluster_and_back(self, tmp_path: Path, here: Installation, cassandra: Cassandra) -> None:
        from processing.store.cassandra.address import parse_address
        from processing.store.cassandra.session import CassandraSession

        target = cassandra.url("hitstream_copied")
        session = CassandraSession(parse_address(target), keyspace=False)
        session.define("DROP KEYSPACE IF EXISTS hitstream_copied")
        told = self.copy(here.store_url, target)
        assert self.copy(here.store_url, target) == told
        assert self.copy(target, f"sqlite://{tmp_path}/back") == told
        self.check_reports(here, target)
        session.define("DROP KEYSPACE hitstream_copied")
        session.close()

    def check_reports(self, here: Installation, target: str) -> None:
        """An installation goes on with the copy: the same numbers, and new hits come in."""
        before = {property.id: here.view(property.id).counts() for property in (SHOP, BLOG)}
        here.store.close()
        here.store_url = target
        here.restart()
        assert {property.id: here.view(property.id).counts() for property in (SHOP, BLOG)} == before
        here.send(ga4(1000, client="9.9", hit="new"))
        here.receive()
        assert here.view().counts().counted == before[SHOP.id].counted + 1
        here.store.close()

    def test_not_beside_a_worker(self, tmp_path: Path, here: Installation) -> None:
        with single_worker_lock(), pytest.raises(CommandError, match="worker is running"):
            self.copy(here.store_url, f"sqlite://{tmp_path}/copy")

    def test_not_with_ranges_that_are_half_received(self, tmp_path: Path, here: Installation) -> None:
        Range.objects.update(done_at=None)
        with pytest.raises(CommandError, match="work --once"):
            self.copy(here.store_url, f"sqlite://{tmp_path}/copy")

    def test_not_into_itself_and_not_anywhere(self, here: Installation) -> None:
        for target in (here.store_url, "redis://there"):
            with pytest.raises(CommandError):
                self.copy(here.store_url, target)

    def test_not_onto_other_content(self, tmp_path: Path, here: Installation) -> None:
        target = open_store(f"sqlite://{tmp_path}/copy")
        target.commit(SHOP.id, {1: ManifestChange(0, b"theirs")})
        target.close()
        with pytest.raises(CommandError, match="not to be used"):
            self.copy(here.store_url, f"sqlite://{tmp_path}/copy")
