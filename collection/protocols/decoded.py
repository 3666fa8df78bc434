"""What every protocol gives, and how parameters are written as text."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

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
