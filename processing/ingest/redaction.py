"""Takes full addresses out of the texts of hits, before they become rows."""

from collections.abc import Sequence

from collection.protocols import REST
from processing.ingest.decode import Reading
from processing.ingest.ip_masking import Bits, contains_address, is_suspicious, mask_address, mask_content, mask_rest


def remove_addresses(readings: Sequence[Reading], addresses: Sequence[str], user_agents: Sequence[str]) -> list[str]:
    """Masks the events' texts in place and returns the masked user agents. `addresses` are the visitors' full ones.

    Three things are masked: addresses in content that could not be decoded, parameters that carry an address, and the
    visitor's and the sender's own addresses in any text.
    """
    masked = []
    for reading, address, user_agent in zip(readings, addresses, user_agents, strict=True):
        bits = reading.settings.address_bits
        for event in reading.decoded.events:
            _mask_rest(event, bits, is_broken=reading.decoded.error is not None)
        for own in sorted({address, reading.hit.address, reading.decoded.address or ""}):
            user_agent = _mask_everywhere(reading, user_agent, own, bits)
        masked.append(user_agent)
    return masked


def _mask_rest(event: dict[str, str], bits: Bits, *, is_broken: bool) -> None:
    rest = event.get(REST, "")
    if is_broken:
        event[REST] = mask_content(rest, bits)
    elif is_suspicious(rest):
        event[REST] = mask_rest(rest, bits)


def _mask_everywhere(reading: Reading, user_agent: str, address: str, bits: Bits) -> str:
    for event in reading.decoded.events:
        if contains_address("\n".join(event.values()), address):
            event.update({name: mask_address(text, address, bits) for name, text in event.items()})
    return mask_address(user_agent, address, bits) if contains_address(user_agent, address) else user_agent
