"""Writes paths and queries in one way (RFC 3986, section 6.2.2), so that one page has one name.

`%7Euser` is `~user`, `%2f` is `%2F`, `caf%C3%A9` is `café`. Signs that separate or structure an address stay as they
were sent. What could hide something is shown encoded, however it was sent: invisible and directional signs, spaces
other than the plain one, and signs that look like separators.
"""

import re
from functools import lru_cache
from typing import Final

UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
LONGEST_ESCAPED: Final = 12  # characters that stand for one: four bytes, each escaped

# Runs of escapes, and of characters beyond ASCII. An escape behind a bare `%` stays: `%%34%31` must not become `%41`.
_RUN: Final = re.compile(r"(?<!%)(?<!%[0-9A-Fa-f])(?:%[0-9A-Fa-f]{2})+|[^\x00-\x7f]+")

# Printable, but shown as nothing (Unicode's Default_Ignorable_Code_Point) or like a separator of addresses.
_IGNORED: Final = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_LIKE_SEPARATORS: Final = "".join(
    ("\u2024\u2044\u2215\u29f8\u2571\u27cb\ufe5f\ufe60\ufe6a", "\uff03\uff05\uff06\uff0e\uff0f\uff1a\uff1d\uff1f\uff20")
)
_DECEPTIVE: Final = re.compile(f"[{_IGNORED}{_LIKE_SEPARATORS}]")

# Of the texts that may change, in the syntax of polars: escapes that are not in their shortest form, beyond ASCII too.
MAY_CHANGE: Final = (
    r"[^\x00-\x7f]|%(?:[0-9A-Fa-f]?[a-f]|[89A-Fa-f]|2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|5[0-9AaFf]|7[0-9AaEe])"
)


def canonical(text: str) -> str:
    if "%" not in text and text.isascii():
        return text
    return _RUN.sub(_shown_run, text)


def _shown_run(run: re.Match[str]) -> str:
    text = run[0]
    if text.startswith("%"):
        # Bytes that are no UTF-8 become lone surrogates, and are escaped again.
        text = bytes.fromhex(text.replace("%", "")).decode("utf-8", "surrogateescape")
    return "".join(map(_shown, text))


@lru_cache(4_096)
def _shown(character: str) -> str:
    plain = character in UNRESERVED if character.isascii() else character.isprintable()
    if plain and not _DECEPTIVE.match(character):
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
