"""Requests and answers as plain values: limits, headers and client addresses, independent of server and log."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple, Protocol

MAX_URL_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 128 * 1024
MAX_HEADER_CHARACTERS: Final = 2048
RETRY_AFTER_S: Final = 5

KEPT_HEADERS: Final = frozenset(  # stored with the hit
    {
        "accept-language",
        "origin",
        "referer",
        "sec-ch-ua",
        "sec-ch-ua-arch",
        "sec-ch-ua-bitness",
        "sec-ch-ua-full-version-list",
        "sec-ch-ua-mobile",
        "sec-ch-ua-model",
        "sec-ch-ua-platform",
        "sec-ch-ua-platform-version",
        "sec-ch-ua-wow64",
    }
)
READ_HEADERS: Final = KEPT_HEADERS | {
    "user-agent",
    "x-forwarded-for",
    "content-length",
    "if-none-match",
    "accept-encoding",
}

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Headers = list[tuple[str, str]]


class HttpAnswer(NamedTuple):
    status: int
    headers: Headers
    body: bytes = b""


class BodyTooLarge(Exception):
    """The body has more than MAX_BODY_BYTES."""


class IncompleteBody(Exception):
    """The client disconnected, or sent less than its Content-Length."""


class Request(Protocol):
    """The collector's view of a request, implemented for each server."""

    method: str
    path: str
    query: bytes
    peer: str

    def headers(self) -> dict[str, str]:
        """Returns the READ_HEADERS by lower-case name. Repeated headers are joined with commas, in their order."""

    async def body(self) -> bytes:
        """Reads the whole body, with or without Content-Length. Raises IncompleteBody, BodyTooLarge."""


# Caches may store a 204 answer to a GET without `no-store`. Cross-origin isolated pages need the resource policy.
ALWAYS: Final[Headers] = [("cache-control", "no-store"), ("cross-origin-resource-policy", "cross-origin")]
ANY_ORIGIN: Final[Headers] = [*ALWAYS, ("access-control-allow-origin", "*")]
PREFLIGHT: Final[Headers] = [
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "*, content-type"),
    ("access-control-max-age", "86400"),
]
_printable = re.compile(r"[\x21-\x7e]{1,300}").fullmatch


def cors(origin: str | None) -> Headers:
    """Returns the CORS headers of every answer to a hit, with or without an Origin."""
    if origin is None or not _printable(origin):
        return ANY_ORIGIN
    # Beacons send credentials, and browsers then refuse `*`: the answer must name the origin.
    named = [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true"), ("vary", "origin")]
    return ALWAYS + named


def declared_length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


class TrustedProxies:
    """The proxies whose X-Forwarded-For header is believed."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self.trusts = lru_cache(maxsize=4096)(self._is_trusted)

    def client_address(self, peer: str, forwarded: str | None) -> str:
        """Returns the nearest address that is not a trusted proxy. Everything to the left of it may be forged.

        With the trusted network 10.0.0.0/8, peer 10.0.0.1 and `203.0.113.9, 198.51.100.7, 10.0.0.2`: 198.51.100.7.
        """
        if not forwarded or not self._trusted or not self.trusts(peer):
            return normalize_address(peer)
        nearest = peer
        for hop in reversed(forwarded.split(",")):
            if parse_address(hop) is None:
                break
            nearest = hop
            if not self.trusts(hop):
                break
        return normalize_address(nearest)

    def _is_trusted(self, text: str) -> bool:
        address = parse_address(text)
        return address is not None and any(
            address in network for network in self._trusted if network.version == address.version
        )


@lru_cache(maxsize=16_384)
def normalize_address(text: str) -> str:
    """Returns an address in its shortest form, without port, brackets or zone; "" for any other text."""
    address = parse_address(text)
    return "" if address is None else str(address)


_with_port = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+").fullmatch


def parse_address(text: str) -> Address | None:
    """Returns None if the text is not an address. An IPv4 address mapped into IPv6 becomes IPv4."""
    text = text.strip()
    if match := _with_port(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
