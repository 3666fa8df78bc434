"""The raw hit: what a client sent, as the collector writes it into the log and `receive` reads it."""

from typing import Final

import msgspec

FORMAT: Final = 1


class RawHit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request, or one line of an access log.

    `received`: microseconds since 1970 UTC. `occurred`: milliseconds since 1970 UTC, set by trusted sources only.
    `property`: set by sources that know it (import, demo); 0 if the measurement id decides.
    `id`: a unique id that the collector gave. A hit id among the parameters has priority.
    """

    format: int
    id: str
    received: int
    protocol: str
    address: str
    user_agent: str
    headers: dict[str, str]
    query: bytes
    body: bytes
    property: int = 0
    occurred: int | None = None


class UnreadableHit(ValueError):
    """The bytes are not a hit in a format that this version reads."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RawHit)


def encode(hit: RawHit) -> bytes:
    return _encoder.encode(hit)


def decode(data: bytes) -> RawHit:
    """Raises UnreadableHit with the cause."""
    try:
        hit = _decoder.decode(data)
    # Text that is not UTF-8 and arrays that are too deep are errors of Python, not of msgspec.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableHit(str(error)) from error
    if hit.format != FORMAT:
        raise UnreadableHit(f"hit format {hit.format} is not {FORMAT}")
    return hit
