"""What the tests of the store on Cassandra do to it, and how they look at its tables."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import polars as pl
import pytest

from processing.store.cassandra.index import BlockIndex
from processing.store.cassandra.session import CassandraSession
from processing.store.cassandra.store import CassandraStore
from processing.store.port import LiveChange, ManifestChange, Missing, Store
from processing.store.raw_block import encode_block
from tests.contract.store_builders import built, key, positions, raw

CONTENT = ("payloads", "columns", "documents")
LARGE = (0, 3999)
Action = Callable[[Store], None]


def large(*properties: int) -> bytes:
    """A block that takes several cells."""
    texts = pl.Series("dl", [blake2b(b"%d" % n).hexdigest() for n in range(4000)])
    return encode_block({number: raw(4000).with_columns(texts) for number in properties})


def put_block(store: Store) -> None:
    store.put_block(key(*LARGE), "c", large(1))


def replace_block(store: Store) -> None:
    store.replace_blocks([key(*LARGE)], key(*LARGE), "c", large(2))


def put_segment(store: Store) -> None:
    store.put_segment("s", {"events": built(70_000), "carry": built(2)})


def delete_segment(store: Store) -> None:
    store.delete_segment("s")


def put_context(store: Store) -> None:
    store.put_context("c", b"rules")


def commit(store: Store) -> None:
    store.commit(1, {1: ManifestChange(1, b"b"), 2: ManifestChange(0, b"c")}, LiveChange(1, 2))


def nothing(store: Store) -> None:
    """No preparation."""


def put_both(store: Store) -> None:
    store.put_block(key(*LARGE), "c", large(1, 2))


def first_commit(store: Store) -> None:
    store.commit(1, {1: ManifestChange(0, b"a")}, LiveChange(None, 1))


ACTIONS = [
    pytest.param(nothing, put_block, id="put_block"),
    pytest.param(put_both, replace_block, id="replace_blocks"),
    pytest.param(nothing, put_segment, id="put_segment"),
    pytest.param(put_segment, delete_segment, id="delete_segment"),
    pytest.param(nothing, put_context, id="put_context"),
    pytest.param(first_commit, commit, id="commit"),
]
WRITES = [action for action in ACTIONS if action.id != "delete_segment"]


def picture(store: Store) -> object:
    """All that a reader can see."""
    blocks = [(info, positions(store, [info.key]), positions(store, [info.key], 2)) for info in store.blocks()]
    segments = [(name, store.read(name, "events").height) for name in store.segments()]
    manifests = [store.manifest(1, number) for number in store.generations(1)]
    return blocks, segments, manifests, store.live(1), store.pin(1), _context(store)


def _context(store: Store) -> bytes | None:
    try:
        return store.context("c")
    except Missing:
        return None


def rows_of(session: CassandraSession, table: str) -> int:
    return len(session.run(f"SELECT id, cell FROM {table}"))  # noqa: S608


def unnamed(store: CassandraStore, session: CassandraSession) -> dict[str, int]:
    """Contents that no row names, by table."""
    named = store._blocks.used() | store._segments.used() | store._manifests.used() | store._contexts.used()
    found = {table: session.run(f"SELECT DISTINCT id, bucket FROM {table}") for table in CONTENT}  # noqa: S608
    left = {table: sum(bytes(id) not in named for id, _ in rows) for table, rows in found.items()}
    return {table: number for table, number in left.items() if number}


def harm_cell(session: CassandraSession, table: str, number: int, harm: str) -> None:
    rows = session.run(f"SELECT id, bucket, cell, data FROM {table}")  # noqa: S608
    id, bucket, cell, data = next(row for row in rows if row[2] == number)
    if harm == "gone":
        session.run(f"DELETE FROM {table} WHERE id = ? AND bucket = ? AND cell = ?", (id, bucket, cell))  # noqa: S608
        return
    changed = bytearray(data)
    changed[-1] ^= 0x20
    query = f"INSERT INTO {table} (id, bucket, cell, data) VALUES (?, ?, ?, ?)"  # noqa: S608
    session.run(query, (id, bucket, cell, bytes(changed)))


def pages(session: CassandraSession) -> dict[int, int]:
    """Blocks by page."""
    index = BlockIndex(session).load(key(0, 0)[:2])
    return {number: len(page) for number, page in index.pages.items()}


def count_statements(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    assert isinstance(store, CassandraStore)
    asked: list[str] = []
    run, run_all = store._session.run, store._session.run_all

    def one(query: str, *values: Any, **more: Any) -> list[Any]:
        asked.append(query)
        return run(query, *values, **more)

    def many(query: str, values: Any) -> list[list[Any]]:
        found = list(values)
        asked.extend([query] * len(found))
        return run_all(query, found)

    monkeypatch.setattr(store._session, "run", one)
    monkeypatch.setattr(store._session, "run_all", many)
    return asked
