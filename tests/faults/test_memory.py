"""The memory of the worker and of the web process stays within bounds under loads that are hard on it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Before work was bounded by bytes, these loads took 550 to 1,500; then 400, until events had twice as many columns.
MOST_MB = 500
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(("load", "hits"), [("month", 300_000), ("paths", 150_000), ("batches", 1_500)])
def test_it_works(load: str, hits: int, tmp_path: Path) -> None:
    peaks = {}
    for piece in ("fill", "receive", "status", "seal", "compact", "fold", "history", "erase"):
        command = [sys.executable, "-m", "bench.memory", load, str(hits), "--folder", str(tmp_path), "--work", piece]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
        found = json.loads(done.stdout)
        peaks[piece] = max(found.get("peak_mb", 0), found.get("children_mb", 0))
    assert max(peaks.values()) < MOST_MB, peaks
