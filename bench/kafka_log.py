"""Measures how fast hits are appended to Kafka on this machine, acknowledged by all copies, and to the embedded log.

python -m bench.kafka_log [--seconds 10] [--nodes 1|3] [--size 350]

Measures both in turn, twice, since other programs use the machine as well. Appends follow each other as in the
collector's group commit, each with the given number of hits.
"""

import argparse
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

from collection.log import Log, open_log, set_up_log
from tests.services.kafka_broker import Kafka

BATCHES = (1, 16, 256, 2048)
VISITORS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1)
    parser.add_argument("--size", type=int, default=350, help="bytes of a hit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hitstream-bench-") as folder:
        kafka = Kafka(Path(folder) / "kafka", options.nodes)
        try:
            kafka.start()
            url = f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}"
            set_up_log(url, 8, options.nodes)
            with closing(open_log(url)) as topic, closing(open_log(f"sqlite://{folder}/log")) as embedded:
                compare({f"Kafka, {options.nodes} broker(s)": topic, "embedded": embedded}, options)
        finally:
            kafka.stop()


def compare(logs: dict[str, Log], options: argparse.Namespace) -> None:
    for batch in BATCHES:
        for name, log in [*logs.items(), *logs.items()]:
            rate, longest = appended(log, batch, options.size, options.seconds)
            print(f"{name:22} {batch:5} hits an append: {rate:9,.0f} hits/s, longest {longest * 1000:6.1f} ms")
    for name, log in logs.items():
        print(f"{name:22} read: {timed(log):9,.0f} hits/s")


def appended(log: Log, batch: int, size: int, seconds: float) -> tuple[float, float]:
    """Returns hits per second, and the longest append in seconds."""
    hits = [(b"%d.%d" % (number, number % VISITORS), bytes(size)) for number in range(batch)]
    done, longest, started = 0, 0.0, time.perf_counter()
    while (now := time.perf_counter()) - started < seconds:
        log.append(hits)
        longest = max(longest, time.perf_counter() - now)
        done += batch
    return done / (time.perf_counter() - started), longest


def read_all(log: Log) -> int:
    """Receives the first ten ranges of each partition. Returns the number of their hits."""
    ends, starts = log.ends(), log.starts()
    return sum(
        len(log.read(partition, first, min(first + 4096, end) - 1))
        for partition, end in ends.items()
        for first in range(starts[partition], min(end, starts[partition] + 40_960), 4096)
    )


def timed(log: Log) -> float:
    started = time.perf_counter()
    return read_all(log) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
