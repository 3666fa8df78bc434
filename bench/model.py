"""Computes the machines that a number of hits per month needs, from measured costs. Pure arithmetic: docs/scale.md
explains it, `bench/scale.py` measures the costs.
"""

import math
from typing import Final, NamedTuple

from processing.receiving.backlog import AGE_S, QUIET_AGE_S
from processing.segments.writer import MAX_LAYER_ROWS

MONTH_S: Final = 30 * 86_400
GB: Final = 1e9
KAFKA_HITS_A_CORE: Final = 10_000  # a second, client and broker on two cores, acks=all: services figures
CASSANDRA_MB_A_CORE: Final = 10.0  # written, ADR 12: 17 to 27 MB/s, client and node on two cores


class Costs(NamedTuple):
    """Measured: microseconds of CPU and bytes for each hit, and what a report takes.

    `written_bytes`: all that the worker wrote into segments until a closed day was one layer. `decoded_bytes`: memory
    that a report takes for each event that it reads.
    """

    collect_us: float
    receive_us: float
    seal_us: float
    tidy_us: float
    log_bytes: float
    block_bytes: float
    stored_bytes: float
    written_bytes: float
    worker_mb: float
    reporting_mb: float
    report_us: float
    panels_us: float
    decoded_bytes: float
    range_bytes: float


class Load(NamedTuple):
    """Hits per month and assumptions about them. `peak`: the busiest hour divided by the mean. `largest`: the share of
    the largest property. `busy`: the share of a core used at the peak, so that one of three machines may fail.
    """

    hits: int
    properties: int
    peak: float = 3.0
    largest: float = 0.2
    busy: float = 0.5
    log_hours: int = 72
    months: int = 13
    copies: int = 3
    free: float = 2.0  # Cassandra needs as much space again for compaction

    @property
    def a_second(self) -> float:
        return self.hits / MONTH_S

    @property
    def partitions(self) -> int:
        """Partitions of the log. Each gets 2 ranges per second as long as it receives fewer than 8,192 hits per second.
        At least six, so that three brokers and several workers share them.
        """
        return max(6, 1 << math.ceil(math.log2(max(1.0, self.a_second * self.peak / 2000))))

    @property
    def blocks(self) -> int:
        """Raw blocks in one partition at a time: the tail of a quiet property waits for an hour, and a deletion for its
        grace period and the maintenance run after it.
        """
        from processing.receiving.batcher import MAX_WAIT_S  # the worker's modules need Django, which is set up late
        from processing.workers.config import GRACE_S

        return math.ceil((QUIET_AGE_S + AGE_S + 2 * GRACE_S) / MAX_WAIT_S)

    @property
    def largest_day(self) -> int:
        return int(self.hits * self.largest / 30)

    @property
    def layers(self) -> int:
        """Layers of a day of the largest property, when it is over."""
        return max(1, math.ceil(self.largest_day / MAX_LAYER_ROWS))

    @property
    def segments(self) -> int:
        """Segments in the store: a day of a quiet property has one of raw rows and one of events, its closed month one
        of events; a day of a large property has several of each.
        """
        days, raw = 31, 30 * self.months
        return self.properties * (days + self.months + raw) + 2 * self.layers * 30 * self.months


class Need(NamedTuple):
    role: str
    cores: float
    memory_gb: float
    disk_gb: float
    remark: str


def needs(load: Load, costs: Costs) -> list[Need]:
    from processing.workers.housekeeping import LEDGER_DAYS

    peak = load.a_second * load.peak / load.busy
    stored = load.hits * load.months * costs.stored_bytes * load.copies
    logged = load.a_second * 3600 * load.log_hours * costs.log_bytes * load.copies
    work = costs.receive_us + costs.seal_us + costs.tidy_us
    workers = _cores(peak * work / 1e6)
    collectors = _cores(peak * costs.collect_us / 1e6)
    ranges = min(2 * load.partitions * 86_400, load.hits) * LEDGER_DAYS
    nodes = _cores(peak * costs.written_bytes * load.copies / (CASSANDRA_MB_A_CORE * 1e6))
    report = load.hits * load.largest * costs.decoded_bytes / GB
    return [
        Need("collector", collectors, collectors * 0.2, 1, "one process a core; its disk is the spill"),
        Need(
            "Kafka", _cores(peak * load.copies / KAFKA_HITS_A_CORE), 3.0, logged / GB, f"{load.partitions} partitions"
        ),
        Need("worker", workers, workers * costs.worker_mb / 1000, 1, "one process a core"),
        Need("Cassandra", nodes, max(3 * 8.0, nodes * 4), stored * load.free / GB, "three nodes at least"),
        Need("PostgreSQL", 1, 1, ranges * costs.range_bytes / GB, f"the ledger of {LEDGER_DAYS} days"),
        Need("Redis", 1, 0.1, 0, "128 jobs at most"),
        Need("reporting", 2, 2 * costs.reporting_mb / 1000 + report, 10, "a 30-day report on the largest property"),
    ]


def report_s(load: Load, costs: Costs, days: int) -> tuple[float, float]:
    """Returns seconds of one report and of all panels, warm, over the last days of the largest property."""
    events = load.largest_day * days
    return events * costs.report_us / 1e6, events * costs.panels_us / 1e6


def table(loads: dict[str, Load], costs: Costs) -> str:
    """Returns a Markdown table: a row for each role, a column for each load."""
    needs_of_loads = {name: needs(load, costs) for name, load in loads.items()}
    head = ["role", *(f"{name} hits a month" for name in loads)]
    lines = [head, ["---"] * len(head)]
    for row in zip(*needs_of_loads.values(), strict=True):
        lines.append([row[0].role, *map(_cell, row)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(need: Need) -> str:
    disk = f", {_amount(need.disk_gb)} disk" if need.disk_gb else ""
    return f"{need.cores:g} core{'s' if need.cores > 1 else ''}, {_amount(need.memory_gb)}{disk}; {need.remark}"


def _amount(gb: float) -> str:
    if gb >= 1000:
        return f"{gb / 1000:.1f} TB"
    return f"{gb:.0f} GB" if gb >= 10 else f"{gb:.1f} GB"


def _cores(wanted: float) -> int:
    return max(1, math.ceil(wanted))
