"""Documents on Cassandra, the contents of manifests and contexts: compressed, in cells under an id that a row names."""

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from threading import Lock
from typing import Final, NamedTuple
from zlib import compress, decompress
from zlib import error as DamagedStream

from processing.store.cassandra.cells import Cells, Gone, Id, split_cells
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
    """Caches the content that was read or written last, up to KEPT_BYTES. Safe to share between threads."""

    def __init__(self, session: CassandraSession) -> None:
        self.cells = Cells(session, "documents")
        self._kept: OrderedDict[Id, bytes] = OrderedDict()
        self._lock = Lock()

    def write(self, name: str, data: bytes) -> StoredDocument:
        packed = compress(data)
        cells = split_cells(packed, CELL_BYTES)
        document = StoredDocument(self.cells.write(cells), len(cells), len(packed), digest(name, data))
        self._keep(document.id, data)
        return document

    def read(self, name: str, document: StoredDocument, *, uncached: bool = False) -> bytes:
        """`uncached`: as it is in the cluster. Raises Gone, CorruptBlob."""
        with self._lock:
            kept = None if uncached else self._kept.get(document.id)
        if kept is None:
            packed = self.cells.whole(document.id, document.cells)
            kept = _unpacked(name, packed) if len(packed) == document.size else b""
        if digest(name, kept) != document.digest:
            raise CorruptBlob(name)
        self._keep(document.id, kept)
        return kept

    def delete(self, documents: Iterable[StoredDocument]) -> None:
        """Deletes documents that no row names. If that fails, garbage collection deletes them later."""
        try:
            self.cells.delete((document.id, document.cells) for document in documents)
        except StoreUnavailable:
            logger.warning("documents were not deleted; they are left to garbage collection", exc_info=True)

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
            there = self._session.insert_if_absent((_INSERT, (id, *document)), (_READ, (id,)))
            found = _document(there) if there else document
            self._documents.delete([document] if found.id != document.id else [])
        if found.digest != digest(_name(id), data):
            raise Conflict(f"context {id} has other content")

    def get(self, id: str, *, uncached: bool = False) -> bytes:
        found = self._find(id)
        if found is None:
            raise Missing(_name(id))
        try:
            return self._documents.read(_name(id), found, uncached=uncached)
        except Gone:
            raise CorruptBlob(_name(id)) from None

    def size(self) -> int:
        return sum(size for _, size, _ in self._session.run(_ALL))

    def used(self) -> set[Id]:
        """Returns the ids of the content that rows name."""
        return {bytes(id) for _, _, id in self._session.run(_ALL)}

    def names(self) -> list[str]:
        return sorted(name for name, _, _ in self._session.run(_ALL))

    def verify(self) -> Iterator[str]:
        for name in self.names():
            try:
                self.get(name, uncached=True)
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
