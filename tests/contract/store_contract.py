"""What every store must do, whichever adapter keeps the promise: a test class inherits this and provides two fixtures,
`store` (empty) and `reopen` (a function that opens the same data once more, as another process would).
"""

import threading
from collections.abc import Iterator, Sequence

import polars as pl
import pytest

from processing.schema import BUILT
from processing.store.port import BlockInfo, Conflict, LiveChange, ManifestChange, Missing, Store, VersionedBlob
from processing.store.rows import FrameRows
from tests.contract.store_block_contract import BlockContract
from tests.contract.store_builders import Reopen, blob, built, key, put, raw, together


class SegmentContract:
    @pytest.mark.parametrize("count", [0, 1, 600, 100_000])
    def test_a_section_comes_back(self, store: Store, reopen: Reopen, count: int) -> None:
        store.put_segment("s", {"events": built(count), "parts": built(2)})
        other = reopen()
        assert other.read("s", "events").equals(built(count))
        assert other.read("s", "events").schema == BUILT
        assert other.read("s", "parts").equals(built(2))

    @pytest.mark.parametrize("count", [1, 600, 100_000])
    def test_columns_come_in_the_order_asked_for(self, store: Store, count: int) -> None:
        store.put_segment("s", {"events": built(count)})
        assert store.read("s", "events", ["path", "time"]).equals(built(count).select("path", "time"))
        with pytest.raises(Missing):
            store.read("s", "events", ["time", "no such column"])

    @pytest.mark.parametrize("count", [1, 600, 70_000])
    def test_some_rows_of_a_section(self, store: Store, count: int) -> None:
        store.put_segment("s", {"events": built(count)})
        first = count // 2
        assert store.read("s", "events", ["path", "time"], (first, 300)).equals(
            built(count).select("path", "time").slice(first, 300)
        )
        assert store.read("s", "events", rows=(count, 5)).equals(built(0))

    @pytest.mark.parametrize("count", [1, 600, 70_000])
    def test_rows_that_come_column_by_column(self, store: Store, count: int) -> None:
        info = store.put_segment("s", {"events": built(count)})
        assert store.put_segment("t", {"events": FrameRows(built(count))}).checksum == info.checksum
        assert store.read("t", "events").equals(built(count))

    def test_rows_that_cannot_be_made_leave_nothing(self, store: Store) -> None:
        class Broken(FrameRows):
            def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
                yield from super().columns(names[:3])
                raise Missing("a source")

        with pytest.raises(Missing, match="a source"):
            store.put_segment("s", {"parts": built(70_000), "events": Broken(built(70_000))})
        assert store.segments() == []
        assert list(store.verify()) == []

    def test_the_size_of_columns_is_known(self, store: Store) -> None:
        store.put_segment("s", {"events": built(70_000), "parts": built(600), "open": built(2)})
        sizes = store.column_bytes("s", "events")
        assert 70_000 * 8 <= sizes["visitor"] < 70_000 * 16
        assert sizes["source"] < 70_000
        assert store.column_bytes("s", "parts")["visitor"] >= 600 * 8
        assert store.column_bytes("s", "open").get("visitor", 0) < 1_000
        with pytest.raises(Missing):
            store.column_bytes("s", "no such section")
        with pytest.raises(Missing):
            store.column_bytes("t", "events")

    def test_what_is_not_there_is_missing(self, store: Store) -> None:
        store.put_segment("s", {"events": built(1)})
        with pytest.raises(Missing):
            store.read("s", "parts")
        with pytest.raises(Missing):
            store.read("t", "events")

    def test_a_segment_is_put_again_but_never_changed(self, store: Store) -> None:
        info = store.put_segment("s", {"events": built(600), "carry": built(1)})
        assert store.put_segment("s", {"events": built(600), "carry": built(1)}) == info
        with pytest.raises(Conflict):
            store.put_segment("s", {"events": built(600), "carry": built(2)})
        assert store.read("s", "carry").height == 1
        assert info.name == "s"
        assert info.bytes > 0

    def test_checksums_tell_segments_apart(self, store: Store) -> None:
        one = store.put_segment("a", {"events": built(5)})
        assert store.put_segment("b", {"events": built(5)}).checksum == one.checksum
        assert store.put_segment("c", {"events": built(6)}).checksum != one.checksum

    def test_a_segment_may_be_empty(self, store: Store) -> None:
        store.put_segment("s", {})
        assert store.segments() == ["s"]
        assert store.sections("s") == []

    @pytest.mark.parametrize("count", [1, 600, 70_000])
    def test_sections_are_listed(self, store: Store, reopen: Reopen, count: int) -> None:
        store.put_segment("s", {"parts": built(2), "events": built(count)})
        store.put_segment("t", {})
        assert (reopen().sections("s"), store.sections("t")) == (["events", "parts"], [])
        store.delete_segment("s")
        for name in ("s", "u"):
            with pytest.raises(Missing):
                store.sections(name)

    @pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../a", "a\x00", "a*", "x" * 121, "ä", "a\n"])
    def test_other_names_are_refused(self, store: Store, name: str) -> None:
        with pytest.raises(ValueError, match="name"):
            store.put_segment(name, {"events": built(1)})
        with pytest.raises(ValueError, match="name"):
            store.read(name, "events")
        with pytest.raises(ValueError, match="name"):
            store.sections(name)
        with pytest.raises(ValueError, match="name"):
            store.delete_segment(name)

    def test_names_that_resemble_each_other(self, store: Store) -> None:
        names = ["a", "a.b", "a.events", "a.segment", "a.parquet", "a-b_C.9"]
        for number, name in enumerate(names):
            store.put_segment(name, {"events": built(70_000 + number), "b": built(1 + number)})
        assert store.segments() == sorted(names)
        store.delete_segment("a")
        assert store.segments() == sorted(names[1:])
        for number, name in enumerate(names[1:], start=1):
            assert store.read(name, "events", ["time"]).height == 70_000 + number
            assert store.read(name, "b").height == 1 + number

    def test_deleted_segments_are_gone(self, store: Store, reopen: Reopen) -> None:
        store.put_segment("s", {"events": built(70_000)})
        other = reopen()
        other.read("s", "events", ["time"])
        store.delete_segment("s")
        store.delete_segment("s")
        assert other.segments() == []
        with pytest.raises(Missing):
            other.read("s", "events", ["time"])


class ManifestContract:
    def test_manifests_are_versioned(self, store: Store, reopen: Reopen) -> None:
        store.commit(1, {1: ManifestChange(0, b"a")})
        store.commit(1, {1: ManifestChange(1, b"b")})
        assert reopen().manifest(1, 1) == VersionedBlob(1, 2, b"b")
        for stale in (0, 1, 3):
            with pytest.raises(Conflict):
                store.commit(1, {1: ManifestChange(stale, b"c")})
        assert store.manifest(1, 1) == VersionedBlob(1, 2, b"b")

    def test_a_commit_is_all_or_nothing(self, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"a")}, LiveChange(None, 1))
        for changes, live in (
            ({1: ManifestChange(1, b"b"), 3: ManifestChange(0, b"b"), 2: ManifestChange(7, b"b")}, None),
            ({1: ManifestChange(1, b"b"), 3: ManifestChange(0, b"b")}, LiveChange(2, 3)),
            ({1: ManifestChange(1, b"b"), 2: ManifestChange(1, None)}, LiveChange(1, 2)),
        ):
            with pytest.raises(Conflict):
                store.commit(1, changes, live)
            found = [store.manifest(1, number) for number in (1, 2, 3, None)]
            assert found == [VersionedBlob(1, 1, b"a"), VersionedBlob(2, 1, b"a"), None, VersionedBlob(1, 1, b"a")]

    def test_manifests_and_the_pointer_move_together(self, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a")}, LiveChange(None, 1))
        store.commit(1, {1: ManifestChange(1, None), 2: ManifestChange(0, b"b")}, LiveChange(1, 2))
        assert (store.live(1), store.generations(1), store.manifest(1)) == (2, [2], VersionedBlob(2, 1, b"b"))

    def test_the_live_generation(self, store: Store, reopen: Reopen) -> None:
        other = reopen()
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")})
        assert (other.live(1), other.manifest(1)) == (None, None)
        store.commit(1, {}, LiveChange(None, 1))
        assert (other.live(1), other.manifest(1)) == (1, VersionedBlob(1, 1, b"a"))
        store.commit(1, {}, LiveChange(1, 2))
        assert other.manifest(1) == VersionedBlob(2, 1, b"b")
        store.commit(1, {}, LiveChange(2, 1))
        assert other.manifest(1) == VersionedBlob(1, 1, b"a")
        store.commit(1, {}, LiveChange(1, None))
        assert other.manifest(1) is None

    def test_a_pointer_that_moved_conflicts(self, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")})
        store.commit(1, {}, LiveChange(None, 1))
        for new, expected in ((2, None), (2, 2), (None, 2), (3, 1)):
            with pytest.raises(Conflict):
                store.commit(1, {}, LiveChange(expected, new))
        assert store.live(1) == 1

    def test_manifests_can_be_removed_but_not_the_live_one(self, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")})
        store.commit(1, {}, LiveChange(None, 2))
        with pytest.raises(Conflict):
            store.commit(1, {2: ManifestChange(1, None)})
        with pytest.raises(Conflict):
            store.commit(1, {1: ManifestChange(2, None)})
        store.commit(1, {1: ManifestChange(1, None)})
        assert store.generations(1) == [2]

    def test_properties_and_generations(self, store: Store) -> None:
        store.commit(5, {2: ManifestChange(0, b""), 1: ManifestChange(0, b"")})
        store.commit(3, {1: ManifestChange(0, b"")})
        assert store.properties() == [3, 5]
        assert store.generations(5) == [1, 2]
        assert store.generations(4) == []

    def test_of_rival_commits_one_wins(self, store: Store, reopen: Reopen) -> None:
        stores = [store, reopen(), reopen(), reopen()]
        failures = together(*[lambda each=each: each.commit(1, {1: ManifestChange(0, b"x")}) for each in stores])
        assert [type(failure) for failure in failures] == [Conflict] * 3
        assert store.manifest(1, 1) == VersionedBlob(1, 1, b"x")

    def test_a_pinned_view_is_of_one_moment(self, store: Store, reopen: Reopen) -> None:
        """A block is put, then counted in the manifest, so that no view may count more than it has, nor lag by two."""
        store.commit(1, {1: ManifestChange(0, b"0")})
        store.commit(1, {}, LiveChange(None, 1))
        wrong: list[tuple[int, int]] = []
        done = threading.Event()

        def watch() -> None:
            other = reopen()
            while not done.is_set():
                manifest, blocks = other.pin(1)
                counted = int(manifest.data) if manifest else -1
                if not counted <= len(blocks) <= counted + 1:
                    wrong.append((counted, len(blocks)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        for number in range(60):
            put(store, number, number)
            store.commit(1, {1: ManifestChange(number + 1, b"%d" % (number + 1))})
        done.set()
        watcher.join()
        assert wrong == []


class StoreContract(BlockContract, SegmentContract, ManifestContract):
    def test_it_works(self, store: Store) -> None:
        put(store, 0, 4, properties=(1, 2))
        found = BlockInfo(key(0, 4), "c", 10, 10, len(blob(0, 4, (1, 2))))
        assert store.blocks() == [found]
        assert store.rows([key(0, 4)], 2).equals(raw(5))
        store.put_segment("s", {"events": built(3)})
        store.commit(1, {1: ManifestChange(0, b"first")})
        store.commit(1, {}, LiveChange(None, 1))
        assert store.pin(1) == (VersionedBlob(1, 1, b"first"), [found])

    def test_contexts(self, store: Store, reopen: Reopen) -> None:
        store.put_context("a", b"\x00rules")
        store.put_context("a", b"\x00rules")
        assert reopen().context("a") == b"\x00rules"
        with pytest.raises(Conflict):
            store.put_context("a", b"others")
        with pytest.raises(Missing):
            store.context("b")
        store.put_context("A", b"")
        assert store.contexts() == ["A", "a"]

    def test_a_whole_store_verifies(self, store: Store) -> None:
        self._fill(store)
        assert list(store.verify()) == []

    def test_scrubbing_loses_nothing(self, store: Store, reopen: Reopen) -> None:
        self._fill(store)
        store.scrub()
        assert reopen().rows([key(0, 4)], 1).equals(raw(5))
        assert list(store.verify()) == []

    def test_size_by_kind(self, store: Store) -> None:
        assert store.size() == {"blocks": 0, "contexts": 0, "manifests": 0, "segments": 0}
        self._fill(store)
        assert store.size()["blocks"] == len(blob(0, 4))
        assert all(store.size().values())

    def _fill(self, store: Store) -> None:
        put(store, 0, 4)
        store.put_context("c", b"rules")
        store.put_segment("s", {"events": built(70_000), "parts": built(700), "carry": built(2)})
        store.commit(1, {1: ManifestChange(0, b"m")})
        store.commit(1, {}, LiveChange(None, 1))
