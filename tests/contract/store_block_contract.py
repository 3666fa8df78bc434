"""The part of the contract of a store that is about raw blocks."""

import threading

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processing.schema import RAW
from processing.store.port import BlockInfo, BlockKey, Conflict, CorruptBlob, Missing, Store
from processing.store.raw_block import encode_block, merge
from tests.contract.store_builders import LOG, Reopen, blob, key, merge_all, positions, put, raw, together

ONE_STORE_FOR_ALL_EXAMPLES = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


class BlockContract:
    def test_a_block_is_there_for_others_at_once(self, store: Store, reopen: Reopen) -> None:
        other = reopen()
        assert other.blocks() == []
        put(store, 0, 4)
        assert other.blocks() == store.blocks() != []
        assert positions(other, [key(0, 4)]) == [0, 1, 2, 3, 4]
        assert reopen().highest(LOG, 0) == 4

    def test_putting_again_changes_nothing(self, store: Store) -> None:
        put(store, 0, 4)
        before = store.blocks()
        put(store, 0, 4)
        assert store.blocks() == before

    def test_other_bytes_or_another_context_conflict(self, store: Store) -> None:
        put(store, 0, 4)
        with pytest.raises(Conflict):
            store.put_block(key(0, 4), "c", blob(0, 4, (2,)))
        with pytest.raises(Conflict):
            put(store, 0, 4, context="another")
        assert store.rows([key(0, 4)], 1).equals(raw(5))

    @pytest.mark.parametrize(("first", "last"), [(2, 3), (0, 9), (4, 9), (3, 12), (9, 9), (5, 9)])
    def test_ranges_that_overlap_conflict(self, store: Store, first: int, last: int) -> None:
        put(store, 4, 9)
        put(store, 20, 29)
        if first == 2:
            put(store, first, last)
            assert len(store.blocks()) == 3
        elif (first, last) == (4, 9):
            put(store, first, last)
            assert len(store.blocks()) == 2
        else:
            with pytest.raises(Conflict):
                put(store, first, last)

    def test_a_damaged_block_is_not_taken(self, store: Store) -> None:
        with pytest.raises(CorruptBlob):
            store.put_block(key(0, 4), "c", blob(0, 4)[:-1] + b"?")
        assert store.blocks() == []

    def test_an_impossible_range_is_not_taken(self, store: Store) -> None:
        with pytest.raises(ValueError, match="range"):
            put(store, 5, 4)

    def test_a_block_may_be_empty(self, store: Store) -> None:
        store.put_block(key(0, 4), "c", encode_block({}))
        assert [(info.rows, info.hits) for info in store.blocks()] == [(0, 0)]
        assert store.rows([key(0, 4)], 1).equals(pl.DataFrame(schema=RAW))

    def test_blocks_are_in_order_of_log_partition_and_offset(self, store: Store) -> None:
        keys = [key(10, 19), key(0, 9), key(0, 9, partition=1), key(0, 9, log="another"), key(100, 109)]
        for each in keys:
            store.put_block(each, "c", blob(each.first, each.last))
            store.blocks()
        assert [info.key for info in store.blocks()] == sorted(keys)

    def test_directory(self, store: Store) -> None:
        put(store, 0, 4, properties=(1, 5))
        head = store.directory(key(0, 4))
        chunk = head.chunk(5)
        assert head.properties() == [1, 5]
        assert chunk is not None
        assert (chunk.rows, chunk.hits, chunk.min_time, chunk.max_time) == (5, 5, 0, 4000)

    def test_rows_come_in_the_order_of_the_keys(self, store: Store) -> None:
        keys = [put(store, first, first + 1) for first in (0, 2, 4)]
        assert positions(store, [keys[2], keys[0]]) == [4, 5, 0, 1]
        assert positions(store, []) == []

    def test_a_property_that_is_not_there_has_no_rows(self, store: Store) -> None:
        put(store, 0, 4)
        assert store.rows([key(0, 4)], 77).equals(pl.DataFrame(schema=RAW))

    def test_unknown_keys_are_missing(self, store: Store) -> None:
        put(store, 0, 4)
        for unknown in (key(5, 9), key(0, 3), key(1, 4), key(0, 4, partition=1), key(0, 4, log="another")):
            for read in (lambda each: store.rows([each], 1), store.directory, store.blob):
                with pytest.raises(Missing):
                    read(unknown)

    def test_blob_is_what_was_put(self, store: Store) -> None:
        put(store, 0, 4)
        assert store.blob(key(0, 4)) == blob(0, 4)

    def test_merging_keeps_rows(self, store: Store, reopen: Reopen) -> None:
        other = reopen()
        keys = [put(store, 0, 4), put(store, 5, 9), put(store, 20, 24)]
        assert len(other.blocks()) == 3
        merged = merge_all(store, keys)
        assert other.blocks() == [BlockInfo(merged, "c", 15, 15, len(store.blob(merged)))]
        assert positions(other, [merged]) == [*range(10), *range(20, 25)]

    def test_a_pinned_view_outlives_a_merge(self, store: Store) -> None:
        keys = [put(store, first, first + 4, properties=(1, 2)) for first in (0, 5, 10)]
        _, pinned = store.pin(1)
        merge_all(store, [merge_all(store, keys[:2]), keys[2]])
        for info in pinned:
            assert positions(store, [info.key]) == list(range(info.key.first, info.key.last + 1))
            assert 1 in store.directory(info.key)
        put(store, 15, 19)
        assert positions(store, [key(15, 19), keys[2], keys[0]]) == [*range(15, 20), *range(10, 15), *range(5)]

    def test_a_merged_block_is_no_longer_a_blob_of_its_own(self, store: Store) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9)]
        merge_all(store, keys)
        with pytest.raises(Missing):
            store.blob(keys[0])

    def test_putting_again_after_a_merge_changes_nothing(self, store: Store) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9)]
        merged = merge_all(store, keys)
        put(store, 0, 4)
        assert [info.key for info in store.blocks()] == [merged]
        with pytest.raises(Conflict):
            put(store, 3, 12)
        with pytest.raises(Conflict):
            put(store, 0, 4, context="another")

    def test_merging_again_changes_nothing(self, store: Store) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9)]
        merged = merge_all(store, keys)
        before = store.blocks()
        store.replace_blocks(keys, merged, "c", store.blob(merged))
        assert store.blocks() == before

    def test_merging_takes_all_blocks_of_its_span(self, store: Store) -> None:
        first, middle, last = put(store, 0, 4), put(store, 5, 9), put(store, 10, 14)
        with pytest.raises(Conflict):
            store.replace_blocks([first, last], key(0, 14), "c", merge([store.blob(first), store.blob(last)]))
        store.delete_blocks([middle])
        with pytest.raises(Conflict):
            store.replace_blocks([first, middle, last], key(0, 14), "c", blob(0, 14))
        assert len(store.blocks()) == 2

    def test_only_blocks_of_one_context_merge(self, store: Store) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9, context="another")]
        with pytest.raises(Conflict):
            merge_all(store, keys)

    def test_a_merged_block_spans_what_it_replaces(self, store: Store) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9)]
        with pytest.raises(ValueError, match="span"):
            store.replace_blocks(keys, key(0, 12), "c", blob(0, 9))

    def test_a_property_can_be_taken_out_of_a_block(self, store: Store) -> None:
        both = put(store, 0, 4, properties=(1, 2))
        store.replace_blocks([both], both, "c", merge([store.blob(both)], without=[1]))
        assert store.directory(both).properties() == [2]
        put(store, 0, 4, properties=(1, 2))
        assert store.directory(both).properties() == [2]

    def test_deleting(self, store: Store, reopen: Reopen) -> None:
        keys = [put(store, 0, 4), put(store, 5, 9), put(store, 10, 14)]
        other = reopen()
        other.blocks()
        store.delete_blocks([keys[0], keys[2], key(7, 8), key(50, 59)])
        store.delete_blocks([])
        assert [info.key for info in other.blocks()] == [keys[1]]
        with pytest.raises(Missing):
            other.rows([keys[0]], 1)
        assert other.highest(LOG, 0) == 14

    def test_highest(self, store: Store) -> None:
        assert store.highest(LOG, 0) is None
        put(store, 10, 14)
        put(store, 0, 4)
        assert store.highest(LOG, 0) == 14
        assert store.highest(LOG, 1) is None
        assert store.highest("another", 0) is None

    def test_many_threads_put_one_block_once(self, store: Store) -> None:
        failures = together(lambda: put(store, 0, 99), count=8)
        assert failures == []
        assert len(store.blocks()) == 1

    def test_a_reader_never_sees_half_a_merge(self, store: Store, reopen: Reopen) -> None:
        keys = [put(store, first, first + 4) for first in range(0, 100, 5)]
        seen: set[int] = set()
        done = threading.Event()

        def watch() -> None:
            other = reopen()
            while not done.is_set():
                blocks = other.blocks()
                seen.add(sum(info.hits for info in blocks))
                seen.add(other.rows([info.key for info in blocks], 1).height)

        watcher = threading.Thread(target=watch)
        watcher.start()
        merged = keys[0]
        for following in keys[1:]:
            merged = merge_all(store, [merged, following])
        done.set()
        watcher.join()
        assert seen <= {100}

    @settings(max_examples=25, deadline=None, suppress_health_check=ONE_STORE_FOR_ALL_EXAMPLES)
    @given(steps=st.lists(st.sampled_from(["put", "put", "merge", "delete", "repeat"]), max_size=12), data=st.data())
    def test_any_history_keeps_what_was_put(self, store: Store, steps: list[str], data: st.DataObject) -> None:
        store.delete_blocks([info.key for info in store.blocks()])
        start = next_free = (store.highest(LOG, 0) or 0) + 1
        put_keys: list[BlockKey] = []
        for step in steps:
            keys = [info.key for info in store.blocks()]
            if step == "put":
                put_keys.append(put(store, next_free, next_free + 2))
                next_free += 3
            elif step == "repeat" and put_keys:
                again = data.draw(st.sampled_from(put_keys))
                put(store, again.first, again.last)
            elif step == "merge" and len(keys) > 1:
                at = data.draw(st.integers(0, len(keys) - 2))
                merge_all(store, keys[at : at + 2])
            elif step == "delete" and keys:
                store.delete_blocks(keys[:1])
                put_keys = [each for each in put_keys if each.first > keys[0].last]
        assert positions(store, put_keys) == [n for each in put_keys for n in range(each.first, each.last + 1)]
        assert positions(store, [info.key for info in store.blocks()]) == positions(store, put_keys)
        assert all(info.key.first >= start for info in store.blocks())
