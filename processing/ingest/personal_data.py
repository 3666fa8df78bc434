"""Removes what names people from addresses and other texts: the values of parameters that are called `email`, `token`
and the like (lists/personal_parameters.tsv), e-mail addresses wherever they stand, and user names before a host.

`/reset?token=x&to=jane%40example.org#email=y` becomes `/reset?token=&to=#email=`. Values are read as often encoded as
links in links are.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from collection.protocols import REST
from processing.ingest.decode import Reading
from processing.ingest.hidden_text import HIDES_EMAIL, decode_escapes, decode_with_sources, may_hide
from processing.pipeline.lookups.lists import rows

TEXTS: Final = ("dl", "dr", "dp", "target", "dt", "cs", "cm", "cn", "cc", "ck", "ci")
REMOVED: Final = "(removed)"  # stands for an e-mail address within a text; a value of its own becomes empty
NAMES: Final = frozenset(name for name, _ in rows("personal_parameters"))
LONGEST_NAME: Final = 64
MOST_ESCAPED: Final = 12  # characters that a character may be written with: %F0%9F%98%80
MOST_WORDS: Final = 4
DEEPEST: Final = 4  # links in links
CACHED_CHARACTERS: Final = 512

PARAMETER: Final = re.compile(r"([?&#;])([^=?&#;]*)=([^&#;]*)")
CASE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
BETWEEN_WORDS: Final = re.compile(r"[\W\d_]+")
USER_OF_HOST: Final = re.compile(r"(?<=://)[^/?#\s]*@")
WORD_ENDS: Final = re.compile(r"(\s+|\")")
MAY_NAME: Final = re.compile(rf"[@=\\]|{HIDES_EMAIL.pattern}|%(?:25)*3[Dd]")  # an address or a parameter
# A name may be repeated with other sizes of an image: `logo@2x.png` is no address.
EMAIL: Final = re.compile(
    r"(?<![^\s@/?#&=<>\"(),:;\[\]\\])[^\s@/?#&=<>\"(),:;\[\]\\]++@(?![0-9]+x\.)(?:[\w%-]++\.)+[^\W\d_]{2}[\w-]*"
)


def remove_personal_data(readings: Iterable[Reading]) -> Counter[int]:
    """Cleans the events' texts in place, for properties that ask for it. Returns the number of changed hits of each."""
    changed = Counter[int]()
    for reading in readings:
        if reading.settings.remove_personal_data:
            clean_rest = clean_parameters if reading.decoded.error is None else clean_content
            changes = [_clean_event(event, clean_rest) for event in reading.decoded.events]
            changed[reading.settings.id] += any(changes)
    return +changed


def clean_text(text: str) -> str:
    """Cleans an address, or any other text."""
    if "=" not in text and "@" not in text and "%" not in text and "\\" not in text:
        return text
    return _cached_text(text) if len(text) <= CACHED_CHARACTERS else _cleaned(text, 0)


def clean_parameters(rest: str) -> str:
    """Cleans the values of urlencoded parameters."""
    return _cached_parameters(rest) if len(rest) <= CACHED_CHARACTERS else _cleaned_parameters(rest)


def clean_content(rest: str) -> str:
    """Cleans urlencoded content that could not be decoded: each of its words may be an address."""
    pieces = (piece.partition("=") for piece in rest.split("&"))
    return "&".join(f"{name}{mark}{_clean_words(value)}" for name, mark, value in pieces)


def is_personal(name: str) -> bool:
    """Returns whether the last words of a parameter's name are a name of the list: `billing[e-mail]`, `userEmail2`."""
    return _ends_with_personal(name[-LONGEST_NAME * MOST_ESCAPED :])


@lru_cache(4_096)
def _ends_with_personal(name: str) -> bool:
    spaced = CASE.sub(" ", unquote(name)[-LONGEST_NAME:])
    words = [word for word in BETWEEN_WORDS.split(spaced.lower()) if word]
    return any("".join(words[-count:]) in NAMES for count in range(1, 1 + min(MOST_WORDS, len(words))))


@lru_cache(16_384)
def _cached_text(text: str) -> str:
    return _cleaned(text, 0)


@lru_cache(16_384)
def _cached_parameters(rest: str) -> str:
    return _cleaned_parameters(rest)


def _clean_event(event: dict[str, str], clean_rest: Callable[[str], str]) -> bool:
    """Returns whether anything was removed."""
    changed = False
    for name in TEXTS:
        text = event.get(name)
        if text and (cleaned := clean_text(text)) != text:
            event[name], changed = cleaned, True
    rest = event.get(REST)
    if rest and (cleaned := clean_rest(rest)) != rest:
        event[REST], changed = cleaned, True
    return changed


def _cleaned_parameters(rest: str) -> str:
    pieces = (piece.partition("=") for piece in rest.split("&"))
    return "&".join(f"{name}{mark}{_clean_value(name, value, unquote_plus, 0)}" for name, mark, value in pieces)


def _cleaned(text: str, depth: int) -> str:
    def replaced(found: re.Match[str]) -> str:
        mark, name, value = found.groups()
        end = value.find("?") if mark == ";" else -1  # a query ends a parameter of the path
        value, query = (value, "") if end < 0 else (value[:end], value[end:])
        return f"{mark}{name}={_clean_value(name, value, unquote, depth)}{query}"

    if "=" in text:  # the first parameter gets a mark of its own
        text = PARAMETER.sub(replaced, f"&{text}")[1:]
    return _without_emails(USER_OF_HOST.sub("", text) if "@" in text else text)


def _clean_value(name: str, value: str, decode: Callable[[str], str], depth: int) -> str:
    if not value or is_personal(name):
        return ""
    if not MAY_NAME.search(value):
        return value
    decoded, layers = _decoded(value, decode)
    plain = decode_escapes(decoded) if "\\" in decoded else decoded
    if EMAIL.fullmatch(plain.strip().removeprefix("mailto:")):
        return ""
    if depth == DEEPEST:
        return value
    cleaned = _cleaned(decoded, depth + 1)
    if cleaned == decoded:
        return value
    for _ in range(layers):
        cleaned = quote(cleaned, safe="")
    return cleaned


def _decoded(value: str, decode: Callable[[str], str]) -> tuple[str, int]:
    """Decodes a value until nothing is encoded. Returns it, and how often it was decoded."""
    layers = 0
    while layers < DEEPEST and (decoded := decode(value)) != value:
        value, decode, layers = decoded, unquote, layers + 1
    return value, layers


def _clean_words(value: str) -> str:
    decoded = unquote_plus(value)
    cleaned = "".join(map(clean_text, WORD_ENDS.split(decoded)))
    return value if cleaned == decoded else quote_plus(cleaned)


def _without_emails(text: str) -> str:
    if "@" in text:
        text = EMAIL.sub(REMOVED, text)
    if ("@" in text and "%" in text) or may_hide(text, HIDES_EMAIL):
        text = _without_hidden_emails(text)
    return text


def _without_hidden_emails(text: str) -> str:
    """Removes addresses of which any character is written in escapes; everything around them stays escaped."""
    if "@" not in decode_escapes(text):
        return text
    plain, pieces, end = decode_with_sources(text), [], 0
    for found in EMAIL.finditer(plain.text):
        first, last = plain.source(*found.span())
        pieces += [text[end:first], REMOVED]
        end = last
    return "".join(pieces) + text[end:]
