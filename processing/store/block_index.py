"""What an index of raw blocks knows of each, and the rules by which blocks are put, replaced and found.

Every adapter keeps such an index in its own way. Blocks of a partition do not overlap.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Final, Generic, NamedTuple, TypeVar

import polars as pl

from processing.store import raw_block as block
from processing.store.block_directory import Directory, read_head
from processing.store.port import BlockInfo, BlockKey, Conflict, CorruptBlob, Missing

DIRECTORY_BYTES: Final = 32_000_000

Id = TypeVar("Id")


class BlockEntry(NamedTuple, Generic[Id]):
    """`id` names the payload in the adapter; `digest` is of the whole blob."""

    info: BlockInfo
    id: Id
    merged: bool
    digest: bytes


def block_info(key: BlockKey, context_id: str, blob: bytes) -> BlockInfo:
    """Raises CorruptBlob, and ValueError for an impossible range."""
    for problem in block.find_problems(blob):
        raise CorruptBlob(problem)
    if not 0 <= key.first <= key.last:
        raise ValueError(f"not a range: {key}")
    head = read_head(blob)
    return BlockInfo(key, context_id, head.rows, head.hits, len(blob))


def digest(blob: bytes) -> bytes:
    return blake2b(blob, digest_size=16).digest()


def contains(outer: BlockKey, inner: BlockKey) -> bool:
    return outer[:2] == inner[:2] and outer.first <= inner.first and inner.last <= outer.last


def is_repetition(found: BlockEntry[Id], info: BlockInfo, blob: bytes, *, exact: bool = False) -> bool:
    """Returns whether a block was put before: it is there, or (not `exact`) part of a merged one."""
    if found.info.context_id != info.context_id:
        return False
    if found.merged and not exact:
        return contains(found.info.key, info.key)
    return found.info.key == info.key and found.digest == digest(blob)


def check_replacement(found: Sequence[BlockEntry[Id]], keys: Sequence[BlockKey], info: BlockInfo) -> None:
    """Whether the blocks `found` in a span may become the one of `info`. Raises Conflict, ValueError."""
    merged = info.key
    if [entry.info.key for entry in found] != sorted(keys):
        raise Conflict(f"other blocks are stored in {merged}")
    if not keys or any(key[:2] != merged[:2] for key in keys):
        raise ValueError("blocks of one partition are merged")
    if (min(key.first for key in keys), max(key.last for key in keys)) != (merged.first, merged.last):
        raise ValueError(f"{merged} does not span the blocks")
    if any(entry.info.context_id != info.context_id for entry in found):
        raise Conflict("blocks of one context are merged")


def find_holder(entries: Sequence[BlockEntry[Id]], key: BlockKey) -> BlockEntry[Id]:
    """Returns the block of a key, or the merged one that holds its rows now; `entries` are sorted. Raises Missing."""
    at = bisect_right(entries, key[:3], key=lambda entry: entry.info.key[:3])
    entry = entries[at - 1] if at else None
    if entry and (entry.info.key == key or (entry.merged and contains(entry.info.key, key))):
        return entry
    raise Missing(f"raw block {key}")


def rows_by_key(
    found: Iterable[tuple[BlockKey, BlockEntry[Id]]], piece: Callable[[Id], block.BlockPiece | None]
) -> pl.DataFrame:
    """Returns the RAW rows of the keys, in their order: all rows of a block of that key, or the key's part of a merged
    one.
    """
    frames: list[pl.DataFrame] = []
    whole: list[block.BlockPiece] = []
    for key, entry in found:
        data = piece(entry.id)
        if data and entry.info.key == key:
            whole.append(data)
        elif data:
            frames += [
                block.decode_pieces(whole),
                block.rows_of_range(block.decode_pieces([data]), key.first, key.last),
            ]
            whole = []
    return pl.concat([*frames, block.decode_pieces(whole)])


class Directories(Generic[Id]):
    """The directories read last, up to a number of bytes. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Id, Directory] = {}
        self._bytes = 0

    def get(self, id: Id) -> Directory | None:
        with self._lock:
            return self._kept.get(id)

    def keep(self, id: Id, head: Directory) -> None:
        with self._lock:
            replaced = self._kept.pop(id, None)
            self._kept[id] = head
            self._bytes += head.weight - (replaced.weight if replaced else 0)
            while self._bytes > DIRECTORY_BYTES:
                self._bytes -= self._kept.pop(next(iter(self._kept))).weight
