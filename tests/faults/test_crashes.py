"""A hundred installations that die again and again: at any write, also with all that was not synced lost."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import crashing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
SEEDS = 50  # of each kind of death; up to three deaths each

Runs = dict[str, "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Both kinds at once, since each keeps one core busy."""
    begun = {mode: begin(tmp_path_factory.mktemp(mode), mode) for mode in ("kill", "power")}
    yield begun
    for run in begun.values():
        run.kill()
        run.wait()


def begin(folder: Path, mode: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.faults.crashing", str(folder), mode, "0", str(SEEDS)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check(run: "subprocess.Popen[str]") -> None:
    """Nothing may be wrong, and lives ended during every kind of work."""
    told = [crashing.read(line) for line in run.communicate()[0].splitlines()]
    ends = sum((ends for ends, _ in told), Counter[str]())
    assert [wrong for _, wrong in told if wrong] == []
    assert (run.returncode, len(told)) == (0, SEEDS)
    assert all(ends[action] > SEEDS / 20 for action in crashing.WRITES), ends


def test_it_works(runs: Runs) -> None:
    """Killed at any write, of the log, the ledger, a block, a segment, a manifest, or the upkeep."""
    check(runs["kill"])


def test_power_cuts(runs: Runs) -> None:
    """A write that was not synced may be lost, a name too; numbers are right all the same."""
    check(runs["power"])
