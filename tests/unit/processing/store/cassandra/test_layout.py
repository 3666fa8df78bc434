"""The layout on Cassandra: its tables, and how large a partition, a cell and a request can become."""

import re
from typing import Final

import polars as pl
import pytest

from processing.store.block_index import BlockEntry, block_info, digest
from processing.store.cassandra import segment_cells
from processing.store.cassandra.address import parse_address
from processing.store.cassandra.cells import ABANDONED_S, new_id, split_cells, written_at
from processing.store.cassandra.index import Index, IndexChange, _changed, _decode, _encode
from processing.store.cassandra.layout import (
    BUCKET_CELLS,
    CELL_BYTES,
    COMMITS_KEPT,
    LARGEST_PARTITION,
    PACK_BYTES,
    PAGE_BLOCKS,
    PAYLOAD_CELL_BYTES,
    SCHEMA_FILE,
    SEGMENT_SHARDS,
    largest_partitions,
    statements,
)
from processing.store.cassandra.session import IN_FLIGHT
from processing.store.cassandra.setup import keyspace_statement
from processing.store.port import CorruptBlob
from processing.store.raw_block import encode_block
from tests.contract.store_builders import LOG, blob, built, key, raw

TABLE: Final = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)\n\) WITH comment", re.DOTALL)
INFO: Final = block_info(key(0, 0), "c" * 64, blob(0, 0))
KEY: Final = re.compile(r"PRIMARY KEY \((?:\(([^)]*)\)|(\w+))")


def tables() -> dict[str, str]:
    return dict(TABLE.findall(SCHEMA_FILE.read_text()))


def partition_key(table: str) -> list[str]:
    found = KEY.search(tables()[table])
    if not found:
        return [tables()[table].split()[0]]  # name text PRIMARY KEY
    return [column.strip() for column in (found[1] or found[2]).split(",")]


def entry(number: int) -> BlockEntry[bytes]:
    return BlockEntry(INFO._replace(key=key(number, number)), new_id(), False, digest(b"%d" % number))


def test_it_works() -> None:
    """A large installation: a backlog of 100,000 blocks in one partition of the log, 400,000 segments."""
    sizes = largest_partitions(blocks=100_000, segments=400_000, partitions=10_000, generations=100)
    assert max(sizes.values()) <= LARGEST_PARTITION
    assert sizes["columns"] > 64 * 2**20


def test_every_table_has_a_bound() -> None:
    assert len(statements()) == len(tables())
    assert sorted(tables()) == sorted(largest_partitions(1, 1, 1, 1))


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("formats", ["name"]),
        ("logs", ["everything"]),
        ("blocks", ["log", "part"]),
        ("manifests", ["property"]),
        ("segments", ["shard"]),
        ("contexts", ["name"]),
        ("payloads", ["id", "bucket"]),
        ("columns", ["id", "bucket"]),
        ("documents", ["id", "bucket"]),
    ],
)
def test_the_bounds_are_of_these_partitions(table: str, columns: list[str]) -> None:
    assert partition_key(table) == columns


def test_there_is_no_counter_no_index_and_no_collection_that_grows() -> None:
    text = SCHEMA_FILE.read_text().lower()
    assert "counter" not in text
    assert "create index" not in text
    assert set(re.findall(r"\b(?:map|set|list)<", text)) == {"list<"}
    assert "frozen<list<blob>>" in text


def test_the_figures_in_the_comments_are_those_of_the_code() -> None:
    text = SCHEMA_FILE.read_text()
    assert f"up to {PAGE_BLOCKS} of them" in text
    assert f"in {SEGMENT_SHARDS} shards" in text
    assert f"{BUCKET_CELLS} cells make a bucket" in text
    assert f"cells of {PAYLOAD_CELL_BYTES // 1024} KiB" in text
    assert f"cells of {CELL_BYTES // 1024} KiB at most" in text
    assert BUCKET_CELLS * CELL_BYTES == 64 * 2**20


def test_no_grace_is_shorter_than_a_sweep_waits() -> None:
    """Content that came back after its grace is found by the sweep, as it is older than that."""
    graces = [int(number) for number in re.findall(r"gc_grace_seconds = (\d+)", SCHEMA_FILE.read_text())]
    assert min(graces) >= 3 * 3600 > ABANDONED_S
    assert IN_FLIGHT * CELL_BYTES <= 8 * 2**20


def test_a_page_of_the_index_is_no_larger_than_assumed() -> None:
    """Incompressible, it has to fit the estimate; real pages are a fifth of it."""
    page = [entry(number) for number in range(PAGE_BLOCKS)]
    packed = _encode((LOG, 0), 0, page)
    assert len(packed) < largest_partitions(PAGE_BLOCKS, 1, 1, 1)["blocks"]
    assert _decode((LOG, 0), 0, packed) == page


@pytest.mark.parametrize("at", [0, 5, -1])
def test_a_page_that_changed_is_found(at: int) -> None:
    packed = bytearray(_encode((LOG, 0), 0, [entry(1)]))
    packed[at] ^= 1
    with pytest.raises(CorruptBlob, match="page 0 of the index"):
        _decode((LOG, 0), 0, bytes(packed))


def test_a_page_in_another_place_is_found() -> None:
    with pytest.raises(CorruptBlob):
        _decode((LOG, 0), 1, _encode((LOG, 0), 0, [entry(1)]))


def test_pages_are_filled_before_new_ones_are_made() -> None:
    """However blocks come and go, there are as few pages as the most blocks ever needed."""
    index = Index(0, None, {})
    alive: list[BlockEntry[bytes]] = []
    for number in range(400):
        alive.append(entry(number))
        index = _changed(index, IndexChange(alive[:100] if len(alive) > 200 else [], alive[-1:]))
        alive = index.entries
    assert len(index.pages) == -(-201 // PAGE_BLOCKS)
    assert max(map(len, index.pages.values())) <= PAGE_BLOCKS
    assert (index.version, index.highest) == (400, 399)
    assert COMMITS_KEPT >= 16


def test_blocks_are_cut_into_cells() -> None:
    data = encode_block({1: raw(20_000)}) * 3
    cells = split_cells(data, PAYLOAD_CELL_BYTES)
    assert b"".join(cells) == data
    assert {len(cell) for cell in cells[:-1]} == {PAYLOAD_CELL_BYTES}


def test_ids_say_when_they_were_made() -> None:
    first, second = new_id(), new_id()
    assert first != second
    assert len(first) == 16
    assert 0 <= written_at(second) - written_at(first) < 60


def test_a_segment_in_cells() -> None:
    frames = {"events": built(30_000), "carry": built(3), "none": built(0)}
    encoded = segment_cells.encode(frames)
    sections = segment_cells.read_head(b"".join(encoded.head))
    for name, frame in frames.items():
        chunks = segment_cells.wanted(sections[name], None)
        data = [b"".join(encoded.cells[n] for n in chunk.cells)[chunk.offset :][: chunk.length] for chunk in chunks]
        assert all(map(segment_cells.is_sound, chunks, data))
        assert segment_cells.decode(sections[name], chunks, data).equals(frame)
    assert segment_cells.encode(frames) == encoded
    assert encoded.bytes == sum(map(len, [*encoded.head, *encoded.cells]))


def test_a_large_column_has_its_cells_alone_and_small_ones_share() -> None:
    texts = [digest(b"%d" % n).hex() * 4 for n in range(40_000)]
    frame = pl.DataFrame({"a": range(40_000), "large": texts, "b": [1] * 40_000, "c": [2] * 40_000})
    encoded = segment_cells.encode({"events": frame})
    by_name = {c.column: c for c in segment_cells.read_head(b"".join(encoded.head))["events"].chunks}
    assert len(by_name["large"].cells) > 1
    assert by_name["b"].cell == by_name["c"].cell
    others = {n for name, chunk in by_name.items() if name != "large" for n in chunk.cells}
    assert others.isdisjoint(by_name["large"].cells)
    assert max(map(len, encoded.cells)) <= CELL_BYTES
    assert len(encoded.cells[by_name["b"].cell]) <= PACK_BYTES


def test_the_keyspace_is_replicated_as_the_address_says() -> None:
    address = parse_address("cassandra://a,b/stats?replication=dc1:3,dc2:2")
    assert keyspace_statement(address) == (
        "CREATE KEYSPACE IF NOT EXISTS stats WITH replication ="
        " {'class': 'NetworkTopologyStrategy', 'dc1': 3, 'dc2': 2}"
    )


class TestAddress:
    def test_it_works(self) -> None:
        found = parse_address("cassandra://me:p%40ss@a:9142,b:9142/stats?dc=dc1&replication=3")
        assert found == (("a", "b"), 9142, "stats", "me", "p@ss", "dc1", (("replication_factor", 3),), None)
        assert parse_address("cassandra://a/stats").port == 9042

    @pytest.mark.parametrize(
        "url",
        [
            "cassandra://a",
            "cassandra:///stats",
            "cassandra://a/Stats",
            "cassandra://a/stats; DROP KEYSPACE x",
            "cassandra://a/stats?unknown=1",
            "cassandra://a/stats?replication='3'",
            "cassandra://a/stats?replication=3}",
            "cassandra://a:port/stats",
            "cassandra://a:1,b:2/stats",
            "cassandra://a,/stats",
            "sqlite:///stats",
        ],
    )
    def test_others_are_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="store|replication|port"):
            parse_address(url)

    def test_a_refusal_does_not_tell_the_password(self) -> None:
        with pytest.raises(ValueError, match="address of a store") as refused:
            parse_address("cassandra://me:secret@a/Stats")
        assert "secret" not in str(refused.value)
