"""The embedded log keeps the promises of the port, and its own about files, crashes and disks."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collection.log import LogUnavailable, open_log
from collection.log.embedded.batch_file import BatchFile
from collection.log.embedded.log import EmbeddedLog
from tests.contract.log_contract import Again, LogContract, everything, fill, numbered

SECOND_US = 1_000_000


class Clock:
    """A clock that the test sets, in microseconds since 1970 UTC."""

    now = 1_700_000_000 * SECOND_US

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Again]:
    opened: list[EmbeddedLog] = []

    def open_again() -> EmbeddedLog:
        opened.append(EmbeddedLog(tmp_path / "log"))
        return opened[-1]

    yield open_again
    for log in opened:
        log.close()


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        log = EmbeddedLog(tmp_path / "log")
        yield log
        log.close()


class TestEmbeddedLogOfTinyFiles(LogContract):
    """Runs the contract while every append starts a new file."""

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
    """Runs the code in a new process. Returns its output."""
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


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///", "sqlite://host/path", "kafka:///x", "kafka://host/hits", "/var/log"]
)
def test_an_address_that_is_not_a_log_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a log"):
        open_log(url)


def test_a_log_created_again_is_another_log(folder: Path) -> None:
    first = EmbeddedLog(folder)
    first.close()
    shutil.rmtree(folder)
    second = EmbeddedLog(folder)
    second.close()
    assert first.id != second.id


def test_a_folder_that_cannot_be_created_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file is in the way")
    with pytest.raises(LogUnavailable):
        EmbeddedLog(tmp_path / "log")


WRITER = """
import sys
from pathlib import Path
from collection.log.embedded.log import EmbeddedLog
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


def test_a_crash_between_sealing_and_the_next_file(folder: Path) -> None:
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


def test_its_folder_is_private_to_its_owner(tmp_path: Path) -> None:
    EmbeddedLog(tmp_path / "elsewhere" / "log").close()
    assert (tmp_path / "elsewhere" / "log").stat().st_mode & 0o077 == 0
