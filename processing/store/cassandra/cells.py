"""Content as cells: written once under a fresh id, read cell by cell, deleted as a whole."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from processing.store.cassandra.layout import BUCKET_CELLS
from processing.store.cassandra.session import CassandraSession

ABANDONED_S: Final = 3600  # what nothing names after so long was left by a writer that died
_STAMP_BYTES: Final = 6

Id = bytes


class Gone(Exception):
    """A cell is not there: its content was deleted, or is damaged."""


class Cells:
    """One table of content. An id is never used twice, so no write can meet an older deletion, whatever the clocks."""

    def __init__(self, session: CassandraSession, table: str) -> None:
        self._session = session
        self._insert = f"INSERT INTO {table} (id, bucket, cell, data) VALUES (?, ?, ?, ?)"  # noqa: S608
        self._select = f"SELECT data FROM {table} WHERE id = ? AND bucket = ? AND cell = ?"  # noqa: S608
        self._delete = f"DELETE FROM {table} WHERE id = ? AND bucket = ?"  # noqa: S608
        self._list = f"SELECT DISTINCT id, bucket FROM {table}"  # noqa: S608

    def write(self, cells: Iterable[bytes]) -> Id:
        """Writes cells under a new id, and returns it; nobody knows it until a row of another table names it."""
        id = new_id()
        rows = ((id, number // BUCKET_CELLS, number, cell) for number, cell in enumerate(cells))
        self._session.run_all(self._insert, rows)
        return id

    def read(self, wanted: Sequence[tuple[Id, int]]) -> list[bytes]:
        """Cells by id and number, in order. Raises Gone."""
        keys = [(id, number // BUCKET_CELLS, number) for id, number in wanted]
        answers = self._session.run_all(self._select, keys)
        if not all(answers):
            raise Gone
        return [bytes(rows[0][0]) for rows in answers]

    def whole(self, id: Id, count: int) -> bytes:
        """Raises Gone."""
        return b"".join(self.read([(id, number) for number in range(count)]))

    def delete(self, contents: Iterable[tuple[Id, int]]) -> None:
        """Each by its id and number of cells."""
        buckets = ((id, bucket) for id, count in contents for bucket in range(-(-count // BUCKET_CELLS) or 1))
        self._session.run_all(self._delete, buckets)

    def abandoned(self) -> Iterator[tuple[Id, int]]:
        """Id and bucket of all that was written more than ABANDONED_S ago; most of it is in use."""
        before = time.time() - ABANDONED_S  # noqa: TID251 - ids of one clock
        for id, bucket in self._session.run(self._list):
            if written_at(bytes(id)) < before:
                yield bytes(id), bucket

    def delete_buckets(self, buckets: Iterable[tuple[Id, int]]) -> None:
        self._session.run_all(self._delete, buckets)


def new_id() -> Id:
    """16 bytes: the time in ms, then chance."""
    return int(time.time() * 1000).to_bytes(_STAMP_BYTES) + os.urandom(16 - _STAMP_BYTES)  # noqa: TID251 - ids of one clock


def written_at(id: Id) -> float:
    """In seconds, by the writer's clock."""
    return int.from_bytes(id[:_STAMP_BYTES]) / 1000


def split_cells(content: bytes, size: int) -> list[bytes]:
    """Cells of `size` bytes, the last one shorter."""
    return [content[at : at + size] for at in range(0, len(content), size)]
