"""The record of a protocol, what its decoder returns, and how parameters are written as text."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from collection.hit import RawHit

REST: Final = "rest"
LONGEST_REMEMBERED: Final = 512


class Decoded(msgspec.Struct, gc=False):
    """The parameters of a hit.

    `events` has one entry for each event, at least one: the parameters that the protocol's `PARAMETERS` name, decoded,
    and under `REST` all others and repeated ones, urlencoded as they were sent, their names in the shortest encoding.
    `client_id`, `client_session`, `hit_id` are "" where the client names none. `created` is the tracker's clock, ms
    since 1970. `address` and `user_agent`, where not None, are those of the visitor in place of the sender's.
    `error` says why the hit cannot be read; its content is then under `REST`.
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
    """How a kind of client writes its events into a hit. PROTOCOLS has the record of each.

    `path`: requests to an address that ends with it are such hits; None where hits come by an import only.
    `is_server_log`: a hit is one request, recorded by a web server. The visitor is known by address and user agent
    alone, and the property gives the host.
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
    """Never raises: bytes that are not UTF-8 become U+FFFD."""
    if "%" not in text and "+" not in text:
        return text
    return _unquoted(text) if len(text) <= LONGEST_REMEMBERED else unquote_plus(text, errors="replace")


def pairs(items: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in items)


@lru_cache(16_384)
def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="replace")
