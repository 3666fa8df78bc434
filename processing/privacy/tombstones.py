"""What erasing does to a store: a tombstone hides a visitor at once, the removal takes its rows out of all segments of
the property, and raw blocks lose them last. A property that is deleted leaves a book that only counts.

Every function can be repeated; a crash between two of them leaves nothing visible that was erased.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec

from configuration.ruleset.ruleset import PropertySettings
from processing.reprocessing.generations import remove_generation
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.exclusion import hidden_visitors
from processing.segments.manifest import Manifest, Tombstone, decode_manifest, empty_manifest
from processing.segments.process_raw import is_erased
from processing.segments.remove_rows import remove_rows
from processing.segments.seal import seal
from processing.segments.tail import new_manifest
from processing.segments.writer import commit
from processing.store import raw_block as block
from processing.store.port import BlockInfo, Conflict, Store, VersionedBlob

ROUNDS: Final = 20
CONDITION: Final = ("position", "visitor", "received_us")


def erase(store: Store, property: int, visitors: Collection[int], until_us: int, settings: PropertySettings) -> None:
    """Hides what the visitors sent up to `until_us`, at once and for every reader; what still comes of it is dropped.

    `settings` are for a property that has no hits yet. Raises Conflict where others were quicker too often.
    """

    def with_tombstones(book: Manifest) -> Manifest:
        return (
            book if book.deleted else msgspec.structs.replace(book, erased=_together(book.erased, visitors, until_us))
        )

    _change(store, property, with_tombstones, settings)


def delete(store: Store, property: int) -> None:
    """The property's hits and reports go; a book stays that knows how many hits there were, and drops what still
    comes. Raises Conflict.
    """
    _change(store, property, _bare, PropertySettings())
    _remove_other_generations(store, property)
    seal(store, ColumnCache(store, ONCE_BYTES), property)


def remove_erased(store: Store, property: int) -> int:
    """Takes the hidden rows out of all that the property has. Returns how many hits that were.

    Nothing else may seal or keep up the property meanwhile. Raises Conflict where somebody did.
    """
    _remove_other_generations(store, property)
    seal(store, ColumnCache(store, ONCE_BYTES), property)
    manifest = store.manifest(property)
    book = decode_manifest(manifest.data) if manifest else None
    if book is None or not book.hidden():
        return 0
    new = _removed(store, property, book)
    commit(store, property, manifest, new)
    return new.erased_hits - book.erased_hits


def expire_tombstones(store: Store, property: int, before_us: int) -> None:
    """Lets go of the tombstones of rows that are removed, and that nothing can bring back: received before then."""

    def with_fewer(book: Manifest) -> Manifest:
        kept = tuple(each for each in book.erased if not each.removed or each.until_us >= before_us)
        return msgspec.structs.replace(book, erased=kept)

    _change(store, property, with_fewer)


def clean_blocks(store: Store, property: int) -> bool:
    """Writes raw blocks without what is erased. False while there are some that the property's segments do not cover:
    seal it, then do this again.

    Nothing else may replace blocks meanwhile. Raises CorruptBlob, Missing.
    """
    manifest = store.manifest(property)
    book = decode_manifest(manifest.data) if manifest else None
    if book is None or not (book.erased or book.deleted):
        return True
    holding = [info for info in store.blocks() if property in store.directory(info.key)]
    found = [info for info in holding if book.deleted or _holds(store, info, property, book.erased)]
    for info in found:
        if book.covers(info.key):
            store.replace_blocks([info.key], info.key, info.context_id, _cleaned(store, info, property, book))
    return all(book.covers(info.key) for info in found)


def segments_of(property: int, names: Iterable[str]) -> list[str]:
    """Those that were written for the property."""
    return [name for name in names if name.startswith(f"{property}-")]


def _change(
    store: Store, property: int, changed: Callable[[Manifest], Manifest], settings: PropertySettings | None = None
) -> None:
    """Commits what becomes of the live book, however quickly others seal. Without `settings` it must exist."""
    for _ in range(ROUNDS):
        manifest, blocks = store.pin(property)
        book = _opened(store, property, manifest, blocks, settings)
        if book is None or (new := changed(book)) == book:
            return None
        try:
            return commit(store, property, manifest, new)
        except Conflict:
            continue
    raise Conflict(f"property {property} is being sealed faster than anything else can be noted in it")


def _opened(
    store: Store,
    property: int,
    manifest: VersionedBlob | None,
    blocks: list[BlockInfo],
    settings: PropertySettings | None,
) -> Manifest | None:
    if manifest:
        return decode_manifest(manifest.data)
    if settings and any(property in store.directory(info.key) for info in blocks):
        return new_manifest(store, property, blocks)
    return empty_manifest(settings) if settings else None


def _together(erased: Collection[Tombstone], visitors: Collection[int], until_us: int) -> tuple[Tombstone, ...]:
    known = {each.visitor: each for each in erased}
    late = {visitor for visitor in visitors if visitor not in known or known[visitor].until_us < until_us}
    return tuple(
        sorted({**known, **{visitor: Tombstone(visitor, until_us) for visitor in late}}.values(), key=_visitor)
    )


def _visitor(erased: Tombstone) -> int:
    return erased.visitor


def _bare(book: Manifest) -> Manifest:
    if book.deleted:
        return book
    erased_hits = book.accepted + book.erased_hits
    bare = Manifest(book.zone, book.timeout_ms, covered=book.covered)
    return msgspec.structs.replace(bare, erased_hits=erased_hits, deleted=True)


def _removed(store: Store, property: int, book: Manifest) -> Manifest:
    hidden = book.hidden()
    new = remove_rows(store, property, book, is_erased(hidden), hidden_visitors(hidden))
    return msgspec.structs.replace(
        new,
        erased=tuple(msgspec.structs.replace(each, removed=True) for each in book.erased),
        erased_hits=book.erased_hits + book.accepted - new.accepted,
    )


def _remove_other_generations(store: Store, property: int) -> None:
    """There is no way back past an erasure."""
    for generation in set(store.generations(property)) - {store.live(property)}:
        remove_generation(store, property, generation)


def _holds(store: Store, info: BlockInfo, property: int, erased: tuple[Tombstone, ...]) -> bool:
    rows = store.rows([info.key], property).select(*CONDITION)
    return not rows.filter(is_erased(erased)).is_empty()


def _cleaned(store: Store, info: BlockInfo, property: int, book: Manifest) -> bytes:
    blob = store.blob(info.key)
    if book.deleted:
        return block.merge([blob], without=[property])
    return block.without_rows(blob, property, is_erased(book.erased))
