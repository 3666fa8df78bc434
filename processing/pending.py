"""Hits that are in the log and in no block yet."""

from collections.abc import Sequence
from typing import Final

from collection.hit import UnreadableHit, decode
from collection.log.port import Log
from collection.protocols import UnknownProtocol
from collection.protocols import decode as parameters
from configuration.rules import UNKNOWN_PROPERTY
from processing.store.port import BlockInfo, Store

STRETCH: Final = 4096


def pending_hits(log: Log, store: Store, blocks: Sequence[BlockInfo], property: int, measurement_id: str) -> int:
    """How many of them are the property's; `blocks` are those of its view. Hits of no known property are nobody's until received."""
    received = {block.key.partition: block.key.last + 1 for block in blocks if block.key.log == log.id}
    return sum(
        _owned(value, property, measurement_id)
        for partition, end in log.ends().items()
        for value in _values(log, partition, _start(received, store, log.id, partition), end)
    )


def _start(received: dict[int, int], store: Store, log: str, partition: int) -> int:
    highest = store.highest(log, partition)
    return received.get(partition, 0 if highest is None else highest + 1)


def _values(log: Log, partition: int, start: int, end: int) -> list[bytes]:
    start = max(start, log.starts()[partition])
    stretches = [(first, min(first + STRETCH, end) - 1) for first in range(start, end, STRETCH)]
    return [entry.value for first, last in stretches for entry in log.read(partition, first, last)]


def _owned(value: bytes, property: int, measurement_id: str) -> bool:
    try:
        hit = decode(value)
    except UnreadableHit:
        return property == UNKNOWN_PROPERTY
    if hit.property:
        return hit.property == property
    try:
        return parameters(hit).measurement_id == measurement_id
    except UnknownProtocol:
        return property == UNKNOWN_PROPERTY
