"""Measures the erasure of visitors from a million hits in 30 days: the time until reports leave them out, the cost of a
report while they are only hidden, and the time until no segment contains them.

Erases one visitor with few hits, then a hundred at once who came on most days.

    python -m bench.erasure [--hits 1000000]
"""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import date

import polars as pl

from bench.preload import preload
from bench.record import record
from bench.site import Site
from configuration.ruleset.ruleset import PropertySettings
from processing.privacy.tombstones import erase, remove_erased
from processing.segments.read_view import ReadView
from processing.segments.remove_rows import segment_has_visitors
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from processing.store.port import Store

EVER = (date(2015, 1, 1), date(2100, 1, 1))
NOW_US = 2**60
SHOWN = ("visitor", "session", "engaged", "page_view")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    options = parser.parse_args()
    with Site() as site:
        preload(site, options.hits)
        site.stop()
        site.manage("work", "--once")
        store, number = open_store(f"sqlite://{site.folder}/store"), site.properties[0][0]
        visitors = ViewCache(store).view(number).events(*EVER, ["visitor"])["visitor"].unique().sort()
        figures = {**measure(store, number, visitors[:1], "one"), **measure(store, number, visitors[1:101], "hundred")}
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:28} {value:12.3f}\n")


def measure(store: Store, number: int, visitors: pl.Series, name: str) -> dict[str, float]:
    reader = ViewCache(store)
    look(reader.view(number), visitors, gone=False)
    plain = timed(lambda: look(reader.view(number), visitors, gone=False))
    hiding = timed(lambda: erase(store, number, visitors.to_list(), NOW_US, PropertySettings()))
    first = timed(lambda: look(reader.view(number), visitors, gone=True))
    hidden = timed(lambda: look(reader.view(number), visitors, gone=True))
    removing = timed(lambda: remove_erased(store, number))
    book = reader.view(number).sealed.manifest
    assert not any(segment_has_visitors(store, segment, visitors) for segment in book.segment_names())
    return {
        f"erase_{name}_hidden_s": hiding,
        f"erase_{name}_removed_s": removing,
        f"erase_{name}_report_before_s": plain,
        f"erase_{name}_report_first_s": first,
        f"erase_{name}_report_hidden_s": hidden,
    }


def look(view: ReadView, visitors: pl.Series, *, gone: bool) -> int:
    """Reads the columns of a report on visitors. `gone`: the visitors must not be found any more."""
    shown = view.events(*EVER, SHOWN)["visitor"]
    assert shown.is_in(visitors.implode()).any() is not gone
    return shown.n_unique()


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
