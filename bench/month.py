"""Measures a month of one property, day by day, on the embedded installation: time and peak memory of each phase, then
reports over 1, 7 and 30 days, cold in a new process and warm.

The hits are put into the log as the collector does; log, ledger, worker, store and reports are the real ones. The
worker runs every PORTION hits and its maintenance every 6 hours of the hits' clock, so that the month passes faster.

    python -m bench.month [--hits 20000000] [--days 30] [--folder FOLDER]

With a folder, an interrupted month is continued; the figures are those of the rest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.record import record
from bench.reports import overview
from bench.site import ROOT, median

FIRST_DAY: Final = date(2026, 9, 1)
PORTION: Final = 25_000
TIDIES_A_DAY: Final = 4
CLOSED: Final = timedelta(days=4)  # after its end a month is closed
ROUNDS: Final = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="the folder of the installation, which is kept")
    parser.add_argument("--read", type=int, help="only measure reports over so many days, and print the figures")
    options = parser.parse_args()
    if options.read:
        sys.stdout.write(json.dumps(read(options.folder, options.days, options.read)))
        return
    with _folder(options.folder) as folder:
        figures = measure(folder, options.hits, options.days)
    record(**{f"month_{options.hits / 1e6:g}m_{name}": value for name, value in figures.items()})
    for name, value in figures.items():
        sys.stdout.write(f"{name:32} {value:14.2f}\n")


def measure(folder: Path, hits: int, days: int) -> dict[str, float]:
    phases, written = live_through(folder, hits, days)
    figures = {name: value for phase in phases.values() for name, value in phase.figures(hits)}
    figures |= {"written_mb": written.segments / 1e6, "blocks_mb": written.blocks / 1e6}
    figures |= {f"{name}_mb": bytes / 1e6 for name, bytes in stored(folder).items()}
    for over in (1, 7, days):
        figures |= {f"{name}_{over}d": value for name, value in read_apart(folder, days, over).items()}
    return figures


def read_apart(folder: Path, days: int, over: int) -> dict[str, float]:
    """Calls `read` in a new process."""
    command = [sys.executable, "-m", "bench.month", "--folder", str(folder), "--days", str(days), "--read", str(over)]
    return dict(json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout))


class Phase:
    """Seconds, CPU seconds and peak memory of a phase, over all its turns."""

    def __init__(self, name: str) -> None:
        self.name, self.seconds, self.cpu_s, self.peak_mb = name, 0.0, 0.0, 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - started
        self.cpu_s += time.process_time() - cpu
        self.peak_mb = max(self.peak_mb, _peak_mb())

    def figures(self, hits: int) -> list[tuple[str, float]]:
        per_hit = (f"{self.name}_cpu_us_a_hit", 1e6 * self.cpu_s / hits)
        return [(f"{self.name}_s", self.seconds), per_hit, (f"{self.name}_peak_mb", self.peak_mb)]


class Written:
    """Counts the bytes written to a store, including those deleted later."""

    def __init__(self, store: Any) -> None:
        self.segments = self.blocks = 0
        self._put_segment, self._put_block = store.put_segment, store.put_block
        store.put_segment, store.put_block = self.segment, self.block

    def segment(self, name: str, sections: Any) -> Any:
        info = self._put_segment(name, sections)
        self.segments += info.bytes
        return info

    def block(self, key: Any, context: str, blob: bytes) -> None:
        self._put_block(key, context, blob)
        self.blocks += len(blob)


def live_through(folder: Path, hits: int, days: int) -> tuple[dict[str, Phase], Written]:
    """Runs the month in this process. Raises if a hit is not counted."""
    number, measurement_id = prepare(folder)
    worker = _worker()
    written = Written(worker.store)
    phases = {name: Phase(name) for name in ("receive", "seal", "tidy", "close")}
    highest = worker.store.highest(worker.receiver.log.id, 0)
    done = 0 if highest is None else highest + 1
    with _collector(folder, measurement_id, hits, days) as collector:
        collector.ask(done + PORTION)
        for day in range(days):
            started, first, end = time.perf_counter(), max(done, hits * day // days), hits * (day + 1) // days
            if first < end:
                _live_day(worker, collector, phases, first, end)
                _say(day, time.perf_counter() - started, phases)
    with phases["seal"].turn():
        worker.drain()
    with phases["close"].turn():
        worker.run_maintenance(_ms(FIRST_DAY + timedelta(days=days) + CLOSED))
    _check(worker, number, hits)
    return phases, written


def _live_day(worker: Any, collector: "Collector", phases: dict[str, Phase], first: int, end: int) -> None:
    tidied = first
    for low in range(first, end, PORTION):
        now_ms = collector.wait()
        collector.ask(min(low + 2 * PORTION, end + PORTION))
        with phases["receive"].turn():
            worker.receiver.receive(at_once=True)
        with phases["seal"].turn():
            worker.seal()
        if low + PORTION >= end or low - tidied >= (end - first) // TIDIES_A_DAY:  # at the end of each day as well
            tidied = low
            with phases["tidy"].turn():
                worker.run_maintenance(now_ms)


class Collector:
    """A process that puts hits into the log, one portion ahead of the worker."""

    def __init__(self, process: "subprocess.Popen[str]", hits: int) -> None:
        self._process, self._hits = process, hits

    def ask(self, until: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{min(until, self._hits)}\n")
        self._process.stdin.flush()

    def wait(self) -> int:
        """Returns the time (ms) of the last requested hit. Raises ValueError if the process has ended."""
        assert self._process.stdout
        return int(self._process.stdout.readline())


@contextmanager
def _collector(folder: Path, measurement_id: str, hits: int, days: int) -> Iterator[Collector]:
    numbers = (str(hits), str(_ms(FIRST_DAY)), str(days))
    command = [sys.executable, "-m", "bench.collect", f"sqlite://{folder}/log", measurement_id, *numbers]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Collector(process, hits)
        process.communicate()


def prepare(folder: Path) -> tuple[int, str]:
    """Creates an installation with one property in the folder, or uses it. Returns its number and measurement id."""
    _django(folder)
    from django.core.management import call_command

    from configuration.models import Property

    call_command("migrate", verbosity=0)
    made = Property.objects.filter(name="Bench").first() or Property.objects.create(
        name="Bench", domains="shop.example"
    )
    return made.pk, made.measurement_id


def read(folder: Path, days: int, over: int) -> dict[str, float]:
    """Returns milliseconds of the dashboard's panels and of one report over the last days, the first time and again,
    and the peak memory.
    """
    _django(folder)
    from processing.segments.view_cache import ViewCache
    from processing.store import open_store
    from reporting.kinds import run
    from reporting.model.now import Now
    from reporting.model.report import DateRange, Report

    last = FIRST_DAY + timedelta(days=days - 1)
    first = last - timedelta(days=over - 1)
    store = open_store(f"sqlite://{folder}/store")
    (number,) = filter(None, store.properties())
    asked = Report(
        date_ranges=(DateRange(first.isoformat(), last.isoformat()),),
        dimensions=("date",),
        metrics=("sessions", "activeUsers", "eventCount", "averageSessionDuration"),
    )
    views, idle_mb = ViewCache(store), _peak_mb()
    report = _times(lambda: run(asked, views.view(number), Now.at_end_of(last, "Etc/UTC")))
    report_mb = _peak_mb()
    fresh = ViewCache(store)
    until = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    panels = _times(lambda: overview(fresh.view(number), first, until))
    return {
        "idle_mb": idle_mb, "report_peak_mb": report_mb,
        "report_cold_ms": report[0], "report_warm_ms": median(report[1:]),
        "panels_cold_ms": panels[0], "panels_warm_ms": median(panels[1:]), "panels_peak_mb": _peak_mb(),
    }  # fmt: skip


def _times(work: Any) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return times


def _worker() -> Any:
    """The worker of this installation, without a grace period. A failure ends the measurement."""
    from processing.concurrency.backoff import Backoff
    from processing.workers.wiring import make_worker

    worker = make_worker(grace_s=0)
    worker.backoff = Backoff(fatal=(Exception,))
    worker.start()
    return worker


def _check(worker: Any, number: int, hits: int) -> None:
    from processing.segments.view_cache import ViewCache

    counts = ViewCache(worker.store).view(number).counts()
    assert (counts.accepted, counts.counted) == (hits, hits), counts


def stored(folder: Path) -> dict[str, int]:
    """Returns bytes on disk by kind: segments of the manifest, the manifest, the store's database, the log."""
    from processing.segments.manifest import decode_manifest
    from processing.store import open_store

    store = open_store(f"sqlite://{folder}/store")
    (number,) = filter(None, store.properties())
    manifest = store.manifest(number)
    names = decode_manifest(manifest.data).segment_names() if manifest else set()
    segments = [path for path in (folder / "store/segments").iterdir() if path.name.partition(".")[0] in names]
    return {
        "segments": sum(path.stat().st_size for path in segments),
        "book": len(manifest.data) if manifest else 0,
        "store_database": sum(path.stat().st_size for path in (folder / "store").glob("store.db*")),
        "log": sum(path.stat().st_size for path in (folder / "log").iterdir()),
    }


def _django(folder: Path) -> None:
    import django

    os.environ |= {"HITSTREAM_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "analytics_site.settings"}
    django.setup()


@contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named:
        named.mkdir(parents=True, exist_ok=True)
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH")) as path:
        yield Path(path)


def _say(day: int, seconds: float, phases: dict[str, Phase]) -> None:
    peaks = ", ".join(f"{phase.name} {phase.peak_mb:.0f}" for phase in phases.values() if phase.peak_mb)
    sys.stderr.write(f"day {day + 1}: {seconds:.0f} s; peaks in MB so far: {peaks}\n")


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


if __name__ == "__main__":
    main()
