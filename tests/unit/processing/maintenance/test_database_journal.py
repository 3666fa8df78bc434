"""What is deleted from an embedded database is in none of its files, while the installation runs."""

import random
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db.utils import OperationalError

from analytics_site.databases import SQLITE_OPTIONS
from processing.maintenance import database_journal
from processing.maintenance.database_journal import empty_journal

SALTS = 600  # enough for pages to be split, and cells to be moved


def connect(path: Path) -> sqlite3.Connection:
    """Opens the database as the product's settings do."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=20)
    connection.executescript(str(SQLITE_OPTIONS["init_command"]))
    return connection


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "django.db"
    known = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": str(path)})
    monkeypatch.setattr(database_journal, "connection", known)
    monkeypatch.setattr(database_journal, "WAIT_S", 0.0)
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE salts (id INTEGER PRIMARY KEY, number INTEGER UNIQUE, secret BLOB)")
        yield connection


def fill(database: sqlite3.Connection) -> dict[int, bytes]:
    numbers = random.Random(12).sample(range(10 * SALTS), SALTS)
    salts = {number: secrets.token_bytes(32) for number in numbers}
    for low in range(0, SALTS, 50):
        database.execute("BEGIN")
        database.executemany("INSERT INTO salts (number, secret) VALUES (?, ?)", list(salts.items())[low : low + 50])
        database.execute("COMMIT")
    return salts


def left(folder: Path, salts: dict[int, bytes]) -> int:
    """How many of the salts are in a file of the folder."""
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    return sum(salt in content for salt in salts.values())


def test_it_works(database: sqlite3.Connection, tmp_path: Path) -> None:
    salts = fill(database)
    forgotten = dict(list(salts.items())[::2])
    database.execute("BEGIN")
    database.executemany("DELETE FROM salts WHERE number = ?", [(number,) for number in forgotten])
    database.execute("COMMIT")
    assert left(tmp_path, forgotten) > 0
    empty_journal()
    assert left(tmp_path, forgotten) == 0
    assert left(tmp_path, salts) == len(salts) - len(forgotten)


def test_a_long_transaction_only_puts_it_off(database: sqlite3.Connection, tmp_path: Path) -> None:
    salts = fill(database)
    with closing(connect(tmp_path / "django.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM salts").fetchone()
        database.execute("DELETE FROM salts")
        with pytest.raises(OperationalError, match="a long transaction reads"):
            empty_journal()
        reader.execute("COMMIT")
    empty_journal()
    assert left(tmp_path, salts) == 0


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_a_database_without_files_of_its_own_is_left_alone(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = SimpleNamespace(vendor=vendor, settings_dict={"NAME": "hitstream"})
    monkeypatch.setattr(database_journal, "connection", known)
    empty_journal()
