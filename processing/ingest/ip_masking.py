"""Masks IP addresses, wherever they stand and however they are escaped (hidden_text.py).

`bits` says how many of each address are kept, as (IPv4, IPv6).
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from processing.ingest.hidden_text import (
    HIDES_IPV4,
    HIDES_IPV6,
    HIDES_NAME,
    decode_escapes,
    decode_with_sources,
    may_hide,
)

Bits = tuple[int, int]
Address = IPv4Address | IPv6Address

MOST_BITS: Final[Bits] = (24, 48)  # whatever a setting says: a full address is never kept
OVERRIDES: Final = ("_uip", "uip", "ip_override", "utmip")
PEOPLE: Final = ("ident", "user")  # of access logs: some servers write an address there
SUSPICIOUS: Final = ("uip", "ip_override", "utmip", "ident=", "user=")

ADDRESS_BITS: Final = {4: 32, 6: 128}
LONGEST_ADDRESS: Final = 64  # with a zone
LONGEST_HOST: Final = 255
COLONS_OF_IPV6: Final = 6  # a full one has seven, or six before an IPv4 part; a shortened one has "::"
IPV6_LIKE: Final = re.compile(r"[0-9A-Fa-f:.]{2,}")
TWO_COLONS: Final = re.compile(":[0-9A-Fa-f]{0,4}:")  # quick to look for, and rare
NO_IPV4: Final = "0.0.0.0"  # noqa: S104 - nothing is bound to it
NO_NAME: Final = "-"
TAILS: Final = {4: "[0-9.]*", 6: "(?:[0-9a-f:.]|%3a)*"}
DOTTED: Final = re.compile(r"[0-9.]{7,}")
IPV4_LIKE: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def parse_address(text: str) -> Address | None:
    """Returns the address, an IPv4 one if it is mapped into IPv6; None for any other text."""
    return _parsed(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(16_384)
def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def canonical(text: str) -> str:
    """Returns the usual spelling of an address, and any other text as it is."""
    address = parse_address(text)
    return str(address) if address else text


def truncate(text: str, bits: Bits) -> str | None:
    """Returns the address with zeros after the bits that are kept; None if none are, or for any other text."""
    address = parse_address(text)
    kept = _kept(address, bits) if address else 0
    return _cut(address, kept) if address and kept else None


def mask_text(text: str, bits: Bits) -> str:
    """Truncates everything that is an address; what only looks like one becomes zeros. A text that has an address in
    escapes is returned without escapes, and any other text with them.
    """
    masked = _mask_plain(text, bits)
    plain = decode_escapes(masked) if "%" in masked or "\\" in masked else masked
    without_escapes = _mask_plain(plain, bits) if plain is not masked else plain
    return masked if without_escapes == plain else without_escapes


def is_suspicious(rest: str) -> bool:
    """Returns whether `mask_rest` may change the text."""
    if any(name in rest for name in SUSPICIOUS):
        return True
    return may_hide(rest, HIDES_NAME) and any(name in decode_escapes(rest) for name in SUSPICIOUS)


def mask_rest(rest: str, bits: Bits) -> str:
    """Masks the overrides of an address among urlencoded parameters, and parameters that contain the name of one."""
    return "&".join(_mask_override(piece, bits) for piece in rest.split("&"))


def mask_content(rest: str, bits: Bits) -> str:
    """Masks every address in the values of urlencoded parameters: for content that could not be decoded."""
    return "&".join(_mask_value(piece, bits) for piece in rest.split("&"))


def contains_address(text: str, own: str) -> bool:
    """Returns whether `mask_address` would change the text."""
    known = spellings(own)
    return bool(known) and (_contains(text, own, known) or _hides(text, own, known))


def mask_address(text: str, own: str, bits: Bits) -> str:
    """Masks one address in any text, however it is spelled and escaped. A host's name becomes a dash.

    Digits that follow the address go with it: left behind a shorter one, they could complete it again.
    """
    address, known = parse_address(own), spellings(own)
    masked = _cut(address, _kept(address, bits)) if address else NO_NAME
    tail = TAILS[address.version] if address else ""
    for spelling in known:
        text = re.sub(re.escape(spelling) + tail, masked, text, flags=re.IGNORECASE)
    if known and isinstance(address, IPv6Address):
        text = IPV6_LIKE.sub(lambda found: masked if _is_ipv6(found[0], address) else found[0], text)
    # What is masked may be the address itself, and then it is found for ever.
    while _hides(text, own, known) and (changed := _mask_hidden(text, own, masked, tail)) != text:
        text = changed
    return text


@lru_cache(16_384)
def spellings(own: str) -> tuple[str, ...]:
    """Returns the ways to write an address, longest first, in lower case: as sent and the usual ones, also urlencoded.

    Returns none for loopback, which identifies nobody and is the host of many pages under test, nor for local hosts.
    """
    address = parse_address(own)
    if address is None:
        return (own.lower(),) if "." in own and len(own) <= LONGEST_HOST else ()
    plain = set[str]() if address.is_loopback else {str(address), address.exploded, own.strip().lower()}
    encoded = {text.replace(":", "%3a") for text in plain}
    return tuple(sorted(plain | encoded, key=lambda text: (-len(text), text)))


def _mask_plain(text: str, bits: Bits) -> str:
    without_ipv6 = IPV6_LIKE.sub(lambda found: _mask_ipv6(found[0], bits), text)
    return DOTTED.sub(lambda found: _mask_ipv4(found[0], bits), without_ipv6)


def _contains(text: str, own: str, known: tuple[str, ...]) -> bool:
    lower = text.lower() if len(known) > 1 or known[0][-1].isalpha() else text  # IPv4: one spelling, no letters
    if any(spelling in lower for spelling in known):
        return True
    # An IPv6 address has more spellings than are worth listing.
    if ":" not in own or TWO_COLONS.search(text) is None:
        return False
    address = parse_address(own)
    return isinstance(address, IPv6Address) and any(_is_ipv6(found, address) for found in IPV6_LIKE.findall(text))


def _is_ipv6(text: str, address: IPv6Address) -> bool:
    return text.count(":") > 1 and parse_address(text.strip(".")) == address


def _hides(text: str, own: str, known: tuple[str, ...]) -> bool:
    """Returns whether the text has the address in escapes."""
    if not known or ("%" not in text and "\\" not in text):
        return False
    address = parse_address(own)
    escapes = HIDES_NAME if address is None else HIDES_IPV4 if address.version == 4 else HIDES_IPV6
    return may_hide(text, escapes) and _contains(decode_escapes(text), own, known)


def _mask_hidden(text: str, own: str, masked: str, tail: str) -> str:
    """Masks the address where it stands without escapes; everything around it keeps them."""
    plain, address = decode_with_sources(text), parse_address(own)
    spans = [
        found.span()
        for spelling in spellings(own)
        for found in re.finditer(re.escape(spelling) + tail, plain.text, flags=re.IGNORECASE)
    ]
    if isinstance(address, IPv6Address):
        spans += [found.span() for found in IPV6_LIKE.finditer(plain.text) if _is_ipv6(found[0], address)]
    pieces, end = [], 0
    for span in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        first, last = plain.source(*span)
        if first >= end:  # else it lies within the one before
            pieces += [text[end:first], masked]
            end = last
    return "".join(pieces) + text[end:]


def _kept(address: Address, bits: Bits) -> int:
    which = 0 if address.version == 4 else 1
    return max(0, min(bits[which], MOST_BITS[which]))


def _cut(address: Address, kept: int) -> str:
    masked = ADDRESS_BITS[address.version] - kept
    return str(type(address)(int(address) >> masked << masked))


def _mask(text: str, bits: Bits, unreadable: str) -> str:
    address = parse_address(text)
    return _cut(address, _kept(address, bits)) if address else unreadable


def _mask_ipv4(text: str, bits: Bits) -> str:
    return _mask(text.strip("."), bits, NO_IPV4) if IPV4_LIKE.search(text) else text


def _mask_ipv6(text: str, bits: Bits) -> str:
    if "::" not in text and text.count(":") < COLONS_OF_IPV6:
        return text
    return _mask(text, bits, "::")


def _mask_override(piece: str, bits: Bits) -> str:
    name, _, value = piece.partition("=")
    if name in OVERRIDES:
        address = parse_address(unquote_plus(value))
        return f"{name}={quote_plus(_cut(address, _kept(address, bits)))}" if address else f"{name}="
    if name in PEOPLE:
        return _mask_value(piece, bits)
    return "=".join(_mask_encoded(part, bits) for part in piece.split("=", 1)) if is_suspicious(piece) else piece


def _mask_value(piece: str, bits: Bits) -> str:
    name, equals, value = piece.partition("=")
    return f"{name}{equals}{_mask_encoded(value, bits)}"


def _mask_encoded(text: str, bits: Bits) -> str:
    return quote_plus(mask_text(unquote_plus(text), bits))
