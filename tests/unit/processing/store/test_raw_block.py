"""Raw blocks: what goes in comes out, small, the same bytes every time, and damage never passes."""

import zlib

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.schema import ITEM_BYTES, RAW, conform
from processing.store import raw_block as block
from processing.store.block_directory import NAMES, PREFIX_BYTES, Chunk, CorruptBlob, head_bytes, pack_head, read_head
from processing.store.raw_block import (
    decode_pieces,
    encode_block,
    find_problems,
    merge,
    pieces_of,
    property_rows,
    rows_of_range,
)
from tests.contract.store_builders import raw

UNSIGNED = st.integers(0, 2**64 - 1)
TEXT = st.none() | st.text(max_size=30)
ROW = st.fixed_dictionaries(
    {
        "position": UNSIGNED,
        "index": st.integers(0, 2**16 - 1),
        "time": st.integers(-(2**62), 2**62),
        "received_us": st.integers(-(2**62), 2**62),
        "stable": st.booleans(),
        "visitor": UNSIGNED,
        "hit": UNSIGNED,
        "client_session": st.none() | UNSIGNED,
        "sequence": st.integers(0, 2**32 - 1),
    },
    optional={"user_agent": TEXT, "dl": TEXT, "rest": TEXT, "city": TEXT},
)
FRAMES = st.dictionaries(UNSIGNED, st.lists(ROW, max_size=5), max_size=4)


def frames_of(rows_by_property: dict[int, list[dict[str, object]]]) -> dict[int, pl.DataFrame]:
    return {number: conform(pl.DataFrame(each, schema=RAW), RAW) for number, each in rows_by_property.items()}


def flipped(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes([blob[at] ^ 0x20]) + blob[at + 1 :]


def test_it_works() -> None:
    blob = encode_block({7: raw(3), 9: raw(2, first=100)})
    assert property_rows(blob, 7).equals(raw(3))
    assert property_rows(blob, 9).equals(raw(2, first=100))
    assert property_rows(blob, 8).equals(pl.DataFrame(schema=RAW))


@settings(deadline=None)
@given(FRAMES)
def test_any_rows_come_back(content: dict[int, list[dict[str, object]]]) -> None:
    frames = frames_of(content)
    blob = encode_block(frames)
    assert list(find_problems(blob)) == []
    assert read_head(blob).properties() == sorted(number for number, frame in frames.items() if frame.height)
    for number, frame in frames.items():
        assert property_rows(blob, number).equals(frame)
        assert property_rows(blob, number).schema == RAW


@pytest.mark.parametrize("count", [1, block.SMALL_ROWS - 1, block.SMALL_ROWS, 5000])
def test_blocks_of_any_size(count: int) -> None:
    assert property_rows(encode_block({1: raw(count), 2: raw(1)}), 1).equals(raw(count))


@pytest.mark.parametrize("count", [3, 1000])
def test_the_same_rows_give_the_same_bytes(count: int) -> None:
    halves = pl.concat([raw(count // 2), raw(count - count // 2, first=count // 2)], rechunk=False)
    sliced = pl.concat([raw(50, first=900_000), raw(count)]).slice(50)
    blob = encode_block({2: raw(1), 1: raw(count)})
    assert encode_block({1: halves, 2: raw(1)}) == blob
    assert encode_block({1: sliced, 2: raw(1)}) == blob


def test_directory_says_what_is_in_a_block() -> None:
    frame = pl.concat([raw(2), raw(2)]).with_columns(index=pl.Series([0, 0, 1, 1], dtype=pl.UInt16))
    chunk = read_head(encode_block({5: frame, 6: raw(1000)})).chunk(5)
    assert chunk is not None
    assert (chunk.rows, chunk.hits, chunk.min_time, chunk.max_time) == (4, 2, frame["time"].min(), frame["time"].max())


@pytest.mark.parametrize("count", [4, 1000])
def test_hits_are_distinct_positions_whatever_the_encoding(count: int) -> None:
    head = read_head(encode_block({1: pl.concat([raw(count), raw(count)]), 2: raw(3)}))
    assert (head.rows, head.hits) == (2 * count + 3, count + 3)


def test_a_chunk_decodes_without_the_others() -> None:
    blob = encode_block({number: raw(2, first=number * 10) for number in range(1, 50)})
    head = read_head(blob)
    wanted = head.chunk(25)
    assert wanted is not None
    end = wanted.offset + wanted.length
    alone = blob[: head.size] + bytes(wanted.offset - head.size) + blob[wanted.offset : end] + bytes(len(blob) - end)
    assert property_rows(alone, 25).equals(raw(2, first=250))
    with pytest.raises(CorruptBlob, match="property 24"):
        property_rows(alone, 24)


def test_no_flipped_byte_passes() -> None:
    blob = encode_block({1: raw(2), 2: raw(block.SMALL_ROWS, first=50)})
    original = {number: property_rows(blob, number) for number in (1, 2)}
    for at in [*range(400), *range(400, len(blob), 97)]:
        damaged = flipped(blob, at)
        assert list(find_problems(damaged)), f"byte {at}"
        for number, frame in original.items():
            try:
                assert property_rows(damaged, number).equals(frame), f"byte {at}"
            except CorruptBlob:
                continue


@settings(deadline=None)
@given(st.integers(0, 1500))
def test_no_cut_passes(length: int) -> None:
    blob = encode_block({number: raw(1, first=number) for number in range(1, 20)})
    assert list(find_problems(blob[: length % len(blob)]))
    assert list(find_problems(blob + b"more"))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_other_bytes_are_no_block(data: bytes) -> None:
    with pytest.raises(CorruptBlob):
        read_head(data)


def test_a_format_of_the_future_is_refused() -> None:
    blob = encode_block({1: raw(1)})
    with pytest.raises(CorruptBlob, match="format 2, not 1"):
        head_bytes(blob[:3] + b"\x02" + blob[4:])


def test_six_hundred_properties_of_one_hit_are_small() -> None:
    blob = encode_block({number: raw(1, first=number) for number in range(600)})
    assert len(blob) < 200_000
    assert property_rows(blob, 599).equals(raw(1, first=599))


def test_rows_of_many_blocks_at_once() -> None:
    small = [encode_block({1: raw(2, first=n * 10), 2: raw(1)}) for n in range(20)]
    large = encode_block({1: raw(1000, first=5000)})
    both = decode_pieces(pieces_of([*small[:10], large, *small[10:], encode_block({3: raw(1)})], 1))
    ranges = [raw(2, first=n * 10) for n in range(20)]
    assert both.equals(pl.concat([*ranges[:10], raw(1000, first=5000), *ranges[10:]]))


def test_columns_that_only_some_blocks_have_are_null_elsewhere() -> None:
    with_city = raw(1).with_columns(city=pl.lit("Ulm"))
    found = decode_pieces(pieces_of([encode_block({1: frame}) for frame in (raw(2), with_city, raw(1))], 1))
    assert found["city"].to_list() == [None, None, "Ulm", None]


def test_a_block_with_other_columns_is_read_by_name() -> None:
    """A later version may add, drop, or move columns of RAW."""
    plain = msgspec.msgpack.encode([(0, ["x"]), (1, [5]), (2, ["gone"])])
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(plain) + deflate.flush()
    chunk = Chunk(1, 0, len(data), len(plain), 1, 1, 5, 5, zlib.crc32(data), 0)
    prefix_and_head = pack_head(b"", [chunk], names=("city", "time", "an old column"))
    found = property_rows(prefix_and_head + data, 1)
    assert found.schema == RAW
    assert found.select("city", "time", "hit").row(0) == ("x", 5, None)


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=4))
def test_merging_keeps_all_rows_in_order(contents: list[dict[int, list[dict[str, object]]]]) -> None:
    blocks = [frames_of(content) for content in contents]
    merged = merge([encode_block(frames) for frames in blocks])
    for number in {number for frames in blocks for number in frames}:
        parts = [frames[number] for frames in blocks if number in frames]
        assert property_rows(merged, number).equals(pl.concat(parts))


def test_merging_may_leave_properties_out() -> None:
    blobs = [encode_block({1: raw(1), 2: raw(1, first=10)}), encode_block({1: raw(1, first=5)})]
    assert merge(blobs, without=[1]) == encode_block({2: raw(1, first=10)})


def test_merging_refuses_damage() -> None:
    blob = encode_block({1: raw(1), 2: raw(1)})
    with pytest.raises(CorruptBlob, match="property 2"):
        merge([blob, flipped(blob, len(blob) - 1)])


def test_rows_of_a_range() -> None:
    frame = raw(10, first=20)
    elsewhere = pl.lit((3 << 56) + (2 << 48), dtype=pl.UInt64)
    moved = frame.with_columns(pl.col("position") + elsewhere)
    assert rows_of_range(moved, 22, 23).equals(moved.slice(2, 2))


def test_other_columns_than_raw_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of RAW"):
        encode_block({1: raw(1).drop("hit")})


def test_prefix_is_enough_to_find_the_head() -> None:
    blob = encode_block({1: raw(1), 2: raw(4)})
    assert read_head(blob[: head_bytes(blob[:PREFIX_BYTES])]).names == NAMES


@pytest.mark.parametrize("rows", [10, 1_000])
def test_items_count_as_memory(rows: int) -> None:
    """Small chunks are lists, and large ones Parquet."""

    def memory(rest: str) -> int:
        blob = encode_block({1: conform(raw(rows).with_columns(rest=pl.lit(rest)), RAW)})
        chunk = read_head(blob).chunk(1)
        assert chunk
        assert property_rows(blob, 1)["rest"].to_list() == [rest] * rows
        return chunk.memory()

    assert memory("pr1=ida&x=1&pr20=idb") - memory("xx1=ida&x=1&xx20=idb") == 2 * rows * ITEM_BYTES
