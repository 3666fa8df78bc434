"""Small blocks and segments for the tests of a store, and the means to set threads against each other."""

import threading
from collections.abc import Callable, Iterable

import polars as pl

from processing.schema import BUILT, RAW, conform
from processing.store.port import BlockKey, Store
from processing.store.raw_block import encode_block, merge

LOG = "0123456789abcdef0123456789abcdef"
Reopen = Callable[[], Store]


def raw(count: int, first: int = 0) -> pl.DataFrame:
    """RAW rows of `count` hits whose positions start at `first`."""
    at = range(first, first + count)
    columns = {
        "position": at,
        "index": [0] * count,
        "time": [n * 1000 for n in at],
        "received_us": [n * 10**6 for n in at],
        "stable": [True] * count,
        "visitor": [n % 7 for n in at],
        "hit": [n * 2**40 for n in at],
        "sequence": [1] * count,
        "protocol": ["ga4"] * count,
        "en": ["page_view"] * count,
        "dl": [f"https://example.org/page/{n}" for n in at],
    }
    return conform(pl.DataFrame(columns), RAW)


def key(first: int, last: int, partition: int = 0, log: str = LOG) -> BlockKey:
    return BlockKey(log, partition, first, last)


def put(store: Store, first: int, last: int, context: str = "c", properties: Iterable[int] = (1,)) -> BlockKey:
    """Stores a block in which each property has one hit at each offset."""
    store.put_block(key(first, last), context, blob(first, last, properties))
    return key(first, last)


def blob(first: int, last: int, properties: Iterable[int] = (1,)) -> bytes:
    return encode_block({number: raw(last - first + 1, first) for number in properties})


def merge_all(store: Store, keys: list[BlockKey], context: str = "c") -> BlockKey:
    merged = key(keys[0].first, keys[-1].last)
    store.replace_blocks(keys, merged, context, merge([store.blob(each) for each in keys]))
    return merged


def positions(store: Store, keys: list[BlockKey], property: int = 1) -> list[int]:
    return store.rows(keys, property)["position"].to_list()


def built(count: int) -> pl.DataFrame:
    """Rows of every type that a segment has, with nulls."""
    columns = {
        "time": range(count),
        "visitor": [2**64 - 1 - n for n in range(count)],
        "stable": [True] * count,
        "path": [f"/{n % 50}\u2028<b>" if n % 3 else None for n in range(count)],
        "day": [n % 31 for n in range(count)],
    }
    return conform(pl.DataFrame(columns), BUILT)


def together(*actions: Callable[[], object], count: int = 1) -> list[Exception]:
    """Runs actions at the same moment, each in a thread; gives what they raised."""
    failures: list[Exception] = []
    gate = threading.Barrier(len(actions) * count)

    def run(action: Callable[[], object]) -> None:
        gate.wait()
        try:
            action()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test compares it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
