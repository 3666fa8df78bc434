"""Domain names in one form, however people and browsers write them. Pure: no Django."""

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import Final

import idna

LONGEST: Final = 253
PUNYCODE: Final = "xn--"
CACHED: Final = 16_384

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*://")
_AFTER_HOST: Final = re.compile(r"[/?#:]")
_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")
_NO_NAME: Final = re.compile(r"[^a-z0-9_\x80-\U0010ffff-]")
_LOOK_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK"})  # letters of these scripts have the same shapes


def read_domain(text: str) -> str | None:
    """Returns the host in ASCII, None for a text that names none: `https://www.Bücher.Example/shop` ->
    `www.xn--bcher-kva.example`.
    """
    host = _AFTER_HOST.split(_SCHEME.sub("", text.strip().lower()), maxsplit=1)[0].rstrip(".")
    name = _in_ascii(host)
    if not name or len(name) > LONGEST or not all(map(_LABEL.fullmatch, name.split("."))):
        return None
    return name


@lru_cache(CACHED)
def show_host(host: str) -> str:
    """Returns a host as people read it: Punycode becomes Unicode, label by label. Lower case is expected, not made.

    Names that IDNA 2008 does not have, such as an emoji, and labels that mix scripts of the same shapes stay in
    Punycode. What can be no name at all stays as it is.
    """
    if host.isascii() and PUNYCODE not in host:
        return host
    return ".".join(map(_shown_label, _DOTS.sub(".", host).split(".")))


@lru_cache(CACHED)
def comparable_domain(text: str) -> str:
    """Returns a domain as `show_host` shows it, so that a rule's entry and a host can be compared."""
    return show_host(read_domain(text) or text)


def _in_ascii(host: str) -> str | None:
    """Follows IDNA 2008 as browsers do, and the older IDNA for what it alone allows, such as emoji."""
    if host.isascii():
        return host
    with suppress(UnicodeError):
        return idna.encode(host, uts46=True).decode("ascii")
    with suppress(UnicodeError):
        return host.encode("idna").decode("ascii")
    return None


def _shown_label(label: str) -> str:
    if label.isascii() and not label.startswith(PUNYCODE):
        return label
    with suppress(UnicodeError):
        shown = idna.decode(label if label.isascii() else idna.encode(label, uts46=True))
        if len(_LOOK_ALIKE & {unicodedata.name(letter, "").partition(" ")[0] for letter in shown}) < 2:
            return shown
        label = shown
    is_no_name = _NO_NAME.search(label) and label.isprintable()
    return label if label.isascii() or is_no_name else PUNYCODE + label.encode("punycode").decode("ascii")
