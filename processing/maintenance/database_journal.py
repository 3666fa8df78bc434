"""Empties the journal of an embedded database, so that deleted content is in none of its files.

SQLite appends changed pages to a journal beside the database (`-wal`), where the content from before a deletion stays
until the journal is emptied. `secure_delete` (analytics_site/databases.py) overwrites deleted content in the pages.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.utils import OperationalError

WAIT_S: Final = 1.0  # for readers; writers wait meanwhile


def empty_journal() -> None:
    """Moves the journal of Django's database into the database file, and cuts it to nothing.

    Raises OperationalError while a long transaction reads from the journal: try again later. Does nothing for
    PostgreSQL, whose server decides when it overwrites its files.
    """
    path = connection.settings_dict["NAME"]
    # A database in memory (tests) has no files; its name is no path that exists.
    if connection.vendor != "sqlite" or not Path(path).is_file():
        return
    # A connection of its own, because that of Django may be in a transaction and waits for too long.
    with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as own:
        is_busy = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if is_busy:
        raise OperationalError(
            "a long transaction reads the database: its journal, and what was deleted lately, stays until that ends"
        )
