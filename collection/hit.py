"""A hit as it was sent, before anybody interprets it: what the collector writes into the log and `receive` reads."""

from typing import Final

import msgspec

FORMAT: Final = 1


class RawHit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request, or one line of an access log.

    `received` is in microseconds since 1970 UTC, `occurred` in milliseconds; `occurred` is set by trusted sources only.
    `property` is set where the sender already knows it (import, demo); 0 means "by measurement id".
    `id` is given by the collector and unique; a hit id inside the parameters, where there is one, wins over it.
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
    """The bytes are not a hit of a format that this version reads."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(RawHit)


def encode(hit: RawHit) -> bytes:
    return _encoder.encode(hit)


def decode(data: bytes) -> RawHit:
    """Raises UnreadableHit, which names the cause."""
    try:
        hit = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise UnreadableHit(str(error)) from error
    if hit.format != FORMAT:
        raise UnreadableHit(f"hit format {hit.format} is not {FORMAT}")
    return hit
