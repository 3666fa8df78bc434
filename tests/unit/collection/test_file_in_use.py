import sqlite3
from pathlib import Path

import pytest

from collection.file_in_use import FileInUse, FileReplaced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE a (b)")
    return connection


def test_it_works(path: Path, connection: sqlite3.Connection) -> None:
    file = FileInUse(path)
    file.check()
    connection.execute("INSERT INTO a VALUES (1)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.check()
    path.unlink()
    with pytest.raises(FileReplaced, match=r"a\.db was deleted or replaced"):
        file.check()


def test_the_journal_counts_too(path: Path, connection: sqlite3.Connection) -> None:
    file = FileInUse(path)
    file.check()
    path.with_name("a.db-wal").unlink()
    with pytest.raises(FileReplaced, match=r"a\.db-wal"):
        file.check()


def test_another_file_of_the_same_name(path: Path, connection: sqlite3.Connection) -> None:
    file = FileInUse(path)
    aside = path.rename(path.with_name("aside"))
    path.write_bytes(aside.read_bytes())
    with pytest.raises(FileReplaced):
        file.check()
    aside.replace(path)
    file.check()


def test_a_file_that_was_never_there(path: Path) -> None:
    with pytest.raises(FileReplaced):
        FileInUse(path).check()
