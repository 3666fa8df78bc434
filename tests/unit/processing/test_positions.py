"""Positions sort by log, partition and offset, and give the offset back."""

from itertools import product

import polars as pl

from processing.positions import MAX_LOGS, MAX_PARTITIONS, OFFSETS_PER_PARTITION, encode_position, offset_of

ORDINALS = (1, 2, MAX_LOGS)
PARTITIONS = (0, 1, MAX_PARTITIONS - 1)
OFFSETS = (0, 1, OFFSETS_PER_PARTITION - 1)


def test_it_works() -> None:
    assert encode_position(3, 2, 0x1A) == 0x03_02_00000000001A
    assert offset_of(0x03_02_00000000001A) == 0x1A


def test_the_order_is_that_of_log_partition_and_offset() -> None:
    positions = [encode_position(*parts) for parts in product(ORDINALS, PARTITIONS, OFFSETS)]
    assert positions == sorted(set(positions))
    assert positions[-1] == 2**64 - 1


def test_offsets_of_a_column() -> None:
    positions = pl.Series(
        [encode_position(MAX_LOGS, MAX_PARTITIONS - 1, offset) for offset in OFFSETS], dtype=pl.UInt64
    )
    assert (positions % OFFSETS_PER_PARTITION).to_list() == list(OFFSETS)
