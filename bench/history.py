"""Measures rules applied to the past of a million hits in 30 days: the time of a run and of its preview, the cost of
many rules, and the delay of reports while one generation replaces another.

The rules change nothing, so every answer must be the same before, during and after the run.

    python -m bench.history [--hits 1000000]
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench.preload import preload
from bench.record import record
from bench.site import ROOT, Site, median

OVERHEAD_ROUNDS = 3
RULES = (10, 100, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--folder", help="only measure previews and rules on this store, and print the figures")
    parser.add_argument("--property", type=int)
    options = parser.parse_args()
    if options.folder:
        sys.stdout.write(json.dumps(preview_and_rules(Path(options.folder), options.property)))
        return
    with Site() as site:
        preload(site, options.hits)
        site.stop()
        site.manage("work", "--once")
        figures = measure(site)
    record(**figures)
    for name, value in figures.items():
        sys.stdout.write(f"{name:28} {value:12.3f}\n")


def measure(site: Site) -> dict[str, float]:
    number = site.properties[0][0]
    command = [sys.executable, "-m", "bench.history", "--folder", str(site.folder), "--property", str(number)]
    figures = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    site.start("web", "-m", "collection.server", "analytics_site.asgi:application", "--port", str(site.port))
    site.wait_until_ready()
    return {**figures, **reprocess(site, number)}


def reprocess(site: Site, number: int) -> dict[str, float]:
    """Measures without a reader, then with one that sends five requests per second."""
    before = report(site, number)
    started = time.perf_counter()
    site.manage("reprocess", "--property", str(number))
    seconds = time.perf_counter() - started
    alone = timed(lambda: report(site, number))
    waits: list[float] = []
    stop, wrong = threading.Event(), list[object]()
    reader = threading.Thread(target=poll, args=(site, number, before, waits, wrong, stop))
    reader.start()
    site.manage("reprocess", "--property", str(number))
    stop.set()
    reader.join()
    if wrong or report(site, number) != before:
        raise AssertionError("an answer was neither the old nor the new one")
    return {
        "reprocess_1m_s": seconds,
        "swap_answers": float(len(waits)),
        "swap_blackout_answers": float(len(wrong)),
        "swap_longest_answer_s": max(waits),
        "report_alone_s": alone,
    }


def poll(
    site: Site, number: int, expected: Any, waits: list[float], wrong: list[object], stop: threading.Event
) -> None:
    while not stop.wait(0.2):
        started = time.perf_counter()
        found = report(site, number)
        waits.append(time.perf_counter() - started)
        if found != expected:
            wrong.append(found)


def report(site: Site, number: int) -> Any:
    body = (
        b'{"dateRanges":[{"startDate":"40daysAgo","endDate":"today"}],"dimensions":[{"name":"date"}],"metrics":'
        b'[{"name":"sessions"},{"name":"activeUsers"},{"name":"eventCount"},{"name":"averageSessionDuration"}]}'
    )
    return site.ask(f"/v1beta/properties/{number}:runReport", body)


def timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def preview_and_rules(folder: Path, number: int) -> dict[str, float]:
    from processing.dry_run.preview import preview
    from processing.segments.view_cache import ViewCache
    from processing.store import open_store

    store = open_store(f"sqlite://{folder}/store")
    view = ViewCache(store).view(number)
    plain = rules_of(number, 0)
    last = max(view.keys())[:10]
    days = (view.begins, type(view.begins).fromisoformat(f"{last}-28"[:10] if len(last) == 7 else last))
    times = [timed(lambda: preview(store, view, plain, *days)) for _ in range(OVERHEAD_ROUNDS)]
    return {"preview_1m_s": median(times), **overheads(store, view, number)}


def overheads(store: Any, view: Any, number: int) -> dict[str, float]:
    """Returns the share of CPU time that rules add to processing a quarter of the rows."""
    import polars as pl

    from processing.pipeline.process import process
    from processing.segments.raw_parts import read_raw

    raw = pl.concat(
        [read_raw(store, part) for part in view.sealed.manifest.raw[: max(1, len(view.sealed.manifest.raw) // 4)]]
    )
    sets = {size: rules_of(number, size) for size in (0, *RULES)}
    process(raw, sets[0])
    cost = dict.fromkeys(sets, float("inf"))
    for _ in range(OVERHEAD_ROUNDS):
        for size, rules in sets.items():
            started = time.process_time()
            process(raw, rules)
            cost[size] = min(cost[size], time.process_time() - started)
    return {f"rules_overhead_{size}": cost[size] / cost[0] - 1 for size in RULES}


def rules_of(number: int, size: int) -> Any:
    """Filters, rewrites and key events that match almost nothing."""
    from configuration.ruleset.ruleset import PropertySettings, Ruleset

    rules = [rule for n in range(size // 5 + 1) for rule in five_rules(n)]
    return Ruleset(number, 1, PropertySettings(domains=("shop.example",)), tuple(rules[:size]))


def five_rules(n: int) -> list[Any]:
    from configuration.ruleset.ruleset import FilterRule, KeyEventRule, RewriteRule, Text

    never = Text("path", "contains", f"/never-{n}/")
    pattern = Text("path", "pattern", f"^/(?:old|older)-{n}[a-z]+$")
    nowhere = Text("country", "equals", f"Nowhere {n}")
    return [
        FilterRule(name=f"f{n}", action="exclude", when=never),
        FilterRule(name=f"p{n}", action="exclude", when=pattern),
        FilterRule(name=f"c{n}", action="exclude", when=nowhere),
        RewriteRule(name=f"r{n}", field="path", change="replace", search=f"/was-{n}/", replacement="/is/"),
        KeyEventRule(name=f"k{n}", event=f"event-{n}"),
    ]


if __name__ == "__main__":
    main()
