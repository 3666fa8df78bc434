"""Finds the visitors that a client id, a user id or a visitor key stands for, and counts their stored hits."""

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import polars as pl

from configuration.models import Property
from configuration.ruleset.context import UNKNOWN_PROPERTY
from configuration.visitor_secrets import installation_secret
from processing.ingest.visitor_keys import ByClientId, VisitorKeyFactory
from processing.schema import RAW
from processing.segments.manifest import RawPart, decode_manifest
from processing.segments.process_raw import is_erased
from processing.segments.raw_parts import read_raw
from processing.segments.tail import uncovered, waiting_hits
from processing.segments.view_cache import ViewCache
from processing.store.port import Missing, Store

IdKind = Literal["client_id", "user_id", "visitor"]
COOKIE_PREFIX: Final = "GA1."  # in the cookie `_ga`, this and a number come before the client id
KEYS_END: Final = 2**64
KEY: Final = re.compile("(0x)?[0-9A-Fa-f]{1,20}")
ATTEMPTS: Final = 3


class VisitorQuery(NamedTuple):
    """Names a person: `value` is a client id (or the cookie that holds it), a user id, or a visitor key as an export
    shows it, decimal or hexadecimal.
    """

    what: IdKind
    value: str


class InvalidVisitorKey(ValueError):
    """The text is not a visitor key."""


def find_visitors(store: Store, item: Property, query: VisitorQuery) -> list[int]:
    """Returns visitor keys, sorted: one for a client id, and for a user id those of all browsers that ever sent it.

    Raises InvalidVisitorKey.
    """
    if query.what == "client_id":
        key_factory = VisitorKeyFactory(installation_secret(), {}, {})
        return [key_factory.key(ByClientId(item.measurement_id, _client_id(query.value)))]
    if query.what == "visitor":
        return [read_key(query.value)]
    sent_it = (pl.col("uid") == query.value).fill_null(value=False)
    for_property = pl.col("rest").str.extract("(?:^|&)tid=([^&]*)").eq(item.measurement_id).fill_null(value=False)
    frames = (
        raw_rows(store, item.pk, sent_it, ["visitor"]),
        raw_rows(store, UNKNOWN_PROPERTY, sent_it & for_property, ["visitor"]),
    )
    return pl.concat([frame["visitor"] for frame in frames]).unique().sort().to_list()


def read_key(text: str) -> int:
    """Raises InvalidVisitorKey."""
    plain = text.strip()
    if KEY.fullmatch(plain):
        key = int(plain) if plain.isdecimal() else int(plain, 16)
        if 0 < key < KEYS_END:
            return key
    raise InvalidVisitorKey("A visitor key is a number from 1 to 18446744073709551615, or the same in hexadecimal.")


def stored_hits(views: ViewCache, property: int, visitors: Sequence[int]) -> int:
    """Counts the hits of these visitors, counted and rejected ones. Raises like `ViewCache.view`."""
    layer = views.of_visitors(property, pl.Series("visitor", visitors, dtype=pl.UInt64))
    frames = (layer.events, layer.duplicates, layer.rejected)
    return pl.concat([frame["position"] for frame in frames]).n_unique()


def all_stored_hits(views: ViewCache, property: int) -> int:
    """Counts the hits of a property, counted and rejected ones. Raises like `ViewCache.view`."""
    view = views.view(property)
    return view.counts().accepted + waiting_hits(views.store, property, view.waiting)


def raw_rows(store: Store, property: int, condition: pl.Expr, columns: Sequence[str] = tuple(RAW)) -> pl.DataFrame:
    """Reads the property's raw rows that meet the condition and are not erased.

    Starts again if segments were merged meanwhile. Raises CorruptBlob, Missing.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _raw_rows(store, property, condition, columns)
        except Missing:
            continue
    return _raw_rows(store, property, condition, columns)


def _raw_rows(store: Store, property: int, condition: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
    stored, blocks = store.pin(property)
    manifest = decode_manifest(stored.data) if stored else None
    if manifest and manifest.tombstones:
        condition = condition & ~is_erased(manifest.tombstones)
    frames = [_part_rows(store, part, condition, columns) for part in (manifest.raw if manifest else ())]
    unsealed = [block.key for block in uncovered(manifest, blocks) if property in store.directory(block.key)]
    if unsealed and not (manifest and manifest.deleted):
        frames.append(store.rows(unsealed, property).filter(condition).select(columns))
    return pl.concat([_no_rows(columns), *frames])


def _part_rows(store: Store, part: RawPart, condition: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
    """Reads the columns of the condition first, and the requested ones only if a row meets it."""
    needed = list(dict.fromkeys(condition.meta.root_names()))
    mask = read_raw(store, part, needed).select(condition).to_series()
    return read_raw(store, part, columns).filter(mask) if mask.any() else _no_rows(columns)


def _no_rows(columns: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={name: RAW[name] for name in columns})


def _client_id(text: str) -> str:
    """Takes the client id out of the cookie's value, `GA1.1.1234.5678` -> `1234.5678`. Keeps any other text."""
    plain = text.strip()
    return plain.split(".", 2)[2] if plain.startswith(COOKIE_PREFIX) and plain.count(".") > 2 else plain
