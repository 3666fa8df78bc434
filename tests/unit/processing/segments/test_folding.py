"""Layers that are folded column by column show the rows that folding them in memory shows."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from processing.schema import BUILT, EVENTS, ITEMS, OPEN_SESSIONS, REFUSED, Schema, conform
from processing.segments import merged_rows
from processing.segments.folding import AnyLayer, Sections, fold, stored_schema
from processing.segments.manifest import LayerRef
from processing.segments.sealed_periods import read_layer
from processing.sessions.condensed import CONDENSED, MIN_CONDENSED_EVENTS, RowSource, condensed_rows
from processing.sessions.layers import Layer, fold_layers, side_by_side, without_visitors
from processing.store import open_store
from processing.store.port import Store

PREFIX = "of_x_"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite://{tmp_path}/store")


def rows(rnd: random.Random, schema: Schema, visitors: list[int], count: int, text: int) -> pl.DataFrame:
    columns: dict[str, Any] = {
        "position": rnd.sample(range(10**9), count), "index": [0] * count, "start": range(count),
        "time": [rnd.randrange(1_000) for _ in range(count)], "visitor": rnd.choices(visitors, k=count),
        "hit": rnd.sample(range(10**9), count),
        "session": [rnd.getrandbits(64) for _ in range(count)], "again": [False] * count,
        "path": [rnd.choice([None, f"/{rnd.random()}" * rnd.randrange(1, text)]) for _ in range(count)],
        "country": rnd.choices(["Germany", "France", None], k=count), "page_view": [True] * count,
        "content": ["x" * rnd.randrange(text) for _ in range(count)],
    }  # fmt: skip
    return conform(pl.DataFrame({name: columns[name] for name in schema if name in columns}), schema)


def layer(rnd: random.Random, visitors: list[int], count: int, text: int = 5) -> Layer:
    frames = {
        name: rows(rnd, schema, visitors, size, text)
        for name, schema, size in (
            ("events", BUILT, count), ("duplicates", EVENTS, count // 10), ("rejected", REFUSED, count // 5),
            ("open", OPEN_SESSIONS, count // 20), ("items", ITEMS, count // 3),
        )
    }  # fmt: skip
    return Layer(pl.Series("visitor", visitors, dtype=pl.UInt64).sort(), **frames)


def put(store: Store, stack: list[AnyLayer], segment: str, **options: Any) -> LayerRef:
    ref, sections = fold(store, [stack], segment, PREFIX, **options)
    store.put_segment(segment, sections)
    return ref


def shown(store: Store, sections: Sections, ref: LayerRef) -> Layer:
    store.put_segment(ref.segment, sections)
    return read_layer(store, ref)


def assert_same(found: Layer, expected: Layer) -> None:
    for name, frame in found._asdict().items():
        wanted = getattr(expected, name)
        assert frame.equals(wanted), name


def test_it_works(store: Store) -> None:
    rnd = random.Random(1)
    below, above = layer(rnd, [1, 2, 3, 4], 300), layer(rnd, [2, 5], 100)
    stack = [put(store, [below], "a"), put(store, [above], "b", lowest=False)]
    ref, sections = fold(store, [stack], "c", PREFIX, lowest=False)
    expected = fold_layers([below, above])
    assert_same(shown(store, sections, ref), expected)
    assert ref.rows == expected.events.height + expected.duplicates.height + expected.rejected.height


def test_a_layer_in_memory_masks_stored_ones(store: Store) -> None:
    rnd = random.Random(2)
    below, above = layer(rnd, [1, 2, 3], 200), layer(rnd, [3, 4], 100)
    ref, sections = fold(store, [[put(store, [below], "a"), above]], "c", PREFIX, lowest=False)
    assert_same(shown(store, sections, ref), fold_layers([below, above]))


def test_layers_of_several_periods_do_not_mask_each_other(store: Store) -> None:
    rnd = random.Random(3)
    days = [layer(rnd, [1, 2, 3], 200) for _ in range(3)]
    stacks = [[put(store, [day], f"day{number}")] for number, day in enumerate(days)]
    ref, sections = fold(store, stacks, "month", PREFIX, lowest=False)
    assert_same(shown(store, sections, ref), side_by_side(days))


def test_hidden_visitors_are_left_out(store: Store) -> None:
    below = layer(random.Random(4), [1, 2, 3], 300)
    hidden = pl.Series("visitor", [2], dtype=pl.UInt64)
    ref, sections = fold(store, [[put(store, [below], "a")]], "c", PREFIX, hidden=hidden)
    found, whole = shown(store, sections, ref), fold_layers([below])
    assert found.events.equals(without_visitors(whole.events, hidden))
    assert found.rejected.equals(without_visitors(whole.rejected, hidden))


def test_long_texts_are_written_in_smaller_groups(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_rows, "COLUMN_BYTES", 2_000)
    monkeypatch.setattr(merged_rows, "GROUP_BYTES", 20_000)
    rnd, visitors = random.Random(5), list(range(1, 2_000))
    below, above = layer(rnd, visitors, 6_000, 40), layer(rnd, visitors[:20], 500, 40)
    stack = [put(store, [below], "a"), put(store, [above], "b", lowest=False)]
    ref, sections = fold(store, [stack], "c", PREFIX)
    events = sections[f"{PREFIX}events"]
    assert not isinstance(events, pl.DataFrame)
    assert len(events.groups) > 20
    found, expected = shown(store, sections, ref), fold_layers([below, above])
    assert_same(found._replace(visitors=expected.visitors), expected)
    assert_condensed(store, expected)


def test_events_are_condensed_while_they_are_written(store: Store) -> None:
    below = layer(random.Random(6), list(range(1, 600)), MIN_CONDENSED_EVENTS + 904)
    put(store, [below], "c")
    assert_condensed(store, fold_layers([below]))


def assert_condensed(store: Store, expected: Layer) -> None:
    found = store.read("c", f"{PREFIX}{RowSource.CONDENSED}")
    assert found.schema == stored_schema(RowSource.CONDENSED)
    assert conform(found, CONDENSED).equals(condensed_rows(expected.events))
