"""A hundred installations that die again and again: at any write, also with all that was not synced lost."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import crashing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
SEEDS = 50  # of each kind of death; two or three deaths each


def crash(folder: Path, mode: str, first: int, end: int) -> list[str]:
    command = [sys.executable, "-m", "tests.faults.crashing", str(folder), mode, str(first), str(end)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def check(lines: list[str], seeds: int) -> Counter[str]:
    """How often a life ended during which action. Nothing may be wrong."""
    told = [crashing.read(line) for line in lines]
    assert [wrong for _, wrong in told if wrong] == []
    assert len(told) == seeds
    return sum((ends for ends, _ in told), Counter())


def test_it_works(tmp_path: Path) -> None:
    """Killed at any write, of the log, the ledger, a block, a segment, a manifest, or the upkeep."""
    ends = check(crash(tmp_path, "kill", 0, SEEDS), SEEDS)
    assert all(ends[action] > SEEDS / 20 for action in crashing.WRITES), ends


def test_power_cuts(tmp_path: Path) -> None:
    """A write that was not synced may be lost, a name too; numbers are right all the same."""
    ends = check(crash(tmp_path, "power", 0, SEEDS), SEEDS)
    assert all(ends[action] > SEEDS / 20 for action in crashing.WRITES), ends
