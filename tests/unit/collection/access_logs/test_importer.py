"""Importing into a real log: everything arrives once, wherever the import was broken off."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collection.access_logs import importer as log_import
from collection.access_logs.bookmark import Bookmark, ImportPosition
from collection.access_logs.files import LineFile, UnreadableFile
from collection.access_logs.importer import FAULTS_SHOWN, FilesChanged, LogImport
from collection.hit import RawHit, decode
from collection.log import Log, open_log

LINE = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /%d HTTP/1.1" 200 12 "-" "Firefox"\n'
Begin = Callable[..., LogImport]
LINES = 16_000  # several batches


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = open_log(f"sqlite://{tmp_path}/log")
    yield log
    log.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"".join(LINE % (number % 5_000) for number in range(LINES)))
    return path


def bookmark_of(log: Log, *files: Path) -> Bookmark:
    return Bookmark(files[0].parent / "imports", log.id, 7, [str(path) for path in files])


@pytest.fixture
def begin() -> Iterator[Begin]:
    opened: list[LineFile] = []

    def make(log: Log, *files: Path) -> LogImport:
        own = [LineFile(str(path)) for path in files]
        opened.extend(own)
        return LogImport(own, 7, log, bookmark_of(log, *files), lambda: 1)

    yield make
    for file in opened:
        file.close()


def content(log: Log) -> list[RawHit]:
    end = log.ends()[0]
    return [decode(entry.value) for entry in log.read(0, 0, end - 1)] if end else []


def break_off(work: LogImport, batches: int) -> None:
    run = work.run()
    for _ in range(batches):
        next(run)
    work.save_position()


def test_it_works(begin: Begin, log: Log, file: Path) -> None:
    work = begin(log, file)
    assert list(work.run())
    assert (work.sent, work.skipped, work.malformed, work.share()) == (LINES, 0, 0, 1.0)
    assert [hit.body for hit in content(log)] == file.read_bytes().split(b"\n")[:-1]


@pytest.mark.parametrize("batches", [1, 2])
def test_an_interrupted_import_is_continued(begin: Begin, batches: int, log: Log, file: Path, tmp_path: Path) -> None:
    break_off(begin(log, file), batches)
    before = log.ends()[0]
    assert 0 < before < LINES
    rest = begin(log, file)
    list(rest.run())
    assert (rest.skipped, rest.sent) == (before, LINES - before)
    whole = open_log(f"sqlite://{tmp_path}/other")
    list(begin(whole, file).run())
    assert content(log) == content(whole)
    whole.close()


def test_a_finished_import_starts_again_with_the_same_ids(begin: Begin, log: Log, file: Path) -> None:
    list(begin(log, file).run())
    again = begin(log, file)
    list(again.run())
    again.save_position()
    hits = content(log)
    assert (again.skipped, bookmark_of(log, file).read()) == (0, None)
    assert [hit.id for hit in hits[:LINES]] == [hit.id for hit in hits[LINES:]]
    assert len({hit.id for hit in hits}) == LINES


def test_repetitions_are_counted_over_all_files(begin: Begin, log: Log, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_bytes(LINE % 1)
    list(begin(log, file, other).run())
    assert len({hit.id for hit in content(log)}) == LINES + 1


def test_a_break_in_the_second_file(begin: Begin, log: Log, file: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.log"
    first.write_bytes(LINE % 1 + b"broken\n")
    break_off(begin(log, first, file), 2)
    list(begin(log, first, file).run())
    assert len(content(log)) == len({hit.id for hit in content(log)}) == LINES + 2


@pytest.mark.parametrize("new", [b"", b"other\n", LINE % 1], ids=["shorter", "other", "one line"])
def test_changed_files_are_noticed_before_any_line_is_sent(begin: Begin, new: bytes, log: Log, file: Path) -> None:
    break_off(begin(log, file), 1)
    before = log.ends()[0]
    file.write_bytes(new + (file.read_bytes() if new == b"other\n" else b""))
    with pytest.raises(FilesChanged):
        list(begin(log, file).run())
    assert log.ends()[0] == before
    list(begin(log, file).run())
    assert [hit.body for hit in content(log)[before:]] == file.read_bytes().splitlines()


def test_a_file_may_grow_during_an_import(begin: Begin, log: Log, file: Path) -> None:
    break_off(begin(log, file), 2)
    with file.open("ab") as file_end:
        file_end.write(b"more\n")
    list(begin(log, file).run())
    assert len(content(log)) == LINES + 1


def test_the_first_faults_are_described_and_all_are_counted(begin: Begin, log: Log, tmp_path: Path) -> None:
    path = tmp_path / "broken.log"
    path.write_bytes(LINE % 1 + b"broken\n" * 30)
    work = begin(log, path)
    list(work.run())
    assert (work.malformed, len(work.faults), log.ends()[0]) == (30, FAULTS_SHOWN, 31)
    assert [fault.line for fault in work.faults] == list(range(2, 2 + FAULTS_SHOWN))
    assert work.faults[0].file == str(path)


def test_a_damaged_file_is_imported_up_to_the_damage(begin: Begin, log: Log, tmp_path: Path) -> None:
    path = tmp_path / "access.gz"
    path.write_bytes(gzip.compress(b"".join(LINE % n for n in range(LINES)))[:-100])
    with pytest.raises(UnreadableFile):
        list(begin(log, path).run())
    assert 0 < log.ends()[0] < LINES


def test_the_position_is_saved_from_time_to_time(
    begin: Begin, log: Log, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_import, "SAVE_EVERY_S", 0)
    run = begin(log, file).run()
    next(run)
    mark = bookmark_of(log, file).read()
    assert mark is not None
    assert mark.lines == log.ends()[0]


@pytest.mark.parametrize("content", [b"", b"{", b'{"lines": "x"}'])
def test_a_damaged_bookmark_is_ignored(content: bytes, log: Log, file: Path) -> None:
    bookmark = bookmark_of(log, file)
    bookmark.write(ImportPosition(1, 2))
    (path,) = (file.parent / "imports").iterdir()
    path.write_bytes(content)
    assert bookmark.read() is None


def test_bookmarks_belong_to_files_property_and_log(tmp_path: Path) -> None:
    Bookmark(tmp_path, "log", 7, ["a"]).write(ImportPosition(1, 2))
    assert Bookmark(tmp_path, "log", 7, ["a"], "%h").read() is None
    assert Bookmark(tmp_path, "log", 7, ["a"]).read() == ImportPosition(1, 2)
    others = [("log", 8, ["a"]), ("other", 7, ["a"]), ("log", 7, ["a", "b"]), ("log", 7, ["b"])]
    assert [Bookmark(tmp_path, *other).read() for other in others] == [None] * 4
