"""The index of raw blocks on Cassandra: for each partition of a log a few pages that list the blocks.

A change is one conditional batch on one partition: it moves the version, which readers compare with what they know.
"""

import random
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Final, NamedTuple

import msgspec

from processing.store.block_index import BlockEntry
from processing.store.cassandra.cells import Id
from processing.store.cassandra.layout import FORMAT, PAGE_BLOCKS
from processing.store.cassandra.session import CassandraSession, Statement, UnknownOutcome
from processing.store.port import BlockInfo, BlockKey, Conflict, CorruptBlob, StoreUnavailable

ATTEMPTS: Final = 40  # of rivals, one wins in each round
PAUSE_S: Final = 0.02

LogPartition = tuple[str, int]
_Listed = tuple[int, int, str, int, int, int, bool, bytes, bytes]

_REGISTER: Final = "INSERT INTO logs (everything, log, part) VALUES (0, ?, ?)"
_REGISTERED: Final = "SELECT log, part FROM logs WHERE everything = 0"
_VERSIONS: Final = "SELECT DISTINCT part, version FROM blocks WHERE log = ? AND part IN ?"
_HIGHEST: Final = "SELECT DISTINCT log, part, highest FROM blocks WHERE log = ? AND part = ?"
_READ: Final = "SELECT page, listed, version, highest FROM blocks WHERE log = ? AND part = ?"
_MOVE: Final = "UPDATE blocks SET version = ?, highest = ? WHERE log = ? AND part = ? IF version = ?"
_WRITE: Final = "UPDATE blocks SET listed = ? WHERE log = ? AND part = ? AND page = ?"

_decoder: Final = msgspec.msgpack.Decoder(tuple[int, list[_Listed]])


class Index(NamedTuple):
    """Of one partition of a log, as of a version; 0: it has never had a block."""

    version: int
    highest: int | None
    pages: dict[int, list[BlockEntry[Id]]]

    @property
    def entries(self) -> list[BlockEntry[Id]]:
        return sorted(entry for page in self.pages.values() for entry in page)


NOTHING: Final = Index(0, None, {})


class IndexChange(NamedTuple):
    removed: Sequence[BlockEntry[Id]]
    added: Sequence[BlockEntry[Id]]


class BlockIndex:
    """Safe to share between threads. `sorted` lists are replaced, never changed."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._lock = Lock()
        self._known: dict[LogPartition, Index] = {}
        self._sorted: dict[LogPartition, list[BlockEntry[Id]]] = {}
        self._registered: set[LogPartition] = set()

    def entries(self, where: LogPartition) -> list[BlockEntry[Id]]:
        """Returns what this process knows of a partition: it looked when it listed all blocks last, or changed one."""
        with self._lock:
            return self._sorted.get(where, [])

    def everything(self) -> list[list[BlockEntry[Id]]]:
        """By log and partition. Reads the versions, and the pages of partitions that moved."""
        versions = self._versions()
        stale = [where for where, version in versions.items() if self._remembered(where).version != version]
        for where in stale:
            self.load(where)
        return [self.entries(where) for where in sorted(versions)]

    def highest(self, where: LogPartition) -> int | None:
        rows = self._session.run(_HIGHEST, where)
        return rows[0][2] if rows else None

    def load(self, where: LogPartition, *, serial: bool = False) -> Index:
        """Reads a partition again. Raises CorruptBlob."""
        rows = self._session.run(_READ, where, serial=serial)
        while len({row[2] for row in rows}) > 1:  # it moved between two pages of the answer
            rows = self._session.run(_READ, where, serial=serial)
        version, highest = (rows[0][2] or 0, rows[0][3]) if rows else (0, None)
        pages = {page: _decode(where, page, bytes(data)) for page, data, *_ in rows if page is not None}
        index = Index(version, highest, pages)
        self._keep(where, index)
        return index

    def change(self, where: LogPartition, decide: Callable[[Index], IndexChange | None]) -> IndexChange | None:
        """Makes the change that `decide` finds for the index as it is; None: nothing is to be changed.

        It is asked about what is remembered first: where that is out of date, the write is not applied. That there is
        nothing to change, and Conflict, count when they are of the latest state. Raises StoreUnavailable.
        """
        tried: IndexChange | None = None
        for attempt in range(ATTEMPTS):
            index = self.load(where, serial=True) if attempt else self._remembered(where)
            if tried and _is_made(index, tried):
                return tried  # its outcome was not known
            try:
                change = decide(index)
            except Conflict:
                if attempt:
                    raise
                continue
            if change is None and attempt:
                return None
            if change and self._swap(where, index, change):
                return change
            tried = change
            time.sleep(PAUSE_S * random.uniform(0, min(attempt, 8)))  # noqa: S311 - lets rivals pass
        raise StoreUnavailable(f"the index of log {where[0]}, partition {where[1]} is changed by too many at once")

    def _swap(self, where: LogPartition, index: Index, change: IndexChange) -> bool:
        self._register(where)
        moved = _changed(index, change)
        turned = {number: page for number, page in moved.pages.items() if page is not index.pages.get(number)}
        head: Statement = (_MOVE, (moved.version, moved.highest, *where, index.version or None))
        pages: list[Statement] = [(_WRITE, (_encode(where, n, page), *where, n)) for n, page in turned.items()]
        try:
            applied = self._session.swap([head, *pages])
        except UnknownOutcome:
            return False  # the next round reads what came of it
        if applied:
            self._keep(where, moved)
        return applied

    def _keep(self, where: LogPartition, index: Index) -> None:
        with self._lock:
            known = self._known.get(where)
            if known is None or known.version <= index.version:
                self._known[where], self._sorted[where] = index, index.entries

    def _remembered(self, where: LogPartition) -> Index:
        with self._lock:
            return self._known.get(where, NOTHING)

    def _register(self, where: LogPartition) -> None:
        if where not in self._registered:
            self._session.run(_REGISTER, where)
            self._registered.add(where)

    def _versions(self) -> dict[LogPartition, int]:
        parts = defaultdict(list)
        for log, part in self._session.run(_REGISTERED):
            parts[log].append(part)
        answers = self._session.run_all(_VERSIONS, list(parts.items()))
        return {(log, part): version or 0 for log, rows in zip(parts, answers, strict=True) for part, version in rows}


def _is_made(index: Index, change: IndexChange) -> bool:
    ids = {entry.id for entry in index.entries}
    return ids.issuperset(e.id for e in change.added) and ids.isdisjoint(e.id for e in change.removed)


def _changed(index: Index, change: IndexChange) -> Index:
    """Pages without the removed blocks; the added ones go to the first page with room."""
    gone = {entry.id for entry in change.removed}
    pages = {number: _without(page, gone) for number, page in index.pages.items()}
    for entry in change.added:
        number = next(_with_room(pages))
        pages[number] = [*pages.get(number, []), entry]
    ends = [entry.info.key.last for entry in change.added]
    highest = max([*ends, -1 if index.highest is None else index.highest])
    return Index(index.version + 1, highest, pages)


def _without(page: list[BlockEntry[Id]], gone: set[Id]) -> list[BlockEntry[Id]]:
    return [entry for entry in page if entry.id not in gone] if any(entry.id in gone for entry in page) else page


def _with_room(pages: dict[int, list[BlockEntry[Id]]]) -> Iterator[int]:
    yield from (number for number in sorted(pages) if len(pages[number]) < PAGE_BLOCKS)
    yield len(pages)


def _encode(where: LogPartition, page: int, entries: Iterable[BlockEntry[Id]]) -> bytes:
    rows = [(*e.info.key[2:], *e.info[1:], e.merged, e.id, e.digest) for e in entries]
    packed = zlib.compress(msgspec.msgpack.encode((FORMAT, rows)))
    return _crc(where, page, packed).to_bytes(4) + packed


def _decode(where: LogPartition, page: int, data: bytes) -> list[BlockEntry[Id]]:
    crc, packed = data[:4], data[4:]
    if int.from_bytes(crc) != _crc(where, page, packed):
        raise CorruptBlob(f"page {page} of the index of log {where[0]}, partition {where[1]}")
    format, rows = _decoder.decode(zlib.decompress(packed))
    if format != FORMAT:
        raise CorruptBlob(f"index of raw blocks of format {format}, not {FORMAT}")
    return [_entry(where, row) for row in rows]


def _entry(where: LogPartition, row: _Listed) -> BlockEntry[Id]:
    first, last, context, rows, hits, size, merged, id, digest = row
    return BlockEntry(BlockInfo(BlockKey(*where, first, last), context, rows, hits, size), id, merged, digest)


def _crc(where: LogPartition, page: int, packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(repr((where, page)).encode()))
