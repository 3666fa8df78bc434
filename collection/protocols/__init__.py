"""From a hit to its parameters: one module for each protocol, with `decode(RawHit) -> Decoded` and its `PARAMETERS`."""

from collections.abc import Callable
from typing import Final

from collection.hit import RawHit
from collection.protocols import access_log, ga4
from collection.protocols.decoded import REST, Decoded, pairs

__all__ = ["PROTOCOLS", "REST", "Decoded", "UnknownProtocol", "decode", "pairs"]

PROTOCOLS: Final[dict[str, Callable[[RawHit], Decoded]]] = {
    "ga4": ga4.decode,
    "access_log": access_log.decode,
}


class UnknownProtocol(LookupError):
    """No module of this version reads the protocol that a hit names."""


def decode(hit: RawHit) -> Decoded:
    """Raises UnknownProtocol."""
    try:
        read = PROTOCOLS[hit.protocol]
    except KeyError:
        raise UnknownProtocol(hit.protocol) from None
    return read(hit)
