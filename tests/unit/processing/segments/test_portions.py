"""Work is done in portions that are bounded by rows and by bytes, and what it gives does not depend on them."""

import random
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from collection.hit import RawHit
from processing.pipeline.process import Processed
from processing.receiving import batcher
from processing.receiving.batcher import estimated_bytes
from processing.schema import BUILT, ITEM_BYTES
from processing.segments import column_cache, raw_parts, tail
from processing.segments import seal as sealing
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import decode_manifest
from processing.segments.process_raw import apply_rules
from processing.segments.raw_parts import EVERYBODY, process_parts, visitor_ranges
from processing.segments.seal import seal
from processing.segments.tail import Weight, affordable
from processing.store.port import BlockInfo, BlockKey, Store
from tests.contract.store_builders import built
from tests.support.erasing import EVER
from tests.support.installation import SHOP, Installation, ga4

LONG = "https://shop.example/" + "x" * 1_000

pytestmark = pytest.mark.django_db


def filled(folder: Path, hits: int = 8) -> Installation:
    """Returns an installation whose tail has a block for each hit, each of another visitor."""
    here = Installation(folder)
    for number in range(hits):
        here.send(ga4(number, client=f"{number}.1", page=f"{LONG}{number}"))
        here.receive()
    return here


def versions(here: Installation) -> int:
    stored = here.store.manifest(SHOP.id)
    return stored.version if stored else 0


def shown(here: Installation) -> pl.DataFrame:
    columns = ["position", "visitor", "session", "path", "day", "engaged"]
    return here.view().events(*EVER, columns).with_columns(pl.col("path").cast(pl.String)).sort("position")


@pytest.mark.parametrize(
    ("limit", "portions"), [(Weight(3, 2**30), 3), (Weight(1_000, 2_500), 4), (Weight(9, 2**30), 1)]
)
def test_it_works(limit: Weight, portions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tail is sealed in portions of so many rows, or so long texts."""
    monkeypatch.setattr(sealing, "PORTION", limit)
    here = filled(tmp_path)
    before = shown(here)
    seal(here.store, ColumnCache(here.store), SHOP.id)
    assert versions(here) == portions
    assert shown(here).equals(before)


def test_blocks_are_processed_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = filled(tmp_path)
    whole = shown(here)
    monkeypatch.setattr(tail, "BATCH", Weight(3, 2**30))
    here.restart()
    assert shown(here).equals(whole)


def test_a_view_shows_a_long_tail_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is shown when the worker has sealed what comes before it."""
    monkeypatch.setattr(tail, "VIEW", Weight(3, 2**30))
    here = filled(tmp_path)
    view = here.view()
    assert view.counts().counted == 3
    assert tail.waiting_hits(here.store, SHOP.id, view.waiting) == 5
    here.worker.seal(everything=True)
    assert here.view().counts().counted == 8
    assert not here.view().waiting


def with_items(number: int) -> RawHit:
    """A hit of 600 bytes with 2,000 items: each of its events repeats the parameters of the address."""
    items: dict[str, Any] = {f"pr{n}": "ida" for n in range(1, 21)}
    return msgspec.structs.replace(ga4(number, client=f"{number}.1", **items), body=b"\n".join([b"en=x"] * 100))


def test_items_weigh_more_than_their_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A range ends with the hit that is too much, and a view shows as many items as fit into memory."""
    monkeypatch.setattr(batcher, "MAX_RANGE_BYTES", 3_900 * ITEM_BYTES)
    monkeypatch.setattr(tail, "VIEW", Weight(100_000, 7_900 * ITEM_BYTES))
    here = Installation(tmp_path)
    here.send(*map(with_items, range(6)))
    here.receive()
    view = here.view()
    assert [block.hits for block in view.tail.blocks] == [2, 2]
    assert view.items(*EVER, ["item_id"]).height == 8_000
    assert tail.waiting_hits(here.store, SHOP.id, view.waiting) == 2
    here.worker.seal(everything=True)
    assert here.view().items(*EVER, ["item_id"]).height == 12_000


@pytest.mark.parametrize("text", [b"pr1=ida", b"&pr200=ida&", b"%70r1=ida", b"p%721=x", b"pr%31=x"])
def test_the_name_of_an_item_may_be_escaped(text: bytes) -> None:
    assert estimated_bytes(text) >= ITEM_BYTES
    assert estimated_bytes(b"dl=/prices%20and%20products&en=print") < ITEM_BYTES


def test_raw_rows_are_divided_by_their_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Installation(tmp_path)
    here.send(*map(with_items, range(4)))
    here.receive()
    here.worker.seal(everything=True)
    stored = here.store.manifest(SHOP.id)
    assert stored
    parts = decode_manifest(stored.data).raw
    whole = process_parts(here.store, SHOP.id, parts, pl.lit(value=True), ())
    heights = list[int]()

    def watched(store: Store, property: int, rows: pl.DataFrame, *rest: Any) -> Processed:
        heights.append(rows.height)
        return apply_rules(store, property, rows, *rest)

    monkeypatch.setattr(raw_parts, "apply_rules", watched)
    monkeypatch.setattr(raw_parts, "BATCH_BYTES", 2_100 * ITEM_BYTES)
    divided = process_parts(here.store, SHOP.id, parts, pl.lit(value=True), ())
    assert max(heights) <= 200
    assert sum(heights) == 400
    order = ["position", "index", "number"]
    assert divided.items.sort(order).equals(whole.items.sort(order))


def test_a_later_view_of_a_long_tail_shows_what_an_earlier_one_showed() -> None:
    rnd = random.Random(1)
    ends, blocks, before = [0, 0, 0], list[BlockInfo](), set[BlockKey]()
    for _ in range(200):
        part = rnd.randrange(3)
        key = BlockKey("log", part, ends[part], ends[part])
        ends[part] += 1
        blocks = sorted([*blocks, BlockInfo(key, "c", 1, 1, 100)])
        some, others = affordable(blocks, lambda _: Weight(3_000, 0))
        assert sorted([*some, *others]) == blocks
        assert len(some) == min(len(blocks), 27)
        if len(blocks) <= 27:
            before = {block.key for block in some}
    assert len(before) == 27


def test_raw_rows_are_read_by_visitors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All events of a hit are processed together, though they lie in several raw parts."""
    here = filled(tmp_path, 5)
    here.send(ga4(9, client="2.1", session="2"))
    here.worker.receiver.receive(at_once=True)
    here.worker.seal(everything=True)
    stored = here.store.manifest(SHOP.id)
    assert stored
    parts = decode_manifest(stored.data).raw
    always = pl.lit(value=True)
    whole = process_parts(here.store, SHOP.id, parts, always, ())
    monkeypatch.setattr(raw_parts, "BATCH_ROWS", 2)
    divided = process_parts(here.store, SHOP.id, parts, always, ())
    assert divided.events.sort("position").equals(whole.events.sort("position"))
    ranges = visitor_ranges(here.store, parts, 2, 2**30)
    assert len(ranges) == 3
    assert (ranges[0].first, ranges[-1].last) == EVERYBODY
    assert all(one.last + 1 == other.first for one, other in zip(ranges, ranges[1:], strict=False))
    some = [process_parts(here.store, SHOP.id, parts, always, (), visitors).events for visitors in ranges]
    assert pl.concat(some).sort("position").equals(whole.events.sort("position"))


def test_some_rows_of_a_large_section_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Installation(tmp_path).store
    store.put_segment("s", {"events": built(2_000)})
    mask = pl.Series([number % 700 == 5 for number in range(2_000)])
    whole = ColumnCache(store).filtered("s", "events", list(BUILT), mask)
    monkeypatch.setattr(column_cache, "PIECE_BYTES", 10_000)
    assert ColumnCache(store).filtered("s", "events", list(BUILT), mask).equals(whole)
    assert whole.height == 3


def test_work_that_only_copies_rows_keeps_texts_without_codes(tmp_path: Path) -> None:
    """Polars frees no text that had a code before every column with codes is gone."""
    here = filled(tmp_path, 2)
    here.store.put_segment("s", {"events": built(600).with_columns(pl.col(pl.String).cast(pl.Categorical))})
    kept = ColumnCache(here.store, codes=False).frame("s", "events", ["path", "time"])
    assert kept.schema == {"path": pl.String(), "time": pl.Int64()}
    assert kept["path"].equals(built(600)["path"])
    here.worker.seal(everything=True)
    here.send(*(ga4(20 + number, client=f"{number}.1", session="1") for number in range(2)))  # of the same visitors
    here.receive()
    here.worker.seal(everything=True)
    cached = here.worker._columns._kept.values()
    assert cached
    assert all(column.dtype != pl.Categorical for column in cached)
