"""Finds the property of a hit without receiving it."""

import re
from typing import Final

from collection.hit import RawHit, UnreadableHit, decode
from collection.protocols import GA4, UnknownProtocol
from collection.protocols import decode as decode_parameters

_TID: Final = re.compile(rb"(?:^|&)tid=([A-Za-z0-9_-]*)(?:&|$)")
Owner = int | str  # the property's id if the hit names it, else its measurement id
NO_OWNER: Final = 0


def owner_of_entry(value: bytes) -> Owner:
    """Returns the owner of an entry of the log; NO_OWNER if it is not a hit."""
    try:
        return owner_of_hit(decode(value))
    except UnreadableHit:
        return NO_OWNER


def owner_of_hit(hit: RawHit) -> Owner:
    """Returns the owner as quickly as possible: most hits name their measurement id in the query, unescaped."""
    if hit.property:
        return hit.property
    plain = _TID.search(hit.query)
    if plain and hit.protocol == GA4:
        return plain[1].decode()
    try:
        return decode_parameters(hit).measurement_id
    except UnknownProtocol:
        return NO_OWNER
