"""Manifests' contents and contexts on Cassandra: documents, packed, in cells under an id that a row names."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from threading import Lock
from typing import Final, NamedTuple
from zlib import compress, decompress
from zlib import error as DamagedStream

from processing.store.cassandra.cells import Cells, Gone, Id, cut
from processing.store.cassandra.layout import CELL_BYTES
from processing.store.cassandra.session import CassandraSession, Row
from processing.store.port import Conflict, CorruptBlob, Missing, StoreUnavailable

logger = logging.getLogger(__name__)

KEPT_BYTES: Final = 16 * 2**20

_COLUMNS: Final = "id, cells, bytes, digest"
_READ: Final = f"SELECT {_COLUMNS} FROM contexts WHERE name = ?"  # noqa: S608
_INSERT: Final = f"INSERT INTO contexts (name, {_COLUMNS}) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"  # noqa: S608
_ALL: Final = "SELECT name, bytes, id FROM contexts"


class StoredDocument(NamedTuple):
    """As a row names it. `size` in bytes as stored, in `cells`; the digest is of the plain content and its name."""

    id: Id
    cells: int
    size: int
    digest: bytes


class Documents:
    """Content that was read or written last is kept, up to a number of bytes. Safe to share between threads."""

    def __init__(self, session: CassandraSession) -> None:
        self.cells = Cells(session, "documents")
        self._kept: OrderedDict[Id, bytes] = OrderedDict()
        self._lock = Lock()

    def write(self, name: str, data: bytes) -> StoredDocument:
        packed = compress(data)
        cells = cut(packed, CELL_BYTES)
        document = StoredDocument(self.cells.write(cells), len(cells), len(packed), digest(name, data))
        self._keep(document.id, data)
        return document

    def read(self, name: str, document: StoredDocument, *, anew: bool = False) -> bytes:
        """`anew`: as it is in the cluster. Raises Gone, CorruptBlob."""
        with self._lock:
            kept = None if anew else self._kept.get(document.id)
        if kept is None:
            packed = self.cells.whole(document.id, document.cells)
            kept = _unpacked(name, packed) if len(packed) == document.size else b""
        if digest(name, kept) != document.digest:
            raise CorruptBlob(name)
        self._keep(document.id, kept)
        return kept

    def forget(self, documents: Iterable[StoredDocument]) -> None:
        """Deletes what no row names: if that fails, the next sweep will do it."""
        try:
            self.cells.delete((document.id, document.cells) for document in documents)
        except StoreUnavailable:
            logger.warning("documents were not deleted; they wait for the next sweep", exc_info=True)

    def _keep(self, id: Id, data: bytes) -> None:
        with self._lock:
            self._kept[id] = data
            self._kept.move_to_end(id)
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT_BYTES:
                self._kept.popitem(last=False)


class CassandraContexts:
    def __init__(self, session: CassandraSession, documents: Documents) -> None:
        self._session, self._documents = session, documents

    def put(self, id: str, data: bytes) -> None:
        found = self._find(id)
        if found is None:
            document = self._documents.write(_name(id), data)
            there = self._session.insert_once((_INSERT, (id, *document)), (_READ, (id,)))
            found = _document(there) if there else document
            self._documents.forget([document] if found.id != document.id else [])
        if found.digest != digest(_name(id), data):
            raise Conflict(f"context {id} has other content")

    def get(self, id: str, *, anew: bool = False) -> bytes:
        found = self._find(id)
        if found is None:
            raise Missing(_name(id))
        try:
            return self._documents.read(_name(id), found, anew=anew)
        except Gone:
            raise CorruptBlob(_name(id)) from None

    def size(self) -> int:
        return sum(size for _, size, _ in self._session.run(_ALL))

    def used(self) -> set[Id]:
        """The ids of the content that rows name."""
        return {bytes(id) for _, _, id in self._session.run(_ALL)}

    def names(self) -> list[str]:
        return sorted(name for name, _, _ in self._session.run(_ALL))

    def verify(self) -> Iterator[str]:
        for name in self.names():
            try:
                self.get(name, anew=True)
            except CorruptBlob as error:
                yield str(error)

    def _find(self, id: str) -> StoredDocument | None:
        rows = self._session.run(_READ, (id,))
        return _document(rows[0]) if rows else None


def digest(name: str, data: bytes) -> bytes:
    return blake2b(data, digest_size=16, person=blake2b(name.encode(), digest_size=16).digest()).digest()


def _unpacked(name: str, packed: bytes) -> bytes:
    try:
        return decompress(packed)
    except DamagedStream as error:
        raise CorruptBlob(name) from error


def _document(row: Row) -> StoredDocument:
    return StoredDocument(bytes(row[0]), row[1], row[2], bytes(row[3]))


def _name(id: str) -> str:
    return f"context {id}"
