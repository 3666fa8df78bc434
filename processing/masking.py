"""Takes from addresses what may not be kept, wherever they stand. `bits` are the leading bits that stay, (IPv4, IPv6)."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import quote_plus, unquote_plus

Bits = tuple[int, int]
Address = IPv4Address | IPv6Address

MOST_BITS: Final[Bits] = (24, 48)  # whatever a setting says: a full address is never kept
OVERRIDES: Final = ("_uip", "uip", "ip_override", "utmip")
PEOPLE: Final = ("ident", "user")  # of access logs: some servers write an address there
SUSPICIOUS: Final = "uip|ip_override|utmip|ident=|user="

LENGTHS: Final = {4: 32, 6: 128}
COLONS_OF_IPV6: Final = 6  # a full one has seven, or six before an IPv4 part; a shortened one has "::"
ESCAPES: Final = re.compile("%3a|%2e", re.IGNORECASE)
IPV6_LIKE: Final = re.compile(r"[0-9A-Fa-f:.]{2,}")
IPV4_LIKE: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def parse_address(text: str) -> Address | None:
    """An IPv4 address inside IPv6 is that IPv4 address; None for text that is no address."""
    try:
        address = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def truncate(address: Address, bits: Bits) -> str | None:
    """The address with zeros after the bits that stay; None if none stay."""
    kept = _kept(address, bits)
    return _cut(address, kept) if kept else None


def mask_text(text: str, bits: Bits) -> str:
    """Truncates everything that looks like an address; what only may be one becomes zeros."""
    plain = ESCAPES.sub(lambda found: unquote_plus(found[0]), text)
    without_ipv6 = IPV6_LIKE.sub(lambda found: _mask_ipv6(found[0], bits), plain)
    return IPV4_LIKE.sub(lambda found: _mask(found[0], bits, "0.0.0.0"), without_ipv6)


def mask_rest(rest: str, bits: Bits) -> str:
    """Masks the overrides of an address among urlencoded parameters, and parameters that contain the name of one."""
    return "&".join(_mask_override(piece, bits) for piece in rest.split("&"))


def mask_content(rest: str, bits: Bits) -> str:
    """Masks every address in the values of urlencoded parameters: for content that could not be read."""
    return "&".join(_mask_value(piece, bits) for piece in rest.split("&"))


def searchable(own: str) -> str:
    """What to look for in a hit's texts: "" for loopback, which is nobody's address but the host of many pages under test."""
    address = parse_address(own)
    if address is None:
        return own.lower() if "." in own else ""
    return "" if address.is_loopback else str(address)


def mask_own(text: str, own: str, bits: Bits) -> str:
    """Masks the sender's address in any text, however it is spelled. `own` may be a host's name: nothing is left of it."""
    if not searchable(own):
        return text
    address = parse_address(own)
    masked = _cut(address, _kept(address, bits)) if address else ""
    for spelling in spellings(own):
        text = re.sub(re.escape(spelling), masked, text, flags=re.IGNORECASE)
    return text


@lru_cache(4_096)
def spellings(own: str) -> tuple[str, ...]:
    """The ways to write an address, longest first; with colons also urlencoded."""
    address = parse_address(own)
    plain = {own, *((str(address), address.exploded) if address else ())}
    encoded = {text.replace(":", "%3A") for text in plain}
    return tuple(sorted(plain | encoded, key=lambda text: (-len(text), text)))


def _kept(address: Address, bits: Bits) -> int:
    which = 0 if address.version == 4 else 1
    return max(0, min(bits[which], MOST_BITS[which]))


def _cut(address: Address, kept: int) -> str:
    gone = LENGTHS[address.version] - kept
    return str(type(address)(int(address) >> gone << gone))


def _mask(text: str, bits: Bits, unreadable: str) -> str:
    address = parse_address(text)
    return _cut(address, _kept(address, bits)) if address else unreadable


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
    return mask_text(piece, bits) if re.search(SUSPICIOUS, piece) else piece


def _mask_value(piece: str, bits: Bits) -> str:
    name, equals, value = piece.partition("=")
    return f"{name}{equals}{quote_plus(mask_text(unquote_plus(value), bits))}"
