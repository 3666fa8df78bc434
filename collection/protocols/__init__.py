"""Decodes a hit into its parameters. Each protocol is a module with a `PROTOCOL`, see `decoded.Protocol`."""

from typing import Final

from collection.hit import RawHit
from collection.protocols import access_log, ga4
from collection.protocols.decoded import REST, Decoded, Protocol, pairs

__all__ = ["GA4", "PROTOCOLS", "REST", "SERVER_LOGS", "Decoded", "Protocol", "UnknownProtocol", "decode", "pairs"]

PROTOCOLS: Final[dict[str, Protocol]] = {
    protocol.name: protocol
    for protocol in (
        ga4.PROTOCOL,
        access_log.PROTOCOL,
    )
}
GA4: Final = ga4.PROTOCOL.name
SERVER_LOGS: Final = frozenset(protocol.name for protocol in PROTOCOLS.values() if protocol.is_server_log)


class UnknownProtocol(LookupError):
    """This version has no decoder for the protocol of a hit."""


def decode(hit: RawHit) -> Decoded:
    """Raises UnknownProtocol."""
    try:
        protocol = PROTOCOLS[hit.protocol]
    except KeyError:
        raise UnknownProtocol(hit.protocol) from None
    return protocol.decode(hit)
