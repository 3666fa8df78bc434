"""The embedded store keeps the promises of the port, and its own about files, damage, crashes and disks."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from processing.store import open_store
from processing.store.embedded.store import EmbeddedStore
from processing.store.port import (
    BlockInfo,
    BlockKey,
    Conflict,
    CorruptBlob,
    LiveChange,
    ManifestChange,
    Store,
    StoreUnavailable,
    VersionedBlob,
)
from processing.store.raw_block import encode_block
from tests.contract.store_builders import LOG, Reopen, blob, built, key, positions, put, raw
from tests.contract.store_contract import StoreContract

ROOT = Path(__file__).parents[2]


@pytest.fixture
def opened() -> Iterator[list[EmbeddedStore]]:
    stores: list[EmbeddedStore] = []
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def reopen(tmp_path: Path, opened: list[EmbeddedStore]) -> Reopen:
    def reopen() -> EmbeddedStore:
        opened.append(EmbeddedStore(tmp_path / "store", wait_s=20))
        return opened[-1]

    return reopen


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestEmbeddedStore(StoreContract):
    pass


def change_database(tmp_path: Path, statement: str) -> None:
    connection = sqlite3.connect(tmp_path / "store" / "store.db")
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def flip_byte(path: Path, at: int) -> None:
    """The time of change is put back: only the content tells."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[at] ^= 0x20
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def segment_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "store" / "segments").iterdir())


def start(tmp_path: Path, script: str) -> "subprocess.Popen[str]":
    """A process of its own in which `store` is open."""
    head = f"""
        import sys
        from pathlib import Path
        from processing.store.embedded.store import EmbeddedStore
        from processing.store.port import *
        from tests.contract.store_builders import *
        store = EmbeddedStore(Path({str(tmp_path / "store")!r}))
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def output(process: "subprocess.Popen[str]") -> str:
    written, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return written


def test_it_works(tmp_path: Path) -> None:
    store = open_store(f"sqlite://{tmp_path}/a%20store")
    put(store, 0, 4)
    store.close()
    assert (tmp_path / "a store" / "store.db").exists()


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "sqlite://host/folder", "redis:///x", "/folder"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address of a store"):
        open_store(url)


def test_a_store_of_the_future_is_refused(tmp_path: Path, reopen: Reopen) -> None:
    reopen().close()
    connection = sqlite3.connect(tmp_path / "store" / "store.db")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(ValueError, match="format 9, not 1"):
        reopen()


class TestDamage:
    """Every kind of thing that is stored: a change is reported by `verify` and never served."""

    def test_it_works(self, store: Store) -> None:
        put(store, 0, 4)
        assert list(store.verify()) == []

    @pytest.mark.parametrize("at", ["length(data)", "20", "4"])
    def test_payload(self, tmp_path: Path, store: Store, reopen: Reopen, at: str) -> None:
        put(store, 0, 4)
        changed = f"CAST(substr(data, 1, {at} - 1) || x'7e' || substr(data, {at} + 1) AS BLOB)"
        change_database(tmp_path, f"UPDATE payloads SET data = {changed}")  # noqa: S608
        with pytest.raises(CorruptBlob):
            reopen().rows([key(0, 4)], 1)
        with pytest.raises(CorruptBlob):
            reopen().blob(key(0, 4))
        assert any("first=0, last=4" in problem for problem in store.verify())

    def test_payloads_that_changed_places(self, tmp_path: Path, store: Store) -> None:
        put(store, 0, 4)
        put(store, 5, 9)
        change_database(tmp_path, "UPDATE payloads SET id = 7 WHERE id = 1")
        change_database(tmp_path, "UPDATE payloads SET id = 1 WHERE id = 2")
        change_database(tmp_path, "UPDATE payloads SET id = 2 WHERE id = 7")
        with pytest.raises(CorruptBlob):
            store.blob(key(0, 4))
        assert len(list(store.verify())) == 2

    @pytest.mark.parametrize("change", ["first = 1", "last = 5", "context = 'd'", "hits = 4", "merged = 1"])
    def test_index_of_blocks(self, tmp_path: Path, store: Store, reopen: Reopen, change: str) -> None:
        put(store, 0, 4)
        change_database(tmp_path, f"UPDATE blocks SET {change}")  # noqa: S608
        with pytest.raises(CorruptBlob):
            reopen().blocks()
        assert list(store.verify())

    def test_values_of_another_type(self, tmp_path: Path, store: Store, reopen: Reopen) -> None:
        put(store, 0, 4)
        change_database(tmp_path, "UPDATE payloads SET data = CAST(data AS TEXT)")
        with pytest.raises(CorruptBlob):
            reopen().blob(key(0, 4))
        assert list(store.verify())

    def test_context(self, tmp_path: Path, store: Store) -> None:
        store.put_context("c", b"rules")
        change_database(tmp_path, "UPDATE contexts SET data = x'00'")
        with pytest.raises(CorruptBlob):
            store.context("c")
        assert list(store.verify()) == ["context c"]

    @pytest.mark.parametrize("change", ["data = x'00'", "version = 2", "generation = 2"])
    def test_manifest(self, tmp_path: Path, store: Store, change: str) -> None:
        store.commit(1, {1: ManifestChange(0, b"m")})
        change_database(tmp_path, f"UPDATE manifests SET {change}")  # noqa: S608
        with pytest.raises(CorruptBlob):
            store.manifest(1, store.generations(1)[0])
        assert len(list(store.verify())) == 1

    def test_pointer(self, tmp_path: Path, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")})
        store.commit(1, {}, LiveChange(None, 1))
        change_database(tmp_path, "UPDATE live SET generation = 2")
        for read in (store.live, store.manifest, store.pin):
            with pytest.raises(CorruptBlob):
                read(1)
        assert list(store.verify()) == ["live generation of property 1"]

    def test_pages_of_the_database(self, tmp_path: Path, store: Store, reopen: Reopen) -> None:
        for number in range(50):
            put(store, number * 10, number * 10 + 9)
        store.close()
        path = tmp_path / "store" / "store.db"
        path.write_bytes(path.read_bytes()[:8192] + os.urandom(40_000) + path.read_bytes()[48_192:])
        assert list(reopen().verify())

    def test_segments_byte_by_byte(self, tmp_path: Path, store: Store, reopen: Reopen) -> None:
        sections = {"events": built(70_000), "parts": built(700), "carry": built(2)}
        store.put_segment("s", sections)
        for path in segment_files(tmp_path):
            size = path.stat().st_size
            for at in {*range(0, size, size // 23), size - 1, size - 5, size - 12}:
                flip_byte(path, at)
                assert list(store.verify()), f"{path.name} byte {at}"
                self._reads_truth_or_nothing(reopen(), sections)
                flip_byte(path, at)
        assert list(store.verify()) == []

    @pytest.mark.parametrize("length", [0, 7, 2000])
    def test_segments_that_are_cut_off(self, tmp_path: Path, store: Store, length: int) -> None:
        store.put_segment("s", {"events": built(70_000), "carry": built(700)})
        for path in segment_files(tmp_path):
            whole = path.read_bytes()
            path.write_bytes(whole[:length])
            assert list(store.verify()), path.name
            path.write_bytes(whole)

    def test_a_large_section_that_is_gone(self, tmp_path: Path, store: Store) -> None:
        store.put_segment("s", {"events": built(70_000)})
        segment_files(tmp_path)[0].unlink()
        assert list(store.verify()) == ["section events of segment s is missing"]

    def test_a_file_overwritten_after_it_was_read(self, tmp_path: Path, store: Store) -> None:
        store.put_segment("s", {"events": built(70_000)})
        store.read("s", "events", ["time"])
        path = segment_files(tmp_path)[0]
        data = bytearray(path.read_bytes())
        data[1000] ^= 0x20
        path.write_bytes(data)
        with pytest.raises(CorruptBlob):
            store.read("s", "events", ["time"])

    def _reads_truth_or_nothing(self, store: Store, sections: Mapping[str, pl.DataFrame]) -> None:
        refused = 0
        for name, frame in sections.items():
            try:
                assert store.read("s", name).equals(frame)
            except CorruptBlob:
                refused += 1
        assert refused


class TestCrashes:
    def test_it_works(self, tmp_path: Path, store: Store) -> None:
        output(start(tmp_path, "put(store, 0, 4)"))
        assert positions(store, [key(0, 4)]) == [0, 1, 2, 3, 4]

    def test_a_killed_writer_loses_nothing_that_it_reported(self, tmp_path: Path, store: Store) -> None:
        script = """
            for n in range(100_000):
                put(store, n, n)
                store.put_segment(f"s{n}", {"events": built(3)})
                store.commit(1, {1: ManifestChange(n, b"%d" % n)})
                print(n, flush=True)
        """
        process = start(tmp_path, script)
        assert process.stdout
        reported = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
        reported += [int(line) for line in process.communicate()[0].splitlines()]
        last = reported[-1]
        manifest = store.manifest(1, 1)
        assert manifest is not None
        assert int(manifest.data) >= last
        assert positions(store, [key(n, n) for n in reported]) == reported
        assert {f"s{n}" for n in reported} <= set(store.segments())
        assert list(store.verify()) == []

    def test_a_file_is_synced_before_it_has_its_name_and_the_folder_after(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
    ) -> None:
        calls: list[str] = []
        sync, replace = os.fsync, Path.replace

        def record_sync(descriptor: int) -> None:
            calls.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name[:5]}")
            sync(descriptor)

        def record_replace(path: Path, target: Path) -> Path:
            calls.append(f"name {target.name}")
            return replace(path, target)

        monkeypatch.setattr(os, "fsync", record_sync)
        monkeypatch.setattr(Path, "replace", record_replace)
        store.put_segment("s", {"events": built(70_000), "carry": built(1)})
        large = ["sync .new-", "name s.events.parquet", "sync segme"]
        assert calls == [*large, "sync .new-", "name s.segment", "sync segme"]

    def test_the_database_syncs_each_commit(self, store: EmbeddedStore) -> None:
        with store._database.read() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_what_a_crash_left_half_done_is_swept_later(self, tmp_path: Path, store: Store, reopen: Reopen) -> None:
        store.put_segment("whole", {"events": built(70_000)})
        folder = tmp_path / "store" / "segments"
        left = [folder / ".new-1", folder / "half.events.parquet", folder / ".new-2"]
        for path in left:
            path.write_bytes(b"half")
        for path in folder.iterdir():
            os.utime(path, (time.time() - 4000, time.time() - 4000))  # noqa: TID251 - the file system's clock
        left[2].write_bytes(b"being written")
        again = reopen()
        assert [path.exists() for path in left] == [False, False, True]
        assert again.read("whole", "events").height == 70_000


class TestDisks:
    """Full, locked, shared."""

    def test_it_works(self, tmp_path: Path, store: Store) -> None:
        full = """
            import resource, signal
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            refused = 0
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
            for n in range(300):
                try:
                    put(store, n * 100, n * 100 + 99)
                except StoreUnavailable:
                    refused += 1
            try:
                store.put_segment("s", {"events": built(500_000)})
            except StoreUnavailable:
                refused += 1
            read = len(positions(store, [info.key for info in store.blocks()]))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            put(store, 90_000, 90_099)
            store.put_segment("s", {"events": built(500_000)})
            print(refused, read)
        """
        refused, read = map(int, output(start(tmp_path, full)).split())
        assert refused > 2
        assert len(store.blocks()) == read / 100 + 1
        assert read / 100 + refused - 1 == 300
        assert len(segment_files(tmp_path)) == 2
        assert list(store.verify()) == []

    def test_a_lock_that_lasts_makes_it_unavailable(self, tmp_path: Path, store: Store) -> None:
        impatient = EmbeddedStore(tmp_path / "store", wait_s=0.1)
        holder = sqlite3.connect(tmp_path / "store" / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            put(impatient, 0, 4)
        assert impatient.blocks() == []
        holder.execute("ROLLBACK")
        holder.close()
        put(impatient, 0, 4)
        impatient.close()

    def test_several_processes_write_at_once(self, tmp_path: Path, store: Store) -> None:
        script = "for n in range({0}, {0} + 40): put(store, n, n)"
        processes = [start(tmp_path, script.format(first)) for first in (0, 100, 200)]
        for process in processes:
            output(process)
        assert [info.key.first for info in store.blocks()] == [*range(40), *range(100, 140), *range(200, 240)]

    def test_a_forked_child_has_connections_of_its_own(self, store: EmbeddedStore) -> None:
        put(store, 0, 4)
        mine = list(store._database._idle)
        second = blob(5, 9)  # encoded here: the threads of polars do not survive a fork
        child = os.fork()
        if not child:
            signal.alarm(20)
            store.put_block(key(5, 9), "c", second)
            with store._database.read() as connection:
                os._exit(99 if connection in mine else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(store.blocks()) == 2
        put(store, 10, 14)
        assert len(store.blocks()) == 3

    def test_refused_writes_leave_nothing(self, store: Store) -> None:
        put(store, 0, 4)
        with pytest.raises(Conflict):
            put(store, 3, 9)
        assert store.size()["blocks"] == len(blob(0, 4))
        assert store.highest(LOG, 0) == 4


def test_what_is_written_while_a_view_is_pinned_is_not_in_it(
    store: EmbeddedStore, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, infos = reopen(), store._blocks.infos

    def late(connection: sqlite3.Connection) -> list[BlockInfo]:
        put(other, 5, 9)
        return infos(connection)

    put(store, 0, 4)
    store.commit(1, {1: ManifestChange(0, b"one block")})
    store.commit(1, {}, LiveChange(None, 1))
    monkeypatch.setattr(store._blocks, "infos", late)
    manifest, blocks = store.pin(1)
    assert manifest == VersionedBlob(1, 1, b"one block")
    assert [info.key for info in blocks] == [key(0, 4)]


def test_directories_are_kept_up_to_a_limit(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.store.block_index.DIRECTORY_BYTES", 2000)
    keys = [put(store, n, n) for n in range(20)]
    assert positions(store, keys) == list(range(20))
    directories = store._blocks._directories
    assert 0 < len(directories._kept) < 20
    assert directories._bytes == sum(head.weight for head in directories._kept.values())
    assert positions(store, keys) == list(range(20))


def test_a_reader_takes_in_only_what_is_new(store: EmbeddedStore) -> None:
    put(store, 0, 4)
    first = store.blocks()
    put(store, 5, 9)
    assert store.blocks()[0] is first[0]
    assert store.blocks()[1] == BlockInfo(BlockKey(LOG, 0, 5, 9), "c", 5, 5, len(blob(5, 9)))


def test_what_was_deleted_is_gone_from_the_disk(store: EmbeddedStore, tmp_path: Path) -> None:
    secret = encode_block({1: raw(3).with_columns(cid=pl.lit("a-secret-client"))})
    store.put_block(key(0, 2), "c", secret)
    put(store, 3, 5)
    assert _anywhere(tmp_path, secret[-100:])
    store.replace_blocks([key(0, 2)], key(0, 2), "c", blob(0, 2))
    store.scrub()
    assert not _anywhere(tmp_path, secret[-100:])
    assert positions(store, [key(0, 2)]) == [0, 1, 2]


def _anywhere(folder: Path, content: bytes) -> bool:
    return any(content in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("deleted", ["store.db", "store.db-wal", "*"])
def test_nothing_is_stored_in_a_deleted_file(store: Store, tmp_path: Path, deleted: str) -> None:
    put(store, 0, 9)
    for path in (tmp_path / "store").glob(deleted):
        if path.is_file():
            path.unlink()
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        put(store, 10, 19)
    if deleted != "store.db-wal":  # without its journal the file is what it was some moments ago; fsck sees that
        with pytest.raises(StoreUnavailable):
            put(store, 10, 19)


def test_a_store_that_is_put_back_is_used_again(store: Store, tmp_path: Path) -> None:
    put(store, 0, 9)
    aside = (tmp_path / "store").rename(tmp_path / "aside")
    with pytest.raises(StoreUnavailable):
        put(store, 10, 19)
    aside.rename(tmp_path / "store")
    put(store, 10, 19)
