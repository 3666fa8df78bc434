"""Finds the client's address in a field of an access log. What is no address makes no visitor."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

LONGEST: Final = 1024  # a list of proxies; what is longer is no address
LONGEST_ADDRESS: Final = 64
LONGEST_HOST: Final = 253
LIKE_ADDRESS: Final = re.compile(r"(?<![\w.:-])[0-9A-Fa-f.:]{2,}+(?![\w-])")
PORT: Final = re.compile(r":[0-9]{1,5}$")
HOST: Final = re.compile(r"(?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*\.?")
PRIVATE: Final = [
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
]


def find_address(text: str) -> str | None:
    """Returns the IP address in a field such as `[2001:db8::1]:4711` or `198.51.100.7, 10.0.0.1`; None without one.

    Of several, it is the first that is not of a private network, as the list of a proxy begins with the client.
    """
    return _found(text) if len(text) <= LONGEST else None


@lru_cache(16_384)
def _found(text: str) -> str | None:
    found = [address for address in map(_valid, LIKE_ADDRESS.findall(text)) if address]
    return next((address for address in found if not is_private(address)), found[0] if found else None)


def is_address(text: str) -> bool:
    """Returns whether the text is an IP address and nothing else."""
    return len(text) <= LONGEST_ADDRESS and _parsed(text) is not None


def is_host(text: str) -> bool:
    """Returns whether the text is the name of a host, as servers write it that look up the names of their clients."""
    return text == "localhost" or (len(text) <= LONGEST_HOST and HOST.fullmatch(text) is not None)


def find_site(text: str) -> str:
    """Returns the name of a site without its port; "" for other texts, and for names that stand for any site."""
    name = PORT.sub("", text[: LONGEST_HOST + 6])
    return name if len(name) <= LONGEST_HOST and HOST.fullmatch(name) else ""


def has_port(text: str) -> bool:
    return PORT.search(text[-6:]) is not None


def is_private(address: str) -> bool:
    """Returns whether the address is of a private network or of this machine, such as a proxy's."""
    return len(address) <= LONGEST_ADDRESS and _is_private(address)


@lru_cache(16_384)
def _is_private(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in PRIVATE if network.version == parsed.version)


def _valid(text: str) -> str | None:
    """Returns the address in a text of digits, dots and colons: behind it may stand a port or a mark of the sentence.

    An IPv6 address without brackets has a port only if it would have nine parts otherwise.
    """
    text = text.rstrip(".")
    for candidate in (text, PORT.sub("", text), text.rstrip(":")):
        if len(candidate) <= LONGEST_ADDRESS and _parsed(candidate):
            return candidate
    return None


@lru_cache(16_384)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Parses an address without a zone."""
    try:
        address = ip_address(text) if "%" not in text else None
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
