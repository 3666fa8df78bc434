"""Rows are taken out of a book's segments as if they had never come: for good, and at once."""

from collections.abc import Mapping
from typing import Final

import msgspec
import polars as pl

from processing.book import NO_CARRY, Book, Place, RawPart, Shelf
from processing.columns import Columns
from processing.raw_parts import read_raw
from processing.schema import EVENTS, REJECTED
from processing.seal import (
    Sections,
    carry_sections,
    has_carry,
    layer_place,
    read_layer,
    section_prefix,
    segment_name,
    write_changes,
)
from processing.sealed import Sealed
from processing.segments import Arrivals, Layer, fold, refusals
from processing.sessions import Carry
from processing.store.port import Store
from processing.timeline import advance
from processing.view import hits

CACHE_BYTES: Final = 32 * 2**20
CONDITION_COLUMNS: Final = ("position", "visitor", "received_us")


def remove_rows(store: Store, property: int, book: Book, gone: pl.Expr) -> Book:
    """The book without the rows for which `gone` holds, an expression on position, visitor, received_us.

    What is left of the visitors that lose rows is built anew. Segments without such rows are not written again.
    """
    segment = segment_name(property, "removed")
    sections: Sections = {}
    periods, left = dict(book.periods), Arrivals(pl.DataFrame(schema=EVENTS), pl.DataFrame(schema=REJECTED))
    visitors = _visitors(store, book, gone)
    for key, shelf in book.periods.items():
        layer = fold([read_layer(store, place) for place in shelf.layers])
        if _has(layer, visitors) or _carries(Sealed(book, Columns(store, CACHE_BYTES)).carry(key), visitors):
            kept, rest = _split(layer, visitors, gone)
            left = Arrivals(*(pl.concat(pair) for pair in zip(left, rest, strict=True)))
            periods[key] = _written(book, store, key, shelf, layer, kept, visitors, segment, sections)
    raw = [_raw_part(store, part, gone, segment, sections) for part in book.raw]
    if sections:
        store.put_segment(segment, sections)
    periods = {key: shelf for key, shelf in periods.items() if shelf.layers}
    return _rebuilt(store, property, book, periods, [part for part in raw if part], left)


def _rebuilt(
    store: Store, property: int, book: Book, periods: dict[str, Shelf], raw: list[RawPart], left: Arrivals
) -> Book:
    bare = msgspec.structs.replace(book, periods=periods, raw=tuple(raw))
    if left.events.height or left.rejected.height:
        sealed = Sealed(bare, Columns(store, CACHE_BYTES))
        bare = write_changes(property, sealed, advance(sealed, left), pl.Series("time", [], dtype=pl.Int64))
    return msgspec.structs.replace(bare, accepted=bare.counted() + sum(bare.rejected().values()))


def _visitors(store: Store, book: Book, gone: pl.Expr) -> pl.Series:
    """Those that lose rows. All of theirs are built anew, since an open session does not say which rows made it."""
    found = [pl.Series("visitor", [], dtype=pl.UInt64)]
    sealed = Sealed(book, Columns(store, CACHE_BYTES))
    for key in book.periods:
        for section in ("events", "duplicates", "rejected"):
            rows = sealed.visible(key, section, list(CONDITION_COLUMNS))
            found.append(rows.filter(gone)["visitor"])
    return pl.concat(found).unique().sort()


def _has(layer: Layer, visitors: pl.Series) -> bool:
    wanted = pl.col("visitor").is_in(visitors.implode())
    return any(not frame.filter(wanted).is_empty() for frame in layer[1:])


def _carries(carry: Carry, visitors: pl.Series) -> bool:
    wanted = pl.col("visitor").is_in(visitors.implode())
    return any(not frame.filter(wanted).is_empty() for frame in carry)


def _split(layer: Layer, visitors: pl.Series, gone: pl.Expr) -> tuple[Layer, Arrivals]:
    """The layer without the visitors, and the rows of theirs that stay."""
    wanted = pl.col("visitor").is_in(visitors.implode())
    kept = Layer(
        layer.visitors.filter(~layer.visitors.is_in(visitors.implode())),
        *(frame.filter(~wanted) for frame in layer[1:]),
    )
    events = [layer.events.select(*EVENTS), layer.duplicates]
    rest = pl.concat([frame.filter(wanted & ~gone) for frame in events])
    return kept, Arrivals(rest, layer.rejected.filter(wanted & ~gone).select(*REJECTED))


def _written(
    book: Book, store: Store, key: str, shelf: Shelf, before: Layer, layer: Layer, visitors: pl.Series, segment: str,
    sections: Sections,
) -> Shelf:  # fmt: skip
    carry = _without(Sealed(book, Columns(store, CACHE_BYTES)).carry(key), visitors)
    prefix = section_prefix(key)
    sections |= carry_sections(prefix, carry)
    place = layer_place(segment, prefix, layer, sections, lowest=True)
    lost = _less(shelf.rejected, refusals(before), refusals(layer))
    return Shelf(
        (place,) if layer.visitors.len() or place.rows else (),
        place if has_carry(carry) else NO_CARRY,
        shelf.counted - hits(before.events) + hits(layer.events),
        lost,
        shelf.events - before.events.height + layer.events.height,
        shelf.dropped,
    )


def _less(all_of_them: Mapping[str, int], before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    sums = {reason: number - before.get(reason, 0) + after.get(reason, 0) for reason, number in all_of_them.items()}
    return {reason: number for reason, number in sums.items() if number}


def _without(carry: Carry, visitors: pl.Series) -> Carry:
    return Carry(*(frame.filter(~pl.col("visitor").is_in(visitors.implode())) for frame in carry))


def _raw_part(store: Store, part: RawPart, gone: pl.Expr, segment: str, sections: Sections) -> RawPart | None:
    """The part as it is, if it has no such rows; without them; or None, if it has no others."""
    if read_raw(store, part, CONDITION_COLUMNS).filter(gone).is_empty():
        return part
    rows = read_raw(store, part).filter(~gone)
    if rows.is_empty():
        return None
    sections[f"{part.place.prefix}{len(sections)}_rows"] = rows
    place = Place(segment, f"{part.place.prefix}{len(sections) - 1}_", rows.height)
    return msgspec.structs.replace(part, place=place)
