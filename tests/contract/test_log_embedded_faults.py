"""The embedded log with damaged files, torn tails, full disks and power cuts."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collection.log import CorruptLog, LogUnavailable
from collection.log.embedded.log import EmbeddedLog
from tests.contract.log_contract import everything, fill, numbered
from tests.contract.test_log_embedded import python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def log(folder: Path) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(folder)
    yield log
    log.close()


def test_it_works(folder: Path) -> None:
    sealed_log(folder)
    log = EmbeddedLog(folder)
    assert log.verify() == []
    assert len(everything(log)) == 30
    log.close()


def sealed_log(folder: Path) -> None:
    """Three batches, one per file, of ten hits each."""
    log = EmbeddedLog(folder, file_bytes=1)
    for number in range(3):
        fill(log, *numbered(10, b"batch %d hit" % number))
    log.close()


def flip(path: Path, content: bytes) -> None:
    """Changes one bit at the first occurrence of this content in the file."""
    data = bytearray(path.read_bytes())
    data[data.index(content)] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_is_reported_and_never_served(folder: Path) -> None:
    sealed_log(folder)
    flip(folder / f"{10:020d}.log", b"batch 1 hit 7")
    log = EmbeddedLog(folder)
    for first, last in ((0, 29), (10, 10), (17, 17), (19, 20)):
        with pytest.raises(CorruptLog, match="offsets 10 to 19") as caught:
            log.read(0, first, last)
        assert (caught.value.first, caught.value.last) == (10, 19)
    assert len(log.read(0, 0, 9)) == len(log.read(0, 20, 29)) == 10
    assert log.verify() == ["partition 0, offsets 10 to 19: the checksum does not match"]
    log.close()


@pytest.mark.parametrize("seed", range(16))
def test_a_damage_of_any_byte_never_returns_wrong_hits(folder: Path, seed: int) -> None:
    sealed_log(folder)
    path = folder / f"{10:020d}.log"
    data = bytearray(path.read_bytes())
    data[seed * 7919 * 31 % len(data)] ^= 1 << seed % 8
    path.write_bytes(data)
    try:
        log = EmbeddedLog(folder)
        read = log.read(0, 10, 19)
    except (CorruptLog, LogUnavailable):
        return
    assert [tuple(entry) for entry in read] == list(enumerate(numbered(10, b"batch 1 hit"), 10))
    log.close()


def test_missing_offsets_are_reported_and_never_skipped(folder: Path) -> None:
    sealed_log(folder)
    (folder / f"{10:020d}.log").unlink()
    log = EmbeddedLog(folder)
    with pytest.raises(CorruptLog, match="offsets 10 to 19"):
        log.read(0, 0, 29)
    assert log.verify() == ["partition 0, offsets 10 to 19: offsets are missing"]
    log.close()


LEAVER = """
import os, sys
from pathlib import Path
from collection.log.embedded.log import EmbeddedLog
log = EmbeddedLog(Path(sys.argv[1]))
for number in range(8):
    log.append([(b"", b"hit %d " % number * 3000)])
os._exit(0)
"""


@pytest.mark.parametrize("torn", [1, 100, 4096, 16_384, 20_000, 60_000, 100_000, 10_000_000])
@pytest.mark.parametrize("how", ["cut", "garbled", "zeroed"])
def test_a_torn_tail_is_found_and_trimmed(folder: Path, torn: int, how: str) -> None:
    python("-c", LEAVER, str(folder))
    wal = folder / f"{0:020d}.log-wal"
    whole = wal.read_bytes()
    kept = whole[: max(0, len(whole) - torn)]
    rest = {"cut": b"", "garbled": os.urandom(len(whole) - len(kept)), "zeroed": bytes(len(whole) - len(kept))}[how]
    wal.write_bytes(kept + rest)
    log = EmbeddedLog(folder)
    survivors = everything(log)
    assert survivors == [b"hit %d " % number * 3000 for number in range(len(survivors))]
    assert len(survivors) < 8 or (how == "zeroed" and torn < 4096)  # the last page may end in zeros anyway
    fill(log, b"next")
    assert everything(log) == [*survivors, b"next"]
    assert log.verify() == []
    log.close()


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Limits the size of every file to this many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_refuses_and_recovers(folder: Path, log: EmbeddedLog) -> None:
    fill(log, *numbered(3))
    size = (folder / f"{0:020d}.log-wal").stat().st_size
    with full_disk(size + 1000):
        for _ in range(3):
            with pytest.raises(LogUnavailable):
                fill(log, b"refused" * 10_000)
        assert everything(log) == numbered(3)
    fill(log, b"next")
    assert everything(log) == [*numbered(3), b"next"]
    assert log.verify() == []


@pytest.mark.parametrize("file_bytes", [1, 10_000_000])
def test_acknowledged_hits_survive_the_loss_of_all_unsynced_writes(tmp_path: Path, file_bytes: int) -> None:
    assert python("-m", "tests.contract.unsynced_log", str(tmp_path), str(file_bytes), "FULL") == "[]\n"


def test_the_loss_of_unsynced_writes_would_be_noticed(tmp_path: Path) -> None:
    assert python("-m", "tests.contract.unsynced_log", str(tmp_path), "10000000", "NORMAL") != "[]\n"


def forget(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        path.unlink()


@pytest.mark.parametrize("pattern", ["*.log*", "*.log", "*.log-wal", "*"])
def test_nothing_is_acknowledged_that_goes_into_a_deleted_file(log: EmbeddedLog, folder: Path, pattern: str) -> None:
    fill(log, *numbered(10))
    forget(folder, pattern)
    with pytest.raises(LogUnavailable, match="deleted"):
        fill(log, *numbered(10))
    for _ in range(2):
        with pytest.raises(LogUnavailable):
            fill(log, *numbered(10))


def test_a_deleted_end_is_not_begun_anew(folder: Path) -> None:
    sealed_log(folder)
    log = EmbeddedLog(folder)
    fill(log, *numbered(5))
    forget(folder, f"{30:020d}.log*")
    for _ in range(2):
        with pytest.raises(LogUnavailable, match="deleted"):
            fill(log, *numbered(1))
    log.close()


def test_a_file_that_is_put_back_is_used_again(log: EmbeddedLog, folder: Path) -> None:
    fill(log, *numbered(10))
    log.ends()  # a reader, which keeps the journal
    aside = folder.with_name("aside")
    folder.rename(aside)
    with pytest.raises(LogUnavailable):
        fill(log, *numbered(10))
    aside.rename(folder)
    fill(log, *numbered(10))
    assert log.ends() == {0: 30}  # hits that were refused may have been stored


def test_a_deleted_log_cannot_be_read(folder: Path) -> None:
    log, other = EmbeddedLog(folder), EmbeddedLog(folder)
    fill(log, *numbered(10))
    assert other.ends() == {0: 10}
    forget(folder, "*.log*")
    for _ in range(2):
        for ask in (other.ends, other.starts, lambda: other.read(0, 0, 9), other.verify):
            with pytest.raises(LogUnavailable, match="deleted"):
                ask()
    log.close()
    other.close()
