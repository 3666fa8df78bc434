"""Copies a store into another one of any kind, while no process writes to either.

What the target has already is skipped, so that an interrupted copy continues where it stopped. Manifests and live
generations come last: until then nothing of the copy is read.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from collection.progress import OnProgress, ignore_progress
from processing.store.port import BlockKey, Conflict, LiveChange, ManifestChange, Store
from processing.store.raw_block import encode_block

Partition = tuple[str, int]
T = TypeVar("T")

RAISED: Final = ""  # context of blocks that are put only to raise the highest offset


class StoredCounts(NamedTuple):
    contexts: int
    blocks: int
    segments: int
    manifests: int


class StoreCopy:
    """Copies and compares. `partitions` of logs are those that may have had blocks, even if they have none now."""

    def __init__(
        self,
        source: Store,
        target: Store,
        partitions: Collection[Partition] = (),
        on_progress: OnProgress = ignore_progress,
    ) -> None:
        self.source, self.target, self._on_progress = source, target, on_progress
        self._blocks = source.blocks()
        self._partitions = {*partitions, *(block.key[:2] for block in self._blocks)}
        self._manifests = [(p, number) for p in source.properties() for number in source.generations(p)]

    def counts(self) -> StoredCounts:
        """Counts what the source has."""
        contexts, segments = self.source.contexts(), self.source.segments()
        return StoredCounts(len(contexts), len(self._blocks), len(segments), len(self._manifests))

    def run(self) -> None:
        """Raises Conflict if the target has something else, and what the stores raise."""
        self._copy_contexts()
        self._copy_blocks()
        self._copy_highest()
        self._copy_segments()
        for property in self._counting("manifests", self.source.properties()):
            self._copy_manifests(property)

    def problems(self) -> Iterator[str]:
        """Reads both stores to the end, and yields what differs. Raises CorruptBlob if one of them is damaged."""
        yield from _compare("contexts", self.source.contexts(), self.target.contexts())
        yield from _compare("blocks", self._blocks, self.target.blocks())
        yield from _compare("segments", self.source.segments(), self.target.segments())
        yield from _compare("properties", self.source.properties(), self.target.properties())
        for log, partition in sorted(self._partitions):
            if self.source.highest(log, partition) != self.target.highest(log, partition):
                yield f"highest offset of log {log}, partition {partition}"
        yield from (f"context {id} differs" for id in self._differing_contexts())
        yield from (f"raw block {key} differs" for key in self._differing_blocks())
        yield from (f"segment {name} differs" for name in self._differing_segments())
        yield from (f"manifests of property {number} differ" for number in self._differing_manifests())

    def _copy_contexts(self) -> None:
        existing = set(self.target.contexts())
        for id in self._counting("contexts", self.source.contexts()):
            if id not in existing:
                self.target.put_context(id, self.source.context(id))

    def _copy_blocks(self) -> None:
        existing = set(self.target.blocks())
        for block in self._counting("raw blocks", self._blocks):
            if block not in existing:
                self.target.put_block(block.key, block.context_id, self.source.blob(block.key))

    def _copy_highest(self) -> None:
        """Raises the target's highest offsets to those of the source, by empty blocks that are deleted again."""
        for log, partition in sorted(self._partitions):
            expected, existing = (store.highest(log, partition) for store in (self.source, self.target))
            if expected is not None and (existing is None or existing < expected):
                self.target.put_block(BlockKey(log, partition, expected, expected), RAISED, encode_block({}))
        raised = [block.key for block in self.target.blocks() if block.context_id == RAISED]
        if raised:
            self.target.delete_blocks(raised)

    def _copy_segments(self) -> None:
        existing = set(self.target.segments())
        for name in self._counting("segments", self.source.segments()):
            if name not in existing:
                frames = {section: self.source.read(name, section) for section in self.source.sections(name)}
                self.target.put_segment(name, frames)

    def _copy_manifests(self, property: int) -> None:
        """Copies all generations of a property in one commit. Versions are not copied: each store counts its own."""
        manifests, existing = _manifests(self.source, property), _manifests(self.target, property)
        live, existing_live = self.source.live(property), self.target.live(property)
        if (manifests, live) == (existing, existing_live):
            return
        if existing or existing_live is not None:
            raise Conflict(f"property {property} has other manifests in the target")
        changes = {generation: ManifestChange(0, data) for generation, data in manifests.items()}
        self.target.commit(property, changes, LiveChange(None, live))

    def _differing_contexts(self) -> Iterator[str]:
        existing = set(self.target.contexts())
        for id in self._counting("contexts compared", self.source.contexts()):
            if id in existing and self.source.context(id) != self.target.context(id):
                yield id

    def _differing_blocks(self) -> Iterator[BlockKey]:
        existing = {block.key for block in self.target.blocks()}
        for block in self._counting("raw blocks compared", self._blocks):
            if block.key in existing and self.source.blob(block.key) != self.target.blob(block.key):
                yield block.key

    def _differing_segments(self) -> Iterator[str]:
        existing = set(self.target.segments())
        for name in self._counting("segments compared", self.source.segments()):
            if name in existing and not self._is_same_segment(name):
                yield name

    def _is_same_segment(self, name: str) -> bool:
        sections = self.source.sections(name)
        return sections == self.target.sections(name) and all(
            self.source.read(name, section).equals(self.target.read(name, section)) for section in sections
        )

    def _differing_manifests(self) -> Iterator[int]:
        for property in self.source.properties():
            is_same = _manifests(self.source, property) == _manifests(self.target, property)
            if not is_same or self.source.live(property) != self.target.live(property):
                yield property

    def _counting(self, subject: str, things: Collection[T]) -> Iterator[T]:
        """Yields the things, and reports each as progress."""
        for number, thing in enumerate(things):
            self._on_progress(subject, number, len(things))
            yield thing


def _manifests(store: Store, property: int) -> dict[int, bytes]:
    """Returns the content of the property's manifests by generation."""
    stored = ((generation, store.manifest(property, generation)) for generation in store.generations(property))
    return {generation: manifest.data for generation, manifest in stored if manifest}


def _compare(subject: str, source: Iterable[object], target: Iterable[object]) -> Iterator[str]:
    missing, extra = set(source) - set(target), set(target) - set(source)
    yield from [f"{len(missing)} {subject} are missing"] if missing else []
    yield from [f"{len(extra)} {subject} are in the target only"] if extra else []
