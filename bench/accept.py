"""Measures hits accepted per second, on one machine together with the load generator (wrk), and the CPU cost of a hit.

    python -m bench.accept [--seconds 8]

The server is that of `manage.py run`: collector and Django on one port, with an empty log. The ratio compares it with
the same server answering 204 to the same requests without a log.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.record import record

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPT: Final = Path(__file__).with_name("accept.lua")
PORT: Final = 8757
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
MS_PER_UNIT: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Run(NamedTuple):
    rps: float
    p99_ms: float
    cpu_ms: float
    requests: int


@contextmanager
def serving(target: str, folder: str) -> Iterator[int]:
    """Waits until the server is ready. Returns its process id."""
    command = [sys.executable, "-m", "collection.server", target, "--port", str(PORT)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "HITSTREAM_DATA": folder})
    try:
        while not answers():
            if process.poll() is not None:
                raise SystemExit(f"the server ended with status {process.returncode}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def answers() -> bool:
    """Returns whether a server listens."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", PORT)) == 0


def load(pid: int, connections: int, seconds: int) -> Run:
    before = cpu_s(pid)
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(SCRIPT),
        f"http://127.0.0.1:{PORT}",
    ]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(f"not every hit was accepted:\n{report}")
    requests = int(found(r"(\d+) requests in", report)[1])
    number, unit = found(r"99%\s+([\d.]+)(us|ms|s|m)", report).groups()
    rps = float(found(r"Requests/sec:\s+([\d.]+)", report)[1])
    return Run(rps, float(number) * MS_PER_UNIT[unit], 1000 * (cpu_s(pid) - before) / requests, requests)


def found(pattern: str, report: str) -> re.Match[str]:
    match = re.search(pattern, report)
    if match is None:
        raise SystemExit(f"wrk's report is not understood:\n{report}")
    return match


def cpu_s(pid: int) -> float:
    """Returns the CPU seconds of a process so far, including the kernel's work for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(seconds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=ROOT / "var", prefix="bench-accept-") as folder:
        with serving("analytics_site.asgi:application", folder) as pid:
            load(pid, 32, 2)
            few, many = load(pid, 32, seconds), load(pid, 128, seconds)
        with serving("bench.bare:application", folder) as pid:
            load(pid, 32, 2)
            bare = load(pid, 32, seconds)
    return {
        "accept_rps": few.rps,
        "accept_p99_ms": few.p99_ms,
        "accept_rps_128": many.rps,
        "accept_p99_128_ms": many.p99_ms,
        "accept_cpu_ms": few.cpu_ms,
        "accept_ratio": few.rps / bare.rps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8, help="length of each of the three measurements")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("this measurement needs wrk (Debian: apt-get install wrk)")
    (ROOT / "var").mkdir(exist_ok=True)
    figures = measure(options.seconds)
    record(**figures)
    for name, value in figures.items():
        print(f"{name:20} {value:12.3f}")


if __name__ == "__main__":
    main()
