"""Which visitors somebody means who knows a client id, a user id or a key, and how much is stored of them."""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import polars as pl

from configuration.models import Property
from configuration.ruleset.context import UNKNOWN_PROPERTY
from configuration.visitor_secrets import installation_secret
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.schema import RAW
from processing.segments.manifest import RawPart, decode_manifest
from processing.segments.process_raw import is_erased
from processing.segments.raw_parts import read_raw
from processing.segments.read_view import ReadView
from processing.segments.tail import uncovered
from processing.store.port import Missing, Store

What = Literal["client_id", "user_id", "visitor"]
COOKIE: Final = "GA1."  # what stands before the client id in the cookie `_ga`, and a number
MOST: Final = 2**64
KEY: Final = re.compile("(0x)?[0-9A-Fa-f]{1,20}")
ATTEMPTS: Final = 3


class VisitorQuery(NamedTuple):
    """How a person is named: `value` is a client id (or the cookie that holds it), a user id, or a key as shown in an
    export, decimal or hexadecimal.
    """

    what: What
    value: str


class InvalidVisitorKey(ValueError):
    """The text is no visitor key."""


def find_visitors(store: Store, item: Property, sought: VisitorQuery) -> list[int]:
    """The keys, sorted. A client id always has one; a user id has those of all browsers that ever sent it.

    Raises NotAKey.
    """
    if sought.what == "client_id":
        return [
            VisitorKeyFactory(installation_secret(), {}, {}).by_client_id(item.measurement_id, _client_id(sought.value))
        ]
    if sought.what == "visitor":
        return [read_key(sought.value)]
    sent = (pl.col("uid") == sought.value).fill_null(value=False)
    named = pl.col("rest").str.extract("(?:^|&)tid=([^&]*)").eq(item.measurement_id).fill_null(value=False)
    places = ((item.pk, sent), (UNKNOWN_PROPERTY, sent & named))
    found = [raw_rows(store, property, wanted, ["visitor"])["visitor"] for property, wanted in places]
    return pl.concat(found).unique().sort().to_list()


def read_key(text: str) -> int:
    """Raises NotAKey."""
    plain = text.strip()
    if KEY.fullmatch(plain):
        key = int(plain) if plain.isdecimal() else int(plain, 16)
        if 0 < key < MOST:
            return key
    raise InvalidVisitorKey("A visitor key is a number from 1 to 18446744073709551615, or the same in hexadecimal.")


def stored_hits(view: ReadView, visitors: Sequence[int]) -> int:
    """How many hits of these visitors are in reports or among the rejected ones."""
    layer = view.of_visitors(pl.Series("visitor", visitors, dtype=pl.UInt64))
    frames = (layer.events, layer.duplicates, layer.rejected)
    return pl.concat([frame["position"] for frame in frames]).n_unique()


def raw_rows(store: Store, property: int, wanted: pl.Expr, columns: Sequence[str] = tuple(RAW)) -> pl.DataFrame:
    """The columns of those raw rows of the property for which `wanted` holds and that are not erased.

    Segments that were merged meanwhile are looked for again. Raises CorruptBlob, Missing.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _raw_rows(store, property, wanted, columns)
        except Missing:
            continue
    return _raw_rows(store, property, wanted, columns)


def _raw_rows(store: Store, property: int, wanted: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
    manifest, blocks = store.pin(property)
    book = decode_manifest(manifest.data) if manifest else None
    condition = wanted & ~is_erased(book.erased) if book and book.erased else wanted
    parts = [_of_part(store, part, condition, columns) for part in (book.raw if book else ())]
    left = [block.key for block in uncovered(book, blocks) if property in store.directory(block.key)]
    if left and not (book and book.deleted):
        parts.append(store.rows(left, property).filter(condition).select(columns))
    return pl.concat([_none(columns), *parts])


def _of_part(store: Store, part: RawPart, condition: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
    """Decides on the few columns that the condition needs before it reads the others."""
    needed = list(dict.fromkeys(condition.meta.root_names()))
    mask = read_raw(store, part, needed).select(condition).to_series()
    return read_raw(store, part, columns).filter(mask) if mask.any() else _none(columns)


def _none(columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={name: RAW[name] for name in columns})


def _client_id(text: str) -> str:
    """Out of the cookie's value, `GA1.1.1234.5678`, or as it is."""
    plain = text.strip()
    return plain.split(".", 2)[2] if plain.startswith(COOKIE) and plain.count(".") > 2 else plain
