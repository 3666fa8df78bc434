"""The store on Cassandra. docs/adr/0012-cassandra-layout.md describes the layout and its reasons.

Content is written once, in cells under an id that is never used again. Then a small row names the id, by a lightweight
transaction on one partition, and from that moment the content is stored. Replaced content is deleted afterwards. A
writer that dies leaves content that no row names, which `scrub` collects as garbage.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from processing.store.cassandra.address import ClusterAddress
from processing.store.cassandra.blocks import CassandraBlocks
from processing.store.cassandra.cells import Cells, Id
from processing.store.cassandra.disk_cache import DiskCache
from processing.store.cassandra.documents import CassandraContexts, Documents
from processing.store.cassandra.manifests import CassandraManifests, ManifestState
from processing.store.cassandra.segments import CassandraSegments
from processing.store.cassandra.session import ID, PATIENCE_S, CassandraSession
from processing.store.port import (
    BlockInfo,
    BlockKey,
    Directory,
    Expected,
    LiveChange,
    ManifestChange,
    SegmentInfo,
    VersionedBlob,
    any_store,
)
from processing.store.rows import ColumnRows

PIN_ATTEMPTS: Final = 20
OWNER: Final = "owner"


class CassandraStore:
    """See `port.Store`. It connects when it is first used."""

    def __init__(
        self,
        address: ClusterAddress,
        cache: DiskCache | None = None,
        expected: Expected = any_store,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._session = CassandraSession(address, expected=expected, patience_s=patience_s)
        documents = Documents(self._session)
        self._blocks = CassandraBlocks(self._session)
        self._segments = CassandraSegments(self._session, cache)
        self._manifests = CassandraManifests(self._session, documents)
        self._contexts = CassandraContexts(self._session, documents)
        self._documents = documents.cells

    @property
    def id(self) -> str:
        return self._label(ID)

    @property
    def owner(self) -> str:
        return self._label(OWNER)

    def set_owner(self, id: str) -> None:
        self._session.run("INSERT INTO labels (name, value) VALUES (?, ?)", (OWNER, id))

    def _label(self, name: str) -> str:
        found = self._session.run("SELECT value FROM labels WHERE name = ?", (name,))
        return str(found[0][0]) if found else ""

    def put_block(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        self._blocks.put(key, context_id, blob)

    def replace_blocks(self, keys: Sequence[BlockKey], merged: BlockKey, context_id: str, blob: bytes) -> None:
        self._blocks.replace(keys, merged, context_id, blob)

    def blocks(self) -> list[BlockInfo]:
        return self._blocks.infos()

    def directory(self, key: BlockKey) -> Directory:
        return self._blocks.directory(key)

    def rows(self, keys: Sequence[BlockKey], property: int) -> pl.DataFrame:
        return self._blocks.rows(keys, property)

    def blob(self, key: BlockKey) -> bytes:
        return self._blocks.blob(key)

    def delete_blocks(self, keys: Sequence[BlockKey]) -> None:
        self._blocks.delete(keys)

    def highest(self, log: str, partition: int) -> int | None:
        return self._blocks.highest(log, partition)

    def put_context(self, id: str, data: bytes) -> None:
        self._contexts.put(id, data)

    def context(self, id: str) -> bytes:
        return self._contexts.get(id)

    def contexts(self) -> list[str]:
        return self._contexts.names()

    def put_segment(self, name: str, sections: Mapping[str, pl.DataFrame | ColumnRows]) -> SegmentInfo:
        return self._segments.put(name, sections)

    def read(
        self, name: str, section: str, columns: Sequence[str] | None = None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        return self._segments.read(name, section, columns, rows)

    def column_bytes(self, name: str, section: str) -> Mapping[str, int]:
        return self._segments.column_bytes(name, section)

    def sections(self, name: str) -> list[str]:
        return self._segments.sections(name)

    def delete_segment(self, name: str) -> None:
        self._segments.delete(name)

    def segments(self) -> list[str]:
        return self._segments.names()

    def manifest(self, property: int, generation: int | None = None) -> VersionedBlob | None:
        return self._manifests.manifest(property, generation)

    def commit(self, property: int, changes: Mapping[int, ManifestChange], live: LiveChange | None = None) -> None:
        self._manifests.commit(property, changes, live)

    def live(self, property: int) -> int | None:
        return self._manifests.state(property).live

    def pin(self, property: int) -> tuple[VersionedBlob | None, list[BlockInfo]]:
        """The blocks are read between two looks at the manifests, until both looks show the same state: it was in
        force when the blocks were read, so the view is of that moment.

        Where commits follow each other more quickly, the view has the manifest of the first look and blocks that were
        read later. No hit is missing or double in it either: blocks that came meanwhile are not covered yet, and are
        shown as the tail; a block that went was covered a grace period before it was deleted, so this manifest covers
        it, as does every later one.
        """
        return self._manifests.reading(property, lambda state: self._pinned(property, state))

    def generations(self, property: int) -> list[int]:
        return sorted(self._manifests.state(property).rows)

    def properties(self) -> list[int]:
        return self._manifests.properties()

    def verify(self) -> Iterator[str]:
        for part in (self._blocks, self._contexts, self._manifests, self._segments):
            yield from part.verify()

    def scrub(self) -> None:
        """Deletes content that no row names any more. What was deleted is unreadable for Cassandra's clients at once;
        on its disks it is until the time of grace (3 hours) is over and a compaction has passed over it.
        """
        _collect_garbage(self._blocks.cells, self._blocks.used)
        _collect_garbage(self._segments.cells, self._segments.used)
        _collect_garbage(self._documents, lambda: self._manifests.used() | self._contexts.used())

    def size(self) -> dict[str, int]:
        return {
            "blocks": sum(info.bytes for info in self._blocks.infos()),
            "contexts": self._contexts.size(),
            "manifests": self._manifests.size(),
            "segments": self._segments.size(),
        }

    def close(self) -> None:
        self._session.close()

    def _pinned(self, property: int, state: ManifestState) -> tuple[VersionedBlob | None, list[BlockInfo]]:
        for _ in range(PIN_ATTEMPTS):
            manifest, blocks = self._manifests.of(property, state), self._blocks.infos()
            before, state = state, self._manifests.state(property)
            if state.number == before.number:
                break
        return manifest, blocks


def _collect_garbage(cells: Cells, used: Callable[[], set[Id]]) -> None:
    """Deletes old content that no row names."""
    old = list(cells.abandoned())
    named = used()  # read after the list, so that content that was named meanwhile is among it
    cells.delete_buckets((id, bucket) for id, bucket in old if id not in named)
