"""Measures the peak memory of each kind of work, under loads that are hard on it.

Each piece of work runs in a fresh process: receiving the whole log, opening a view for the status while nothing is
sealed yet, sealing all of it, compaction of the days, folding of the month, a history run, and the erasure of a hundred
visitors. The peak is VmHWM of that process; `children` is that of the largest process
of the engine.

    python -m bench.memory [fuzzed] [paths] [batches] [month[:HITS]] ... [--folder FOLDER] [--only WORK,WORK]

A digest of all segments is printed after each piece of work, to compare two versions of the code on copies of one
folder. With a folder, the installations stay there, and the log is not filled again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.memory_loads import LOADS
from bench.month import CLOSED, FIRST_DAY, _ms, _worker, prepare
from bench.record import record
from bench.site import ROOT

BATCH: Final = 1_000
ERASED: Final = 100
DAY_CLOSED: Final = timedelta(hours=4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loads", nargs="*", help=f"of {', '.join(LOADS)}; all, if none is named")
    parser.add_argument("--folder", type=Path, help="where the installations stay")
    parser.add_argument("--only", default=",".join(WORK), help="pieces of work, in their order")
    parser.add_argument("--work", help="carry out one piece of work in this process, and print its figures")
    options = parser.parse_args()
    if options.work:
        sys.stdout.write(json.dumps(work_here(options.folder, options.work, *options.loads)))
        return
    for load in options.loads or LOADS:
        with tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH")) as temporary:
            measure((options.folder or Path(temporary)) / load.replace(":", "-"), load, options.only.split(","))


def measure(folder: Path, load: str, pieces: Sequence[str]) -> None:
    name, _, hits = load.partition(":")
    folder.mkdir(parents=True, exist_ok=True)
    for piece in ["fill", *pieces]:
        command = [sys.executable, "-m", "bench.memory", name, hits or str(LOADS[name][1])]
        command += ["--folder", str(folder), "--work", piece]
        figures = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
        if piece != "fill":
            record(**{f"memory_{load}_{piece}_mb": max(figures["peak_mb"], figures["children_mb"])})
            numbers = "".join(f"{value:10.1f}" for value in list(figures.values())[:5])
            sys.stdout.write(f"{load:16} {piece:8} {numbers}  {figures['digest']}\n")
            sys.stdout.flush()
        else:
            sys.stdout.write(f"{'':25}     before      peak  children    wall s     CPU s  digest\n")


def work_here(folder: Path, piece: str, load: str, hits: str) -> dict[str, float | str]:
    number, measurement_id = prepare(folder)
    if piece == "fill":
        fill(folder, load, int(hits), measurement_id)
        return {}
    from processing.workers.warm_up import warm_up

    warm_up()
    worker, (_, _, days) = _worker(), LOADS[load]
    before, began, cpu = _rss_mb("VmRSS"), time.perf_counter(), time.process_time()
    WORK[piece](worker, number, days)
    wall, used = time.perf_counter() - began, time.process_time() - cpu
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {"before_mb": before, "peak_mb": _rss_mb("VmHWM"), "children_mb": children.ru_maxrss / 1024}
    used += children.ru_utime + children.ru_stime
    return {**figures, "wall_s": wall, "cpu_s": used, "digest": f"{segments_digest(worker.store, number)}"}


def fill(folder: Path, load: str, hits: int, measurement_id: str) -> None:
    """Puts the load into the log, unless it is there already."""
    from collection.log import open_log

    entries_of, _, days = LOADS[load]
    log = open_log(f"sqlite://{folder}/log")
    if not log.ends()[0]:
        entries = entries_of(measurement_id, hits, _ms(FIRST_DAY), days)
        while batch := list(islice(entries, BATCH)):
            log.append(batch)
    log.close()


def receive(worker: Any, number: int, days: int) -> None:
    worker.receiver.receive(at_once=True)


def status(worker: Any, number: int, days: int) -> None:
    """What the page of the status and the dashboard's head ask for."""
    from reporting.read_access import status_of, view_of

    found = status_of(view_of(number), "G-NONE")
    assert found.accepted, found


def sealing(worker: Any, number: int, days: int) -> None:
    worker.seal(everything=True)


def compaction(worker: Any, number: int, days: int) -> None:
    """Folds the days that are over."""
    worker.run_maintenance(_ms(FIRST_DAY + timedelta(days=days)) + int(DAY_CLOSED.total_seconds() * 1_000))


def fold(worker: Any, number: int, days: int) -> None:
    """Folds the month; a load of one day counts in the month that ends 30 days later."""
    worker.run_maintenance(_ms(FIRST_DAY + timedelta(days=30) + CLOSED))


def history(worker: Any, number: int, days: int) -> None:
    from configuration.ruleset.ruleset import PropertySettings, Ruleset, encode_ruleset, ruleset_name
    from processing.engine import open_engine
    from processing.reprocessing.generations import swap
    from processing.reprocessing.rebuild import add_rebuilt_days, finish_draft, rebuild_days, start
    from processing.reprocessing.runs import ordinals

    rules = Ruleset(number, 2, PropertySettings(domains=("shop.example",)))
    worker.store.put_context(ruleset_name(number, 2), encode_ruleset(rules))
    draft, tasks = start(worker.store, f"sqlite://{os.environ['HITSTREAM_DATA']}/store", number, rules, None)
    engine = open_engine("processes://")
    for index, rebuilt in engine.run(rebuild_days, tasks):
        draft = add_rebuilt_days(worker.store, number, draft, index, rebuilt)
    engine.close()
    draft = finish_draft(worker.store, number, draft, None)
    swap(worker.store, number, draft.generation, ordinals())


def erasure(worker: Any, number: int, days: int) -> None:
    from configuration.ruleset.ruleset import PropertySettings
    from processing.privacy.tombstones import erase, remove_erased
    from processing.segments.view_cache import ViewCache

    view = ViewCache(worker.store).view(number)
    key = view.keys()[0]
    visitors = view.sealed.visible(key, "events", ["visitor"])["visitor"].unique().sort()[:ERASED].to_list()
    del view
    erase(worker.store, number, visitors, 2**60, PropertySettings())
    assert remove_erased(worker.store, number)


WORK: Final[dict[str, Callable[[Any, int, int], None]]] = {
    "receive": receive,
    "status": status,
    "seal": sealing,
    "compact": compaction,
    "fold": fold,
    "history": history,
    "erase": erasure,
}


def segments_digest(store: Any, number: int) -> str:
    """Returns the number of segments that the manifest names, and a digest of what is in their files."""
    from processing.segments.manifest import decode_manifest

    stored = store.manifest(number)
    names = decode_manifest(stored.data).segment_names() if stored else set()
    folder = Path(os.environ["HITSTREAM_DATA"]) / "store/segments"
    files = [path for path in folder.iterdir() if path.name.partition(".")[0] in names]
    digests = sorted(blake2b(path.read_bytes(), digest_size=8).digest() for path in files)
    size = sum(path.stat().st_size for path in files)
    return f"{len(names)} segments, {size} B, {blake2b(b''.join(digests), digest_size=6).hexdigest()}"


def _rss_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
