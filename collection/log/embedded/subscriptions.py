"""The position of each subscription, and the first offset that is still held, by partition."""

from pathlib import Path
from typing import Final

from collection.log.embedded.batch_file import connect

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS position (
    name TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (name, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (partition INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
"""


class Subscriptions:
    """A small database. Every change is durable on return; every method raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, "rwc")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA wal_autocheckpoint = 256")
        self._connection.executescript(SCHEMA)

    def position(self, name: str, partition: int) -> int:
        row = self._connection.execute(
            "SELECT next FROM position WHERE name = ? AND partition = ?", (name, partition)
        ).fetchone()
        return row[0] if row else 0

    def commit(self, name: str, partition: int, offset: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO position VALUES (?, ?, ?)", (name, partition, offset))

    def held_from(self, partition: int) -> int:
        row = self._connection.execute("SELECT first FROM held WHERE partition = ?", (partition,)).fetchone()
        return row[0] if row else 0

    def hold_from(self, partition: int, first: int) -> None:
        """Moves the first held offset forward, never back."""
        self._connection.execute(
            "INSERT INTO held VALUES (?, ?) ON CONFLICT DO UPDATE SET first = max(first, excluded.first)",
            (partition, first),
        )

    def close(self) -> None:
        self._connection.close()
