"""The model of scale: its largest installation fits the store's limits, by the real layout and the real encoding."""

import random
from collections import Counter
from typing import Final

import polars as pl
import pytest

from bench.model import Costs, Load, needs, report_s, table
from bench.scale import LOADS
from bench.traffic import Traffic
from processing.receiving import batcher
from processing.schema import BUILT, RAW, conform
from processing.segments.writer import MAX_LAYER_ROWS
from processing.store.cassandra import segment_cells
from processing.store.cassandra.cells import split_cells
from processing.store.cassandra.layout import (
    BUCKET_CELLS,
    CELL_BYTES,
    LARGEST_PARTITION,
    PAYLOAD_CELL_BYTES,
    ROW_BYTES,
    largest_partitions,
)
from processing.workers import config, housekeeping

COSTS: Final = Costs(
    collect_us=200, receive_us=100, seal_us=20, tidy_us=10, log_bytes=400, block_bytes=50, stored_bytes=70,
    written_bytes=300, worker_mb=2000, reporting_mb=300, report_us=0.1, panels_us=1, decoded_bytes=50, range_bytes=300,
)  # fmt: skip
ROWS: Final = 60_000
LARGEST: Final = LOADS["10 G"]


def test_it_works() -> None:
    load = Load(100_000_000, 100)
    found = {need.role: need for need in needs(load, COSTS)}
    assert round(load.a_second, 1) == 38.6
    assert found["worker"].cores == 1
    assert found["Kafka"].disk_gb == pytest.approx(38.58 * 3600 * 72 * 400 * 3 / 1e9, rel=1e-3)
    assert found["Cassandra"].disk_gb == pytest.approx(100_000_000 * 13 * 70 * 3 * 2 / 1e9)
    assert report_s(load, COSTS, 30) == pytest.approx((2.0, 20.0), rel=1e-3)


def test_more_hits_need_more_of_each() -> None:
    roles = [needs(load, COSTS) for load in LOADS.values()]
    for small, large in zip(roles, roles[1:], strict=False):
        assert all(a.cores <= b.cores and a.disk_gb <= b.disk_gb for a, b in zip(small, large, strict=True))
    assert table(LOADS, COSTS).count("\n") == 1 + len(roles[0])


def test_it_knows_how_the_worker_works(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LARGEST.blocks
    monkeypatch.setattr(batcher, "MAX_WAIT_S", batcher.MAX_WAIT_S / 2)
    assert LARGEST.blocks == 2 * before
    monkeypatch.setattr(config, "GRACE_S", config.GRACE_S + 60)
    assert LARGEST.blocks == 2 * before + 2 * 60 / batcher.MAX_WAIT_S
    monkeypatch.setattr(housekeeping, "LEDGER_DAYS", 80)
    assert {need.role: need.remark for need in needs(LARGEST, COSTS)}["PostgreSQL"] == "the ledger of 80 days"


@pytest.mark.parametrize("name", LOADS)
def test_no_partition_is_larger_than_it_may_be(name: str) -> None:
    load = LOADS[name]
    sizes = largest_partitions(load.blocks, load.segments, load.partitions, generations=8)
    assert max(sizes.values()) <= LARGEST_PARTITION, sizes


def test_the_limit_is_not_far_away() -> None:
    """Fifty times the blocks or twenty times the segments would not fit: the model's numbers matter."""
    assert largest_partitions(50 * LARGEST.blocks, 1, 1, 1)["blocks"] > LARGEST_PARTITION
    assert largest_partitions(1, 20 * LARGEST.segments, 1, 1)["segments"] > LARGEST_PARTITION


@pytest.mark.parametrize(
    "schema", [pytest.param(BUILT, id="events"), pytest.param(RAW, id="raw rows", marks=pytest.mark.slow)]
)
def test_cells_and_buckets_of_the_largest_segment(schema: dict[str, pl.DataType]) -> None:
    """Texts that do not compress, in every column: a layer of MAX_LAYER_ROWS is as many times larger, and cut alike."""
    cells = segment_cells.encode({"events": noise(schema)}).cells
    assert len(cells) > BUCKET_CELLS  # or there is one bucket only
    assert max(map(len, cells)) <= CELL_BYTES
    assert max(buckets(cells).values()) <= LARGEST_PARTITION
    assert len(cells) * MAX_LAYER_ROWS // ROWS < 2**31  # a cell's number is an int


def test_cells_of_the_largest_raw_block() -> None:
    """A range's hits come to 64 MiB at most."""
    cells = split_cells(random.Random(1).randbytes(64 * 2**20), PAYLOAD_CELL_BYTES)
    assert max(map(len, cells)) <= PAYLOAD_CELL_BYTES
    assert max(buckets(cells).values()) <= 9 * 2**20


def test_traffic_of_a_month_is_received_as_it_was_sent() -> None:
    entries = list(Traffic(["G-X"], 1).live(50, 0, 0.001))
    assert len({value for _, value in entries}) == 50


def buckets(cells: list[bytes]) -> Counter[int]:
    """Bytes of each partition of the table of content."""
    sizes = Counter[int]()
    for number, cell in enumerate(cells):
        sizes[number // BUCKET_CELLS] += len(cell) + ROW_BYTES
    return sizes


def noise(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    rnd = random.Random(2)
    texts = pl.Series([rnd.randbytes(40).hex() for _ in range(ROWS)])
    numbers = pl.Series([rnd.getrandbits(62) for _ in range(ROWS)])
    columns = {
        name: texts.shuffle(n) if kind == pl.String() else numbers
        for n, (name, kind) in enumerate(schema.items())
        if kind in (pl.String(), pl.Int64(), pl.UInt64())
    }
    return conform(pl.DataFrame(columns), schema)
