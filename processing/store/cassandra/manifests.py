"""Manifests and live generations on Cassandra: one partition for each property, moved by conditional batches."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar
from zlib import crc32

from processing.store.cassandra.cells import Gone, Id, new_id
from processing.store.cassandra.documents import Documents, StoredDocument
from processing.store.cassandra.layout import COMMITS_KEPT
from processing.store.cassandra.session import CassandraSession, Statement, UnknownOutcome
from processing.store.port import Conflict, CorruptBlob, LiveChange, ManifestChange, StoreUnavailable, VersionedBlob

ATTEMPTS: Final = 10
NONE_LIVE: Final = -1  # a null would leave a tombstone with each commit

_READ: Final = (
    "SELECT generation, version, id, cells, bytes, digest, state, live, crc, commits FROM manifests WHERE property = ?"
)
_MOVE: Final = "UPDATE manifests SET state = ?, live = ?, crc = ?, commits = ? WHERE property = ? IF state = ?"
_WRITE: Final = (
    "UPDATE manifests SET version = ?, id = ?, cells = ?, bytes = ?, digest = ? WHERE property = ? AND generation = ?"
)
_REMOVE: Final = "DELETE FROM manifests WHERE property = ? AND generation = ?"
_ALL: Final = "SELECT property, bytes, id FROM manifests"

T = TypeVar("T")


class ManifestRow(NamedTuple):
    version: int
    document: StoredDocument


class ManifestState(NamedTuple):
    """All of a property at one moment; `number` grows with each commit, 0: there has been none. `commits` are the
    last ones: by them a writer that was cut off knows whether its own is among them.
    """

    number: int
    live: int | None
    commits: tuple[Id, ...]
    rows: dict[int, ManifestRow]


class _Commit(NamedTuple):
    id: Id
    live: int | None
    removed: list[int]
    written: dict[int, ManifestRow]


class CassandraManifests:
    def __init__(self, session: CassandraSession, documents: Documents) -> None:
        self._session, self._documents = session, documents

    def state(self, property: int, *, serial: bool = False) -> ManifestState:
        """One short read of one partition. Raises CorruptBlob."""
        rows = self._session.run(_READ, (property,), serial=serial)
        if not rows:
            return ManifestState(0, None, (), {})
        number, live, crc, commits = rows[0][6:]
        if _crc(property, number, live) != crc:
            raise CorruptBlob(f"live generation of property {property}")
        found = {row[0]: _row(row) for row in rows if row[1] is not None}
        return ManifestState(number, None if live == NONE_LIVE else live, tuple(map(bytes, commits)), found)

    def manifest(self, property: int, generation: int | None, *, uncached: bool = False) -> VersionedBlob | None:
        """`uncached`: as it is in the cluster."""
        return self.reading(property, lambda state: self.of(property, state, generation, uncached=uncached))

    def of(
        self, property: int, state: ManifestState, generation: int | None = None, *, uncached: bool = False
    ) -> VersionedBlob | None:
        """Returns the manifest of a generation (None: the live one) in a state. Raises CorruptBlob, Gone."""
        number = state.live if generation is None else generation
        if number is None or number not in state.rows:
            return None
        version, document = state.rows[number]
        return VersionedBlob(
            number, version, self._documents.read(_name(property, number, version), document, uncached=uncached)
        )

    def reading(self, property: int, read: Callable[[ManifestState], T]) -> T:
        """Reads in a state; again where what it names was replaced meanwhile."""
        state = self.state(property)
        for _ in range(ATTEMPTS):
            try:
                return read(state)
            except Gone:
                before, state = state, self.state(property)
                if state.number == before.number:
                    raise CorruptBlob(f"manifest of property {property}: its content is missing") from None
        raise StoreUnavailable(f"the manifest of property {property} moves more quickly than it is read")

    def commit(self, property: int, changes: Mapping[int, ManifestChange], live: LiveChange | None) -> None:
        id = new_id()
        commit: _Commit | None = None
        replaced: dict[int, ManifestRow] = {}
        for _ in range(ATTEMPTS):
            state = self.state(property, serial=True)
            if id in state.commits:  # an attempt whose outcome was not known
                return self._delete_contents(replaced)
            try:
                pointer = _checked(property, state, changes, live)
            except Conflict:
                self._delete_contents(commit.written if commit else {})
                raise
            replaced = {number: row for number, row in state.rows.items() if number in changes}
            commit = commit or self._prepared(property, changes, pointer, id)
            if self._swap(property, state, commit):
                return self._delete_contents(replaced)
        raise StoreUnavailable(f"the manifests of property {property} are changed by too many at once")

    def properties(self) -> list[int]:
        return sorted({property for property, _, _ in self._listed()})

    def size(self) -> int:
        return sum(size for _, size, _ in self._listed())

    def used(self) -> set[Id]:
        """Returns the ids of the content that rows name."""
        return {id for _, _, id in self._listed()}

    def verify(self) -> Iterator[str]:
        for property in self.properties():
            try:
                for generation in self.state(property).rows:
                    yield from self._problem(property, generation)
            except CorruptBlob as error:
                yield str(error)

    def _problem(self, property: int, generation: int) -> Iterator[str]:
        try:
            self.manifest(property, generation, uncached=True)
        except CorruptBlob as error:
            yield str(error)

    def _prepared(self, property: int, changes: Mapping[int, ManifestChange], live: int | None, id: Id) -> _Commit:
        written = {
            number: ManifestRow(change.expected + 1, self._written(property, number, change.expected + 1, change.data))
            for number, change in changes.items()
            if change.data is not None
        }
        return _Commit(id, live, [number for number in changes if number not in written], written)

    def _written(self, property: int, generation: int, version: int, data: bytes) -> StoredDocument:
        return self._documents.write(_name(property, generation, version), data)

    def _swap(self, property: int, state: ManifestState, commit: _Commit) -> bool:
        number, live = state.number + 1, NONE_LIVE if commit.live is None else commit.live
        commits = [*state.commits, commit.id][-COMMITS_KEPT:]
        head = (number, live, _crc(property, number, live), commits, property, state.number or None)
        statements: list[Statement] = [(_MOVE, head)]
        statements += [(_REMOVE, (property, generation)) for generation in commit.removed]
        for generation, row in commit.written.items():
            statements.append((_WRITE, (row.version, *row.document, property, generation)))
        try:
            return self._session.swap(statements)
        except UnknownOutcome:
            return False  # the next round looks for it among the commits

    def _listed(self) -> list[tuple[int, int, Id]]:
        return [(property, size, bytes(id)) for property, size, id in self._session.run(_ALL) if id is not None]

    def _delete_contents(self, rows: Mapping[int, ManifestRow]) -> None:
        self._documents.delete(row.document for row in rows.values())


def _checked(
    property: int, state: ManifestState, changes: Mapping[int, ManifestChange], live: LiveChange | None
) -> int | None:
    """Returns the live generation after a commit. Raises Conflict."""
    for number, change in changes.items():
        if (state.rows[number].version if number in state.rows else 0) != change.expected:
            raise Conflict(f"manifest of property {property}, generation {number} moved")
    if live and live.expected != state.live:
        raise Conflict(f"generation {live.expected} of property {property} is not live")
    pointer = live.generation if live else state.live
    kept = state.rows.keys() - changes.keys() | {
        number for number, change in changes.items() if change.data is not None
    }
    if pointer is not None and pointer not in kept:
        raise Conflict(f"generation {pointer} of property {property} would be live without a manifest")
    return pointer


def _row(row: tuple[Any, ...]) -> ManifestRow:
    _, version, id, cells, size, digest = row[:6]
    return ManifestRow(version, StoredDocument(bytes(id), cells, size, bytes(digest)))


def _crc(property: int, number: int, live: int) -> int:
    return crc32(repr((property, number, live)).encode())


def _name(property: int, generation: int, version: int) -> str:
    return f"manifest of property {property}, generation {generation}, version {version}"
