"""Whose hit an entry of the log is, without receiving it."""

import re
from typing import Final

from collection.hit import RawHit, UnreadableHit, decode
from collection.protocols import GA4, UnknownProtocol
from collection.protocols import decode as parameters

_TID: Final = re.compile(rb"(?:^|&)tid=([A-Za-z0-9_-]*)(?:&|$)")
Owner = int | str  # the property's number where the hit names it, else its measurement id


def owner(value: bytes) -> Owner:
    """Whose hit it is, as cheaply as can be."""
    try:
        hit = decode(value)
    except UnreadableHit:
        return 0
    if hit.property:
        return hit.property
    found = _TID.search(hit.query)
    return found[1].decode() if found and hit.protocol == GA4 else _decoded(hit)


def _decoded(hit: RawHit) -> Owner:
    try:
        return parameters(hit).measurement_id
    except UnknownProtocol:
        return 0
