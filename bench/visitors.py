"""Measures the first sightings of a million visitors: in segments, merged in memory, and in reports.

    python -m bench.visitors [--visitors 1000000]

30 days; each visitor comes on one and a half of them, for three page views.
"""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

import numpy as np
import polars as pl

from bench.record import record
from processing.schema import BUILT, DAY_MS, conform
from processing.segments import folding
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import NO_CARRY, LayerRef, Manifest, PeriodEntry
from processing.segments.read_view import ReadView
from processing.segments.sealed_periods import SealedPeriods
from processing.segments.settled_sightings import SettledSightings
from processing.segments.tail import concat_tails
from processing.segments.writer import section_prefix
from processing.sessions.first_sightings import VISITORS
from processing.sessions.layers import EMPTY_LAYER, NO_ARRIVALS, ROW_ORDER, Layer
from processing.sessions.local_periods import day_key, day_number
from processing.store import open_store, set_up_store
from processing.store.port import Store
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report

DAYS: Final = 30
EVENTS: Final = 3
FIRST: Final = date(2026, 10, 1)
LAST: Final = date(2026, 10, 30)
SOURCES: Final = [f"source-{number}.example" for number in range(200)]
CHANNELS: Final = ["Direct", "Organic Search", "Referral", "Email", "Paid Search"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=1_000_000)
    with TemporaryDirectory(prefix="hitstream-") as folder:
        url = f"sqlite://{Path(folder)}"
        set_up_store(url)
        with closing(open_store(url)) as store:
            figures = measure(store, parser.parse_args().visitors)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:40} {value:12.2f}\n")


def measure(store: Store, visitors: int) -> dict[str, float]:
    manifest, figures = write(store, visitors)

    def view(settled: SettledSightings) -> ReadView:
        sealed = SealedPeriods(manifest, ColumnCache(store, 2**30))
        return ReadView(1, 1, sealed, concat_tails([]), NO_ARRIVALS, settled=settled)

    settled = SettledSightings()
    cold = view(settled)
    figures["sightings_merge_cold_cpu_ms"] = timed(lambda: cold.first_sightings(VISITORS))
    figures["sightings_merge_next_view_cpu_ms"] = timed(lambda: view(settled).first_sightings(VISITORS))
    figures["sightings_merged_mb"] = settled.bytes / 2**20
    for days, first in ((7, date(2026, 10, 24)), (DAYS, FIRST)):
        for dimension in ("sessionSource", "firstUserSource", "newVsReturning"):
            figures[f"report_{days}_days_{dimension}_cpu_ms"] = report_ms(cold, dimension, first)
    return figures


def report_ms(view: ReadView, dimension: str, first: date) -> float:
    """Warm."""
    metrics = ("totalUsers", "sessions", "screenPageViews")
    asked = Report(date_ranges=(DateRange(str(first), str(LAST)),), dimensions=(dimension,), metrics=metrics)
    now = Now.at_end_of(LAST, "Etc/UTC")
    return median(timed(lambda: run(asked, view, now)) for _ in range(5))


def write(store: Store, visitors: int) -> tuple[Manifest, dict[str, float]]:
    """Writes each day twice, with and without first sightings, and keeps the former."""
    rnd = np.random.default_rng(1)
    keys = rnd.integers(1, 2**63, visitors, dtype=np.uint64)
    plain, full, periods = [], [], {}
    for number in range(DAYS):
        layer = day_layer(rnd, keys, day_number(FIRST) + number)
        with patch.object(folding, "SIGHTINGS", ()):
            plain.append(put(store, layer, f"plain-{number}"))
        full.append(put(store, layer, f"1-day-{number}"))
        key = day_key(day_number(FIRST) + number)
        periods[key] = PeriodEntry((full[-1][0],), NO_CARRY, layer.events.height, {}, layer.events.height)
    (_, plain_bytes, plain_s), (_, full_bytes, full_s) = (zip(*runs, strict=True) for runs in (plain, full))
    hits, pairs = sum(entry.events for entry in periods.values()), DAYS * visitors_a_day(visitors)
    figures = {
        "segment_bytes_per_hit": sum(full_bytes) / hits,
        "sightings_bytes_per_hit": (sum(full_bytes) - sum(plain_bytes)) / hits,
        "sightings_bytes_per_visitor_and_day": (sum(full_bytes) - sum(plain_bytes)) / pairs,
        "layer_cpu_ms": 1000 * median(full_s),
        "layer_without_sightings_cpu_ms": 1000 * median(plain_s),
    }
    return Manifest(zone="Etc/UTC", timeout_ms=1_800_000, periods=periods), figures


def visitors_a_day(visitors: int) -> int:
    return visitors * 3 // 2 // DAYS


def day_layer(rnd: np.random.Generator, keys: np.ndarray, day: int) -> Layer:
    size = visitors_a_day(len(keys))
    visitors = rnd.choice(keys, size, replace=False)
    sources = rnd.zipf(1.4, size) % len(SOURCES)
    begin = day * DAY_MS + rnd.integers(0, DAY_MS - 3_600_000, size)
    sessions = pl.DataFrame(
        {
            "visitor": visitors,
            "session": rnd.integers(1, 2**63, size, dtype=np.uint64),
            "begin": begin,
            "source": pl.Series(SOURCES).gather(sources),
            "channel": pl.Series(CHANNELS).gather(sources % len(CHANNELS)),
        }
    )
    rows = pl.concat([sessions.with_columns(step=pl.lit(step)) for step in range(EVENTS)])
    hits = pl.Series("hit", rnd.integers(1, 2**63, rows.height, dtype=np.uint64))
    text = {"event": "page_view", "host": "shop.example", "country": "Germany", "device": "desktop"}
    events = rows.with_columns(hits).with_columns(
        pl.int_range(rows.height, dtype=pl.UInt64).alias("position"),
        pl.lit(0).alias("index"),
        (pl.col("begin") + pl.col("step") * 40_000).alias("time"),
        pl.lit(day).alias("day"),
        pl.format("/page-{}", pl.col("hit") % 5000).alias("path"),
        *(pl.lit(value).alias(name) for name, value in text.items()),
        *(pl.lit(value=True).alias(name) for name in ("page_view", "engaged", "active", "signals", "stable")),
        *(pl.col(name).alias(f"session_{name}") for name in ("source", "channel")),
        pl.lit("organic").alias("session_medium"),
        pl.lit(120_000).alias("duration_cpu_ms"),
    )
    built = conform(events, BUILT).sort(ROW_ORDER["events"])
    return EMPTY_LAYER._replace(visitors=pl.Series("visitor", np.sort(visitors)), events=built)


def put(store: Store, layer: Layer, segment: str) -> tuple[LayerRef, int, float]:
    started = time.process_time()
    ref, sections = folding.fold(store, [[layer]], segment, section_prefix(segment))
    info = store.put_segment(segment, sections)
    return ref, info.bytes, time.process_time() - started


def timed(work: Callable[[], object]) -> float:
    """Returns milliseconds of CPU, of all threads: other work on the machine does not count."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    main()
