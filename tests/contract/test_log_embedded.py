"""The embedded log keeps the promises of the port, and its own about files, crashes and disks."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collection.log import CorruptLog, LogUnavailable, open_log
from collection.log.batches import BatchFile
from collection.log.embedded import EmbeddedLog
from tests.contract.log_contract import LogContract, everything, fill, numbered

SECOND_US = 1_000_000


class Clock:
    """Microseconds since 1970 UTC, as the test says."""

    now = 1_700_000_000 * SECOND_US

    def __call__(self) -> int:
        return self.now


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        log = EmbeddedLog(tmp_path / "log")
        yield log
        log.close()


class TestEmbeddedLogOfTinyFiles(LogContract):
    """The same promises while every append is followed by a new file."""

    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        log = EmbeddedLog(tmp_path / "log", file_bytes=1)
        yield log
        log.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def log(folder: Path, clock: Clock) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(folder, clock=clock)
    yield log
    log.close()


def files(folder: Path) -> list[str]:
    return sorted(path.name.lstrip("0") for path in folder.glob("*.log"))


def python(*arguments: str) -> str:
    """What the code printed, run in a process of its own."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_works(folder: Path) -> None:
    log = open_log(f"sqlite://{folder}")
    fill(log, *numbered(3))
    log.close()
    again = open_log(f"sqlite://{folder}")
    assert again.id == log.id
    assert everything(again) == numbered(3)
    again.close()


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "sqlite://host/path", "kafka:///x", "/var/log"])
def test_an_address_of_no_log_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a log"):
        open_log(url)


def test_a_log_made_anew_is_another_log(folder: Path) -> None:
    first = EmbeddedLog(folder)
    first.close()
    shutil.rmtree(folder)
    second = EmbeddedLog(folder)
    second.close()
    assert first.id != second.id


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file is in the way")
    with pytest.raises(LogUnavailable):
        EmbeddedLog(tmp_path / "log")


WRITER = """
import sys
from pathlib import Path
from collection.log.embedded import EmbeddedLog
log = EmbeddedLog(Path(sys.argv[1]), file_bytes=300_000)
for number in range(40):
    log.append([(b"", b"%s %d %d" % (sys.argv[2].encode(), number, part)) for part in range(5)])
log.close()
"""


def test_several_processes_append_at_once(folder: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in "abcd"]
    log = EmbeddedLog(folder)
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    values = everything(log)
    for name in (b"a", b"b", b"c", b"d"):
        own = [value for value in values if value.startswith(name)]
        assert own == [b"%s %d %d" % (name, number, part) for number in range(40) for part in range(5)]
    assert len(values) == 4 * 40 * 5
    assert log.verify() == []
    log.close()


def test_another_process_sees_the_end_move(folder: Path, log: EmbeddedLog) -> None:
    python("-c", WRITER, str(folder), "a")
    assert log.ends() == {0: 200}
    python("-c", WRITER, str(folder), "b")
    assert log.ends() == {0: 400}


def test_files_rotate_with_age(folder: Path, clock: Clock) -> None:
    log = EmbeddedLog(folder, file_age_us=60 * SECOND_US, clock=clock)
    for _ in range(4):
        fill(log, b"hit")
        clock.now += 40 * SECOND_US
    log.close()
    assert files(folder) == [".log", "3.log"]


def test_trimmed_hits_leave_no_byte_on_the_disk(folder: Path) -> None:
    log = EmbeddedLog(folder)
    fill(log, b"198.51.100.77")
    log.trim(0, 1)
    log.close()
    assert [path.name for path in folder.iterdir() if b"198.51.100.77" in path.read_bytes()] == []


def test_trim_unlinks_whole_files_only(folder: Path) -> None:
    log = EmbeddedLog(folder, file_bytes=1)
    for value in numbered(5):
        fill(log, value)
    log.trim(0, 3)
    log.close()
    assert files(folder) == ["3.log", "4.log", "5.log"]


def test_trim_keeps_the_file_that_holds_the_start(folder: Path, log: EmbeddedLog) -> None:
    fill(log, *numbered(5))
    log.trim(0, 3)
    assert files(folder) == [".log"]
    assert everything(log) == numbered(5)[3:]


def test_a_reader_in_another_process_survives_trimming(folder: Path, log: EmbeddedLog) -> None:
    reader = EmbeddedLog(folder)
    fill(log, b"old")
    assert reader.ends() == {0: 1}
    log.trim(0, 1)
    fill(log, b"new")
    assert reader.starts() == {0: 1}
    assert everything(reader) == [b"new"]
    reader.close()


def test_seek_finds_the_first_hit_of_a_time(log: EmbeddedLog, clock: Clock) -> None:
    began = clock.now
    for _ in range(5):
        fill(log, b"one", b"two")
        clock.now += SECOND_US
    assert [log.seek(0, began + offset) for offset in (-1, 0, 1, SECOND_US, 4 * SECOND_US, 4 * SECOND_US + 1)] == [
        *(0, 0, 2, 2, 8, 10)
    ]


def test_seek_survives_a_clock_that_steps_back(log: EmbeddedLog, clock: Clock) -> None:
    began = clock.now
    fill(log, b"one")
    clock.now -= 60 * SECOND_US
    fill(log, b"two")
    assert log.seek(0, began) == 0
    assert log.verify() == []


def test_seek_looks_through_all_files(folder: Path, clock: Clock) -> None:
    log = EmbeddedLog(folder, file_bytes=1, clock=clock)
    began = clock.now
    for _ in range(5):
        fill(log, b"hit")
        clock.now += SECOND_US
    assert [log.seek(0, began + number * SECOND_US) for number in range(6)] == [0, 1, 2, 3, 4, 5]
    log.close()


def test_death_between_sealing_and_the_next_file(folder: Path) -> None:
    log = EmbeddedLog(folder)
    fill(log, b"one")
    log.close()
    file = BatchFile(folder / f"{0:020d}.log")
    file.seal()
    file.close()
    again = EmbeddedLog(folder)
    assert again.ends() == {0: 1}
    fill(again, b"two")
    assert everything(again) == [b"one", b"two"]
    again.close()


def sealed_log(folder: Path) -> None:
    """Three batches, one per file, of ten hits each."""
    log = EmbeddedLog(folder, file_bytes=1)
    for number in range(3):
        fill(log, *numbered(10, b"batch %d hit" % number))
    log.close()


def flip(path: Path, content: bytes) -> None:
    """Change one bit of the first place in the file that has this content."""
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
def test_whatever_byte_is_damaged_what_is_read_is_right(folder: Path, seed: int) -> None:
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
from collection.log.embedded import EmbeddedLog
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
    """No file may grow beyond this many bytes."""
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
def test_what_was_acknowledged_survives_the_loss_of_all_unsynced_writes(tmp_path: Path, file_bytes: int) -> None:
    assert python("-m", "tests.contract.unsynced_log", str(tmp_path), str(file_bytes), "FULL") == "[]\n"


def test_the_loss_of_unsynced_writes_would_be_noticed(tmp_path: Path) -> None:
    assert python("-m", "tests.contract.unsynced_log", str(tmp_path), "10000000", "NORMAL") != "[]\n"
