"""Fills a backlog from the store: which blocks hold rows that no segment of their property covers."""

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.clock import Clock
from processing.receiving.backlog import Backlog
from processing.segments.manifest import Manifest, decode_manifest
from processing.store.block_directory import Chunk
from processing.store.port import BlockInfo, BlockKey, CorruptBlob, Store

UNREADABLE_BLOCKS: Final = 0  # blocks with a damaged directory are noted for this property, so that they are kept

logger = logging.getLogger(__name__)


class BacklogScan:
    """Brings a backlog up to date with the store."""

    def __init__(self, store: Store, backlog: Backlog, clock: Clock) -> None:
        self._store, self._backlog, self._clock = store, backlog, clock
        self._seen: set[BlockKey] = set()

    def rebuild(self, backoff: Backoff) -> None:
        """Reads all manifests and blocks. A manifest that cannot be read covers nothing, so that no block is deleted
        until it can be read again.
        """
        manifests: dict[int, Manifest] = {}
        for property in self._store.properties():
            with backoff.suppress_and_log(Task.READ_MANIFEST, property):
                stored = self._store.manifest(property)
                if stored:
                    manifests[property] = decode_manifest(stored.data)
        blocks = self._store.blocks()
        for block in blocks:
            self._add(block, manifests)
        self._seen = {block.key for block in blocks}

    def update(self) -> None:
        """Adds the blocks that are new, from other processes too. One that is sealed already counts as a tail until
        its property is refreshed.
        """
        blocks = self._store.blocks()
        for block in blocks:
            if not self._has_seen(block.key):
                self._add(block, {})
        self._seen = {block.key for block in blocks}

    def refresh(self, property: int) -> int:
        """Drops from the backlog what has been sealed. Returns the version of the manifest, 0 if there is none."""
        stored = self._store.manifest(property)
        if stored is None:
            return 0
        self._backlog.mark_sealed(property, decode_manifest(stored.data))
        return stored.version

    def _has_seen(self, key: BlockKey) -> bool:
        """Returns True also for a merged block if all of its parts were seen."""
        if key in self._seen:
            return True
        parts = (old for old in self._seen if old[:2] == key[:2] and key.first <= old.first and old.last <= key.last)
        return sum(part.last - part.first + 1 for part in parts) == key.last - key.first + 1

    def _add(self, block: BlockInfo, manifests: Mapping[int, Manifest]) -> None:
        try:
            directory: Iterable[Chunk] = self._store.directory(block.key)
        except CorruptBlob:
            logger.exception("raw block %s is damaged: it is kept, and reports lack its hits", block.key)
            self._backlog.add(UNREADABLE_BLOCKS, block.key, block.rows, self._clock())
            directory = ()
        for chunk in directory:
            manifest = manifests.get(chunk.property)
            if manifest is None or not manifest.covers(block.key):
                self._backlog.add(chunk.property, block.key, chunk.rows, self._clock())
        self._backlog.mark_received(block.key)
