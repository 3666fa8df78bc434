"""Measures the common tasks of a store: writing and reading segments, putting blocks, commits, listing, pinning.

    python -m bench.store sqlite:///folder | cassandra://host:port/keyspace

The store is created if needed, and keeps the written data: use a separate folder or keyspace.
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from uuid import uuid4

import polars as pl

from bench.site import median
from processing.schema import BUILT, RAW, conform
from processing.store import open_store, set_up_store
from processing.store.port import BlockKey, LiveChange, ManifestChange, Store
from processing.store.raw_block import encode_block

ROUNDS = 40
ROWS = 200_000
HITS = 4096
COLUMNS = ("time", "visitor", "path")


def main(url: str) -> None:
    set_up_store(url)
    with closing(open_store(url)) as store:
        figures = {**blocks(store), **commits(store), **segments(store, url)}
    for name, value in figures.items():
        sys.stdout.write(f"{name:36} {value:12.2f}\n")


def blocks(store: Store) -> dict[str, float]:
    log, blob = uuid4().hex, encode_block({1: conform(rows(HITS), RAW)})
    keys = [BlockKey(log, 0, at * HITS, (at + 1) * HITS - 1) for at in range(ROUNDS)]
    put = [timed(partial(store.put_block, key, "c", blob)) for key in keys]
    listed = [timed(store.blocks) for _ in range(ROUNDS)]
    read = timed(lambda: store.rows(keys, 1))
    return {
        "block, KB": len(blob) / 1000,
        "put block, ms": median(put),
        "put block, p95 ms": percentile(put),
        "list blocks again, ms": median(listed),
        "rows of 40 blocks, ms": read,
    }


def commits(store: Store) -> dict[str, float]:
    property, data = uuid4().int % 2**40, b"a book of thirty kilobytes" * 1200
    store.commit(property, {1: ManifestChange(0, data)}, LiveChange(None, 1))
    times = [timed(partial(store.commit, property, {1: ManifestChange(n, data)})) for n in range(1, ROUNDS)]
    pins = [timed(lambda: store.pin(property)) for _ in range(ROUNDS)]
    return {"commit, ms": median(times), "commit, p95 ms": percentile(times), "pin, ms": median(pins)}


def segments(store: Store, url: str) -> dict[str, float]:
    name, frame = f"bench-{uuid4().hex}", conform(rows(ROWS), BUILT)
    info = store.put_segment(f"{name}-warm", {"events": frame.head(1000)})
    started = time.perf_counter()
    info = store.put_segment(name, {"events": frame})
    wrote = time.perf_counter() - started
    with closing(open_store(url)) as other:
        other.read(f"{name}-warm", "events", ["time"])
        few = timed(lambda: other.read(name, "events", COLUMNS))
        whole = timed(lambda: other.read(name, "events"))
    megabytes = info.bytes / 1e6
    return {
        "segment, MB": megabytes,
        "put segment, MB/s": megabytes / wrote,
        "read segment, MB/s": megabytes / whole * 1000,
        "read 3 columns, ms": few,
        "read segment, ms": whole,
    }


def rows(count: int) -> pl.DataFrame:
    """Texts that do not compress, so that the figures measure bytes."""
    return pl.DataFrame(
        {
            "position": range(count),
            "index": [0] * count,
            "time": [n * 1000 for n in range(count)],
            "received_us": [n * 10**6 for n in range(count)],
            "stable": [True] * count,
            "visitor": [n * 11400714819323198485 % 2**64 for n in range(count)],
            "hit": [n * 2**40 for n in range(count)],
            "path": [f"/{uuid4().hex}" for _ in range(count)],
            "dl": [f"https://example.org/{uuid4().hex}" for _ in range(count)],
            "title": [uuid4().hex for _ in range(count)],
        },
        schema_overrides={"visitor": pl.UInt64},
    )


def timed(action: Callable[[], object]) -> float:
    """Returns milliseconds."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def percentile(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main(sys.argv[1])
