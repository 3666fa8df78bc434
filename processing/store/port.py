"""The store port: what is promised of raw blocks, contexts, segments and manifests, wherever they are kept.

Several threads and processes may use one store at once. Everything but manifests and pointers is immutable. What a
method wrote is durable when it returns; where it raises, all or nothing of it was written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from processing.store.block_directory import CorruptBlob, Directory
from processing.store.rows import ColumnRows

__all__ = [
    "BlockInfo",
    "BlockKey",
    "ManifestChange",
    "Conflict",
    "CorruptBlob",
    "Directory",
    "LiveChange",
    "VersionedBlob",
    "Missing",
    "SegmentInfo",
    "Store",
    "StoreUnavailable",
    "WrongStore",
]


class Conflict(Exception):
    """Something else is stored there already, or it moved since it was read."""


class Missing(Exception):
    """There is no such thing in the store; the message names it."""


class StoreUnavailable(Exception):
    """The store cannot be read or written now: full, locked, unreachable. Trying again later may help."""


class WrongStore(StoreUnavailable):
    """The store is another one than this installation was set up with."""


# Returns the id of the store that an installation was set up with; "" if any will do. It is called once, when the
# store's own id is known.
Expected = Callable[[], str]


def any_store() -> str:
    return ""


def check_identity(found: str, expected: Expected) -> None:
    """Raises WrongStore."""
    wanted = expected()
    if wanted and wanted != found:
        raise WrongStore(
            "it is not the store that this installation was set up with: STORE_URL or DATABASE_URL names another one."
            " Give all machines the same addresses; if the store is to change, run"
            " `manage.py setup_cluster --accept store` once"
        )


class BlockKey(NamedTuple):
    """A range: entries first to last, both included, of a log's partition."""

    log: str
    partition: int
    first: int
    last: int


class BlockInfo(NamedTuple):
    """`bytes` is the size of the blob; a hit counts once, whatever its number of rows."""

    key: BlockKey
    context_id: str
    rows: int
    hits: int
    bytes: int


class SegmentInfo(NamedTuple):
    name: str
    bytes: int
    checksum: str  # of the whole content, hexadecimal


class VersionedBlob(NamedTuple):
    """The list of a generation's segments and what they cover; the store does not look into `data`."""

    generation: int
    version: int  # 1, then one more with each commit
    data: bytes


class ManifestChange(NamedTuple):
    """What becomes of a manifest: `expected` is its version, 0 if there is none; `data` None removes it."""

    expected: int
    data: bytes | None


class LiveChange(NamedTuple):
    """Which generation reports read from now on: `expected` is the one that they read so far. None: no generation."""

    expected: int | None
    generation: int | None


class Store(Protocol):
    @property
    def id(self) -> str:
        """32 hexadecimal digits, made with the store: a store that is deleted and made again has another id."""

    @property
    def owner(self) -> str:
        """The id of the database whose ledger says what was received into the store; "" if none was noted."""

    def set_owner(self, id: str) -> None:
        """Notes the owner, in the place of the one before."""

    # Raw blocks

    def put_block(self, key: BlockKey, context_id: str, blob: bytes) -> None:
        """Stores the raw block of a range.

        Again with the same bytes, or when the range is part of a merged block by now, is harmless. Other bytes,
        another context, or a range that overlaps another one raise Conflict; a damaged blob raises CorruptBlob.
        """

    def replace_blocks(self, keys: Sequence[BlockKey], merged: BlockKey, context_id: str, blob: bytes) -> None:
        """Puts one block in the place of several of one partition and one context, at once for every reader.

        `merged` spans the keys, and no other block lies in between; otherwise, or if one is gone, Conflict.
        Repeating it is harmless.
        """

    def blocks(self) -> list[BlockInfo]:
        """Returns all blocks, by log, partition and first offset. Cheap: called for each report."""

    def directory(self, key: BlockKey) -> Directory:
        """Returns what is in a block; for a key that was merged, what is in the merged block.

        Raises Missing, CorruptBlob.
        """

    def rows(self, keys: Sequence[BlockKey], property: int) -> pl.DataFrame:
        """Returns the RAW rows of a property out of blocks, in the order of the keys. Raises Missing, CorruptBlob.

        A key that was merged by now gives its own rows out of the merged block: a pinned view outlives a merge.
        """

    def blob(self, key: BlockKey) -> bytes:
        """Returns a block as it was put, for merging. Raises Missing, CorruptBlob."""

    def delete_blocks(self, keys: Sequence[BlockKey]) -> None:
        """Keys that are not there are passed over. `highest` stays."""

    def highest(self, log: str, partition: int) -> int | None:
        """Returns the last offset that was ever stored, of blocks deleted since as well."""

    # Contexts

    def put_context(self, id: str, data: bytes) -> None:
        """Again with the same bytes is harmless; with others raises Conflict."""

    def context(self, id: str) -> bytes:
        """Raises Missing, CorruptBlob."""

    def contexts(self) -> list[str]:
        """Returns the ids of all contexts, sorted."""

    # Segments

    def put_segment(self, name: str, sections: Mapping[str, pl.DataFrame | ColumnRows]) -> SegmentInfo:
        """Stores frames under names. Large rows are written column by column.

        Again with the same content is harmless; with other content raises Conflict.

        A segment's name has letters, digits, `-`, `_` and `.`, at most 120, and does not start with `.`; else
        ValueError.
        """

    def read(
        self, name: str, section: str, columns: Sequence[str] | None = None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        """Returns the columns of a section, in the order of `columns` (None: all). Other columns are not decoded.

        `rows`: the first row and how many at most; None: all.

        A section's checksum is verified when a process reads it first. Raises Missing (column included), CorruptBlob.
        """

    def column_bytes(self, name: str, section: str) -> Mapping[str, int]:
        """Returns about how much memory each column of a section needs; columns of small sections may be left out.

        Raises Missing, CorruptBlob.
        """

    def sections(self, name: str) -> list[str]:
        """Returns the names of a segment's sections, sorted. Raises Missing, CorruptBlob."""

    def delete_segment(self, name: str) -> None:
        """No error if it is not there."""

    def segments(self) -> list[str]:
        """Returns the names of all segments, sorted: what is in no manifest is an orphan."""

    # Manifests

    def manifest(self, property: int, generation: int | None = None) -> VersionedBlob | None:
        """That of a generation; None: of the live one. Raises CorruptBlob."""

    def commit(self, property: int, changes: Mapping[int, ManifestChange], live: LiveChange | None = None) -> None:
        """Writes manifests by generation, and makes another generation live: all of it at once for every reader.

        Conflict, and nothing is written, where a manifest or the live generation is not the expected one, and where
        the live generation is left without a manifest.
        """

    def live(self, property: int) -> int | None:
        """Returns the generation that reports read."""

    def pin(self, property: int) -> tuple[VersionedBlob | None, list[BlockInfo]]:
        """Returns the live manifest and all blocks as they were at one moment."""

    def generations(self, property: int) -> list[int]:
        """Returns the generations that have a manifest, sorted."""

    def properties(self) -> list[int]:
        """Returns the properties that have a manifest, sorted."""

    # Care

    def verify(self) -> Iterator[str]:
        """Reads everything that is stored and says what is damaged."""

    def scrub(self) -> None:
        """Makes what was deleted or replaced unreadable on the medium as well, as far as the store can.

        StoreUnavailable, where that has to wait for readers.
        """

    def size(self) -> dict[str, int]:
        """Bytes by kind: blocks, segments, manifests, contexts."""

    def close(self) -> None:
        """Frees what the process holds."""
