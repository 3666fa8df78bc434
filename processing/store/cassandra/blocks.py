"""Raw blocks on Cassandra: payloads in cells, written before the index names them and deleted after it stopped."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import polars as pl

from processing.store import raw_block as block
from processing.store.block_directory import PREFIX_BYTES, head_bytes, read_head
from processing.store.block_index import (
    BlockEntry,
    Directories,
    block_info,
    check_replacement,
    digest,
    find_holder,
    is_repetition,
    rows_by_key,
)
from processing.store.cassandra.cells import Cells, Gone, Id, split_cells
from processing.store.cassandra.index import BlockIndex, Index, IndexChange, LogPartition
from processing.store.cassandra.layout import PAYLOAD_CELL_BYTES
from processing.store.cassandra.session import CassandraSession
from processing.store.port import BlockInfo, BlockKey, Conflict, CorruptBlob, Directory, Missing, StoreUnavailable

logger = logging.getLogger(__name__)

ATTEMPTS: Final = 10  # to read what others merge meanwhile

_Found = list[tuple[BlockKey, BlockEntry[Id]]]
T = TypeVar("T")


class CassandraBlocks:
    def __init__(self, session: CassandraSession) -> None:
        self._cells = Cells(session, "payloads")
        self._index = BlockIndex(session)
        self._directories = Directories[Id]()

    def put(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        info = block_info(key, context_id, blob)

        def decide(index: Index) -> list[BlockEntry[Id]] | None:
            found = _before(index, key)
            if not found or found.info.key.last < key.first:
                return []
            if not is_repetition(found, info, blob):
                raise Conflict(f"{found.info.key} is stored already, not {key}")
            return None

        self._put(info, blob, decide, merged=False)

    def replace(self, keys: Sequence[BlockKey], merged: BlockKey, context_id: str, blob: bytes) -> None:
        info = block_info(merged, context_id, blob)

        def decide(index: Index) -> list[BlockEntry[Id]] | None:
            found = [e for e in index.entries if e.info.key.first <= merged.last and e.info.key.last >= merged.first]
            if len(found) == 1 and is_repetition(found[0], info, blob, exact=True):
                return None
            check_replacement(found, keys, info)
            return found

        self._put(info, blob, decide, merged=True)

    def infos(self) -> list[BlockInfo]:
        return [entry.info for entries in self._index.everything() for entry in entries]

    def directory(self, key: BlockKey) -> Directory:
        return self._reading([key], lambda found: self._heads(found)[found[0][1].id])

    def rows(self, keys: Sequence[BlockKey], property: int) -> pl.DataFrame:
        return self._reading(keys, lambda found: self._rows(found, property))

    def blob(self, key: BlockKey) -> bytes:
        def read(found: _Found) -> bytes:
            entry = found[0][1]
            if entry.info.key != key:
                raise Missing(f"{key} was merged")
            data = self._cells.whole(entry.id, _cells(entry))
            if digest(data) != entry.digest:
                raise CorruptBlob(f"raw block {key}")
            return data

        return self._reading([key], read)

    def delete(self, keys: Sequence[BlockKey]) -> None:
        for where in dict.fromkeys(_where(key) for key in keys):
            wanted = {key for key in keys if _where(key) == where}

            def decide(index: Index, wanted: set[BlockKey] = wanted) -> IndexChange | None:
                gone = [entry for entry in index.entries if entry.info.key in wanted]
                return IndexChange(gone, []) if gone else None

            change = self._index.change(where, decide)
            self._delete_payloads(change.removed if change else [])

    def highest(self, log: str, partition: int) -> int | None:
        return self._index.highest((log, partition))

    def used(self) -> set[Id]:
        """Returns the ids of all payloads that the index names."""
        return {entry.id for entries in self._index.everything() for entry in entries}

    @property
    def cells(self) -> Cells:
        return self._cells

    def verify(self) -> Iterator[str]:
        try:
            listed = self._index.everything()
        except CorruptBlob as error:
            yield str(error)
            return
        for entry in (entry for entries in listed for entry in entries):
            yield from self._problems(entry)

    def _put(
        self, info: BlockInfo, blob: bytes, decide: Callable[[Index], list[BlockEntry[Id]] | None], *, merged: bool
    ) -> None:
        """Puts the block in the place of those that `decide` names; None: it is there already."""
        written: list[BlockEntry[Id]] = []

        def change(index: Index) -> IndexChange | None:
            removed = decide(index)
            if removed is None:
                return None
            if not written:
                id = self._cells.write(split_cells(blob, PAYLOAD_CELL_BYTES))
                written.append(BlockEntry(info, id, merged, digest(blob)))
            return IndexChange(removed, written)

        done: IndexChange | None = None
        try:
            done = self._index.change(_where(info.key), change)
        except Conflict:
            self._delete_unnamed(written)
            raise
        if done is None:
            self._delete_unnamed(written)
        else:
            self._delete_payloads(done.removed)

    def _delete_unnamed(self, written: Sequence[BlockEntry[Id]]) -> None:
        """Deletes our payloads unless the index names them: another process put the block, or it was merged."""
        named = {entry.id for each in written for entry in self._index.entries(_where(each.info.key))}
        self._delete_payloads([each for each in written if each.id not in named])

    def _delete_payloads(self, entries: Iterable[BlockEntry[Id]]) -> None:
        """Deletes payloads that the index does not name. If that fails, garbage collection deletes them later."""
        try:
            self._cells.delete((entry.id, _cells(entry)) for entry in entries)
        except StoreUnavailable:
            logger.warning(
                "payloads of raw blocks were not deleted; they are left to garbage collection", exc_info=True
            )

    def _reading(self, keys: Sequence[BlockKey], read: Callable[[_Found], T]) -> T:
        """Reads what is remembered to hold the keys; where that has gone meanwhile, looks again. Raises Missing."""
        for _ in range(ATTEMPTS):
            found = [(key, self._find(key)) for key in keys]
            try:
                return read(found)
            except Gone:
                self._look_again(found)
        raise StoreUnavailable("raw blocks are replaced more quickly than they are read")

    def _look_again(self, found: _Found) -> None:
        for where in {_where(key) for key, _ in found}:
            self._index.load(where)
        for key, entry in found:
            if self._find(key).id == entry.id and not self._is_whole(entry):
                raise CorruptBlob(f"payload of raw block {entry.info.key} is missing")

    def _is_whole(self, entry: BlockEntry[Id]) -> bool:
        try:
            return len(self._cells.whole(entry.id, _cells(entry))) == entry.info.bytes
        except Gone:
            return False

    def _find(self, key: BlockKey) -> BlockEntry[Id]:
        try:
            return find_holder(self._index.entries(_where(key)), key)
        except Missing:
            return find_holder(self._index.load(_where(key)).entries, key)

    def _rows(self, found: _Found, property: int) -> pl.DataFrame:
        heads = self._heads(found)
        entries = {entry.id: entry for _, entry in found}
        chunks = {id: chunk for id, head in heads.items() if (chunk := head.chunk(property))}
        spans = {id: _span(chunk.offset, chunk.length) for id, chunk in chunks.items()}
        wanted = [(id, cell) for id, span in spans.items() for cell in span]
        cells = dict(zip(wanted, self._cells.read(wanted), strict=True))

        def piece(id: Id) -> block.BlockPiece | None:
            if id not in chunks:
                return None
            data = b"".join(cells[id, cell] for cell in spans[id])
            start = chunks[id].offset - spans[id].start * PAYLOAD_CELL_BYTES
            name = f"raw block {entries[id].info.key}"
            return block.BlockPiece(heads[id], chunks[id], data[start : start + chunks[id].length], name)

        return rows_by_key(found, piece)

    def _heads(self, found: _Found) -> dict[Id, Directory]:
        entries = {entry.id: entry for _, entry in found}
        known = {id: head for id in entries if (head := self._directories.get(id))}
        fresh = [entry for id, entry in entries.items() if id not in known]
        for entry, first in zip(fresh, self._cells.read([(entry.id, 0) for entry in fresh]), strict=True):
            known[entry.id] = self._head(entry, first)
            self._directories.keep(entry.id, known[entry.id])
        return known

    def _head(self, entry: BlockEntry[Id], first: bytes) -> Directory:
        try:
            span = _span(0, head_bytes(first[:PREFIX_BYTES]))
            return read_head(first + b"".join(self._cells.read([(entry.id, cell) for cell in span[1:]])))
        except CorruptBlob as error:
            raise CorruptBlob(f"{error}: raw block {entry.info.key}") from error

    def _problems(self, entry: BlockEntry[Id]) -> Iterator[str]:
        name = f"raw block {entry.info.key}"
        try:
            data = self._cells.whole(entry.id, _cells(entry))
        except Gone:
            listed = {each.id for each in self._index.load(_where(entry.info.key)).entries}
            yield from [f"{name}: payload is missing"] if entry.id in listed else []
            return
        yield from (f"{name}: {problem}" for problem in block.find_problems(data))
        if digest(data) != entry.digest:
            yield f"{name} is not the one that was put"


def _where(key: BlockKey) -> LogPartition:
    return key.log, key.partition


def _cells(entry: BlockEntry[Id]) -> int:
    return -(-entry.info.bytes // PAYLOAD_CELL_BYTES)


def _span(offset: int, length: int) -> range:
    """Returns the cells that hold a part of a payload."""
    return range(offset // PAYLOAD_CELL_BYTES, -(-(offset + length) // PAYLOAD_CELL_BYTES))


def _before(index: Index, key: BlockKey) -> BlockEntry[Id] | None:
    """Returns the last block that starts before a range ends: blocks do not overlap, so if this one does not, none
    does.
    """
    return max((entry for entry in index.entries if entry.info.key.first <= key.last), default=None)
