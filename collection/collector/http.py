"""A request and an answer as plain values, and what can be said about them without knowing the server or the log."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple, Protocol

MAX_URL_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 128 * 1024
MAX_HEADER_CHARACTERS: Final = 2048
RETRY_AFTER_S: Final = 5

KEPT_HEADERS: Final = frozenset(
    {
        *(
            "accept-language",
            "origin",
            "referer",
            "sec-ch-ua",
            "sec-ch-ua-arch",
            "sec-ch-ua-bitness",
            "sec-ch-ua-full-version-list",
        ),
        *("sec-ch-ua-mobile", "sec-ch-ua-model", "sec-ch-ua-platform", "sec-ch-ua-platform-version", "sec-ch-ua-wow64"),
    }
)
READ_HEADERS: Final = KEPT_HEADERS | {
    *("user-agent", "x-forwarded-for", "content-length", "if-none-match", "accept-encoding"),
}

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Headers = list[tuple[str, str]]


class HttpAnswer(NamedTuple):
    status: int
    headers: Headers
    body: bytes = b""


class BodyTooLarge(Exception):
    """More than MAX_BODY_BYTES were sent."""


class IncompleteBody(Exception):
    """The client went away, or sent less than it had announced."""


class Request(Protocol):
    """What the collector needs from a server."""

    method: str
    path: str
    query: bytes
    peer: str

    def headers(self) -> dict[str, str]:
        """Those of READ_HEADERS; values that were sent several times are joined with commas, in their order."""

    async def body(self) -> bytes:
        """All of it, with a Content-Length or without. Raises IncompleteBody; BodyTooLarge once too much has come."""


# Caches may keep an answer of 204 to a GET unless it is forbidden; isolated pages need the resource policy.
ALWAYS: Final[Headers] = [("cache-control", "no-store"), ("cross-origin-resource-policy", "cross-origin")]
ANY_ORIGIN: Final[Headers] = [*ALWAYS, ("access-control-allow-origin", "*")]
PREFLIGHT: Final[Headers] = [
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "*, content-type"),
    ("access-control-max-age", "86400"),
]
_printable = re.compile(r"[\x21-\x7e]{1,300}").fullmatch


def cors(origin: str | None) -> Headers:
    """The headers of every answer to a hit. Beacons carry credentials, which rule `*` out: the origin is named."""
    if origin is None or not _printable(origin):
        return ANY_ORIGIN
    named = [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true"), ("vary", "origin")]
    return ALWAYS + named


def declared_length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


class AddressBook:
    """Whose word counts for where a request comes from."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self.trusts = lru_cache(maxsize=4096)(self._find)

    def client(self, peer: str, forwarded: str | None) -> str:
        """The nearest address that is not one of our own proxies: what stands left of it, anybody may have written."""
        if not forwarded or not self._trusted or not self.trusts(peer):
            return plain(peer)
        nearest = peer
        for hop in reversed(forwarded.split(",")):
            if parsed(hop) is None:
                break
            nearest = hop
            if not self.trusts(hop):
                break
        return plain(nearest)

    def _find(self, text: str) -> bool:
        address = parsed(text)
        return address is not None and any(
            address in network for network in self._trusted if network.version == address.version
        )


@lru_cache(maxsize=16_384)
def plain(text: str) -> str:
    """An address in its shortest form, without port, brackets or zone; what is no address is empty."""
    address = parsed(text)
    return "" if address is None else str(address)


_with_port = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+").fullmatch


def parsed(text: str) -> Address | None:
    text = text.strip()
    if found := _with_port(text):
        text = found[1] or found[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
