"""Takes full addresses out of the texts of hits, before they become rows."""

from collections.abc import Sequence

from collection.protocols import REST
from processing.ingest.decode import Reading
from processing.ingest.ip_masking import Bits, contains_own, is_suspicious, mask_content, mask_own, mask_rest


def remove_addresses(readings: Sequence[Reading], owners: Sequence[str], agents: Sequence[str]) -> list[str]:
    """Masks the events' texts in place and gives the user agents, masked. `owners` are the visitors' full addresses.

    Three things are masked: addresses in what could not be read, parameters that carry an address, and the hit's own
    address wherever it stands.
    """
    cleaned = []
    for reading, owner, agent in zip(readings, owners, agents, strict=True):
        bits = reading.settings.address_bits
        for event in reading.decoded.events:
            _mask_rest(event, bits, broken=reading.decoded.error is not None)
        for own in sorted({owner, reading.hit.address, reading.decoded.address or ""}):
            agent = _mask_own(reading, agent, own, bits)
        cleaned.append(agent)
    return cleaned


def _mask_rest(event: dict[str, str], bits: Bits, *, broken: bool) -> None:
    rest = event.get(REST, "")
    if broken:
        event[REST] = mask_content(rest, bits)
    elif is_suspicious(rest):
        event[REST] = mask_rest(rest, bits)


def _mask_own(reading: Reading, agent: str, own: str, bits: Bits) -> str:
    for event in reading.decoded.events:
        if contains_own("\n".join(event.values()), own):
            event.update({name: mask_own(text, own, bits) for name, text in event.items()})
    return mask_own(agent, own, bits) if contains_own(agent, own) else agent
