"""Copying a store into another one, of whatever kind, while nobody writes to either.

What is there already is passed over, so that a copy that was broken off goes on where it stopped. Manifests and the
pointers to the live ones come last: until then nothing of the copy is read.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from collection.progress import OnProgress, ignore_progress
from processing.store.port import BlockKey, Conflict, LiveChange, ManifestChange, Store, VersionedBlob
from processing.store.raw_block import encode_block

Partition = tuple[str, int]
T = TypeVar("T")

RAISED: Final = ""  # the context of the blocks that are only put to raise the highest offset


class StoredCounts(NamedTuple):
    contexts: int
    blocks: int
    segments: int
    manifests: int


class StoreCopy:
    """`partitions` of logs are those that may have had blocks, with or without some now."""

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
        """Of the source."""
        contexts, segments = self.source.contexts(), self.source.segments()
        return StoredCounts(len(contexts), len(self._blocks), len(segments), len(self._manifests))

    def run(self) -> None:
        """Raises Conflict where the target has something else, and what the stores raise."""
        self._copy_contexts()
        self._copy_blocks()
        self._copy_highest()
        self._copy_segments()
        for property in self._each("manifests", self.source.properties()):
            self._copy_manifests(property)

    def problems(self) -> Iterator[str]:
        """Reads both stores to the end, and says what differs. Damage of either is raised as CorruptBlob."""
        yield from _listed("contexts", self.source.contexts(), self.target.contexts())
        yield from _listed("blocks", self._blocks, self.target.blocks())
        yield from _listed("segments", self.source.segments(), self.target.segments())
        yield from _listed("properties", self.source.properties(), self.target.properties())
        for log, partition in sorted(self._partitions):
            if self.source.highest(log, partition) != self.target.highest(log, partition):
                yield f"highest offset of log {log}, partition {partition}"
        yield from (f"context {id} differs" for id in self._differing_contexts())
        yield from (f"raw block {key} differs" for key in self._differing_blocks())
        yield from (f"segment {name} differs" for name in self._differing_segments())
        yield from (f"manifests of property {number} differ" for number in self._differing_manifests())

    def _copy_contexts(self) -> None:
        there = set(self.target.contexts())
        for id in self._each("contexts", self.source.contexts()):
            if id not in there:
                self.target.put_context(id, self.source.context(id))

    def _copy_blocks(self) -> None:
        there = set(self.target.blocks())
        for block in self._each("raw blocks", self._blocks):
            if block not in there:
                self.target.put_block(block.key, block.context_id, self.source.blob(block.key))

    def _copy_highest(self) -> None:
        """A block of no rows that is deleted again raises the target's highest offset to that of the source."""
        for log, partition in sorted(self._partitions):
            wanted, there = (store.highest(log, partition) for store in (self.source, self.target))
            if wanted is not None and (there is None or there < wanted):
                self.target.put_block(BlockKey(log, partition, wanted, wanted), RAISED, encode_block({}))
        raised = [block.key for block in self.target.blocks() if block.context_id == RAISED]
        if raised:
            self.target.delete_blocks(raised)

    def _copy_segments(self) -> None:
        there = set(self.target.segments())
        for name in self._each("segments", self.source.segments()):
            if name not in there:
                frames = {section: self.source.read(name, section) for section in self.source.sections(name)}
                self.target.put_segment(name, frames)

    def _copy_manifests(self, property: int) -> None:
        """All of a property in one commit."""
        wanted, there = _manifests(self.source, property), _manifests(self.target, property)
        live, live_there = self.source.live(property), self.target.live(property)
        if (_contents(wanted), live) == (_contents(there), live_there):
            return
        if there or live_there is not None:
            raise Conflict(f"property {property} has other manifests in the target")
        changes = {number: ManifestChange(0, manifest.data) for number, manifest in wanted.items()}
        self.target.commit(property, changes, LiveChange(None, live))

    def _differing_contexts(self) -> Iterator[str]:
        there = set(self.target.contexts())
        for id in self._each("contexts compared", self.source.contexts()):
            if id in there and self.source.context(id) != self.target.context(id):
                yield id

    def _differing_blocks(self) -> Iterator[BlockKey]:
        there = {block.key for block in self.target.blocks()}
        for block in self._each("raw blocks compared", self._blocks):
            if block.key in there and self.source.blob(block.key) != self.target.blob(block.key):
                yield block.key

    def _differing_segments(self) -> Iterator[str]:
        there = set(self.target.segments())
        for name in self._each("segments compared", self.source.segments()):
            if name in there and not self._is_same_segment(name):
                yield name

    def _is_same_segment(self, name: str) -> bool:
        sections = self.source.sections(name)
        return sections == self.target.sections(name) and all(
            self.source.read(name, section).equals(self.target.read(name, section)) for section in sections
        )

    def _differing_manifests(self) -> Iterator[int]:
        for property in self.source.properties():
            wanted, there = (_contents(_manifests(store, property)) for store in (self.source, self.target))
            if wanted != there or self.source.live(property) != self.target.live(property):
                yield property

    def _each(self, subject: str, things: Collection[T]) -> Iterator[T]:
        for number, thing in enumerate(things):
            self._on_progress(subject, number, len(things))
            yield thing


def _manifests(store: Store, property: int) -> dict[int, VersionedBlob]:
    found = ((number, store.manifest(property, number)) for number in store.generations(property))
    return {number: manifest for number, manifest in found if manifest}


def _contents(manifests: dict[int, VersionedBlob]) -> dict[int, bytes]:
    """Versions count the commits of one store; they are not copied."""
    return {number: manifest.data for number, manifest in manifests.items()}


def _listed(subject: str, wanted: Iterable[object], there: Iterable[object]) -> Iterator[str]:
    missing, more = set(wanted) - set(there), set(there) - set(wanted)
    yield from [f"{len(missing)} {subject} are missing"] if missing else []
    yield from [f"{len(more)} {subject} are in the target only"] if more else []
