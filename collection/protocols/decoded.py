"""The record of a protocol, what its decoder returns, and how parameters are written as text."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from collection.hit import RawHit

REST: Final = "rest"
CACHED_CHARACTERS: Final = 512


class Decoded(msgspec.Struct, gc=False):
    """The parameters of a hit.

    `events`: one entry per event, at least one. An entry has the parameters that are among the protocol's `parameters`,
    decoded, and under `REST` all other and repeated ones, urlencoded as sent, their names in the shortest encoding.
    `client_id`, `client_session`, `hit_id`: "" if the client sent none. `created`: the tracker's clock, ms since 1970.
    `address`, `user_agent`: if not None, the visitor's, which replace the sender's.
    `error`: why the hit cannot be decoded; its content is then under `REST`.
    """

    events: list[dict[str, str]]
    measurement_id: str = ""
    client_id: str = ""
    client_session: str = ""
    hit_id: str = ""
    created: int | None = None
    address: str | None = None
    user_agent: str | None = None
    error: str | None = None


class Protocol(msgspec.Struct, frozen=True):
    """The way in which a kind of client writes its events into a hit. PROTOCOLS lists all of them.

    `path`: requests whose address ends with it are hits of this protocol; None if hits are only imported.
    `is_server_log`: a hit is one request that a web server recorded. The visitor is known by address and user agent
    only, and the host comes from the property.
    `has_engagement_signals`: clients report how long a page was in the foreground.
    """

    name: str  # stored with every hit, so it never changes
    decode: Callable[[RawHit], Decoded]
    parameters: frozenset[str]  # have columns of their own in schema.RAW
    path: str | None = None
    is_server_log: bool = False
    has_engagement_signals: bool = False


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def unquoted(text: str) -> str:
    """Decodes a urlencoded text. Never raises: bytes that are not UTF-8 become U+FFFD."""
    if "%" not in text and "+" not in text:
        return text
    return _unquoted(text) if len(text) <= CACHED_CHARACTERS else unquote_plus(text, errors="replace")


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Urlencodes names and values: `a=1&b=x+y`."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in items)


@lru_cache(16_384)
def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="replace")
