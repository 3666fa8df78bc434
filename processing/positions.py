"""The bit layout of a hit's position: its log's ordinal (8 bits), its partition (8), its offset (48).

Positions are unsigned 64-bit numbers, so sorting by position sorts by log, then partition, then offset. An example in
hexadecimal: log 3, partition 2, offset 0x1a is 0x03_02_00000000001a.
"""

from typing import Final

OFFSET_BITS: Final = 48
PARTITION_BITS: Final = 8

OFFSETS_PER_PARTITION: Final = 1 << OFFSET_BITS  # `position % OFFSETS_PER_PARTITION` is the offset, also in polars
MAX_PARTITIONS: Final = 1 << PARTITION_BITS
MAX_LOGS: Final = 255  # ordinals begin with 1


def encode_position(log_ordinal: int, partition: int, offset: int) -> int:
    return log_ordinal << (PARTITION_BITS + OFFSET_BITS) | partition << OFFSET_BITS | offset


def offset_of(position: int) -> int:
    return position % OFFSETS_PER_PARTITION
