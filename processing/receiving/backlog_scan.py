"""Finds out from the store which properties have a tail."""

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from processing.concurrency.backoff import Backoff
from processing.concurrency.clock import Clock
from processing.receiving.backlog import Backlog
from processing.segments.manifest import Manifest, decode_manifest
from processing.store.block_directory import Chunk
from processing.store.port import BlockInfo, BlockKey, CorruptBlob, Store

logger = logging.getLogger(__name__)

NOBODY: Final = 0  # blocks whose directory cannot be read wait under it, so that they are not deleted


class BacklogScan:
    """Brings a backlog up to date with the store."""

    def __init__(self, store: Store, backlog: Backlog, clock: Clock) -> None:
        self._store, self._backlog, self._clock = store, backlog, clock
        self._seen: set[BlockKey] = set()

    def find(self, troubles: Backoff) -> None:
        """All of them, from nothing. A manifest that cannot be read covers nothing, so that no block is deleted before
        it can.
        """
        books: dict[int, Manifest | None] = {}
        for property in self._store.properties():
            with troubles.outlived(f"reading the manifest of property {property}"):
                books[property] = self._book(property)
        blocks = self._store.blocks()
        for block in blocks:
            self._find_in(block, books)
        self._seen = {block.key for block in blocks}

    def look(self) -> None:
        """What others received since. A block that is sealed already counts as a tail until that is noticed."""
        blocks = self._store.blocks()
        for block in blocks:
            if not self._has_seen(block.key):
                self._find_in(block, {})
        self._seen = {block.key for block in blocks}

    def notice(self, property: int) -> int:
        """Takes out of the backlog what has been sealed. Returns the version of the manifest, 0 if there is none."""
        manifest = self._store.manifest(property)
        if manifest is None:
            return 0
        self._backlog.sealed(property, decode_manifest(manifest.data))
        return manifest.version

    def _has_seen(self, key: BlockKey) -> bool:
        """Also a merged block of which all parts were seen."""
        if key in self._seen:
            return True
        parts = (old for old in self._seen if old[:2] == key[:2] and key.first <= old.first and old.last <= key.last)
        return sum(_length(part) for part in parts) == _length(key)

    def _find_in(self, block: BlockInfo, books: Mapping[int, Manifest | None]) -> None:
        try:
            directory: Iterable[Chunk] = self._store.directory(block.key)
        except CorruptBlob:
            logger.exception("raw block %s is damaged: it is kept, and what it holds is not reported", block.key)
            self._backlog.set(NOBODY, block.key, block.rows, self._clock())
            directory = ()
        for chunk in directory:
            book = books.get(chunk.property)
            if book is None or not book.covers(block.key):
                self._backlog.set(chunk.property, block.key, chunk.rows, self._clock())
        self._backlog.received(block.key)

    def _book(self, property: int) -> Manifest | None:
        manifest = self._store.manifest(property)
        return decode_manifest(manifest.data) if manifest else None


def _length(key: BlockKey) -> int:
    return key.last - key.first + 1
