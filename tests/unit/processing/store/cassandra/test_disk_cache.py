"""Cells on the local disk: found again, evicted in time, never more than allowed, never in the way."""

import os
import threading
import time
from pathlib import Path

import pytest

from processing.store.cassandra.cells import new_id
from processing.store.cassandra.disk_cache import MOST_AGE_S, DiskCache

KIB = 1024


def total(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_it_works(tmp_path: Path) -> None:
    cache, id = DiskCache(tmp_path, 1000 * KIB), new_id()
    assert cache.get(id, 0) is None
    cache.put(id, 0, b"a cell")
    cache.put(id, 1, b"another")
    assert DiskCache(tmp_path, 1000 * KIB).get(id, 0) == b"a cell"
    assert cache.get(id, 1) == b"another"
    assert cache.get(new_id(), 0) is None


def test_a_segment_is_forgotten_whole(tmp_path: Path) -> None:
    cache, id, other = DiskCache(tmp_path, 1000 * KIB), new_id(), new_id()
    for number in (0, 1, 10):
        cache.put(id, number, b"x")
    cache.put(other, 1, b"y")
    cache.delete(id)
    cache.delete(new_id())
    assert [cache.get(id, number) for number in (0, 1, 10)] == [None] * 3
    assert cache.get(other, 1) == b"y"


def test_it_stays_under_its_limit_and_keeps_what_is_used(tmp_path: Path) -> None:
    limit = 160 * KIB
    cache, used = DiskCache(tmp_path, limit), new_id()
    cache.put(used, 0, bytes(KIB))
    for _ in range(60):
        age(tmp_path, 120)
        assert cache.get(used, 0) is not None
        cache.put(new_id(), 0, bytes(4 * KIB))
        assert total(tmp_path) <= limit * (1 + 1 / 16)
    assert total(tmp_path) > limit / 2


def age(folder: Path, seconds: float) -> None:
    """As if nothing had been used for so long."""
    for path in folder.rglob("*.*"):
        found = path.stat()
        os.utime(path, (found.st_atime - seconds, found.st_mtime))


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    cache, id = DiskCache(tmp_path, 160 * KIB), new_id()
    cache.put(id, 0, bytes(11 * KIB))
    assert cache.get(id, 0) is None
    assert total(tmp_path) == 0


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    """Its segment may have been deleted by another machine."""
    cache, id = DiskCache(tmp_path, 160 * KIB), new_id()
    cache.put(id, 0, b"old")
    path = next(tmp_path.rglob("*.0"))
    os.utime(path, (time.time(), time.time() - MOST_AGE_S - 1))  # noqa: TID251 - the file system's clock
    assert cache.get(id, 0) is None
    for _ in range(20):
        cache.put(new_id(), 0, bytes(KIB))
    assert not path.exists()


def test_processes_share_a_limit(tmp_path: Path) -> None:
    limit = 160 * KIB
    caches = [DiskCache(tmp_path, limit) for _ in range(4)]
    for _ in range(25):
        for cache in caches:
            cache.put(new_id(), 0, bytes(4 * KIB))
            assert total(tmp_path) <= limit * (1 + 4 / 16)


def test_many_threads(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 64 * KIB)
    ids = [new_id() for _ in range(40)]
    wrong: list[bytes] = []

    def work() -> None:
        for id in ids * 2:
            cache.put(id, 0, id * 64)
            found = cache.get(id, 0)
            if found not in (None, id * 64):
                wrong.append(id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_disk_that_cannot_be_written_costs_speed_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    cache, id = DiskCache(tmp_path / "taken", 160 * KIB), new_id()
    cache.put(id, 0, b"x")
    assert cache.get(id, 0) is None
    assert "cannot be written" in caplog.text
