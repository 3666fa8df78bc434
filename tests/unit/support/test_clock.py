"""The tests' clock can be moved, and a run on a moved one leaves out only what never asks for the time."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clock import offset_of

ROOT = Path(__file__).resolve().parents[3]
REAL = datetime(2026, 11, 29, 16, tzinfo=UTC)
READING = "from tests.support.clock import now\n\ndef test_a(): assert now()\n\ndef test_b(): pass\n"
NOT_READING = "import pytest\n\ndef test_c(): pass\n\n@pytest.mark.slow\ndef test_d(): pass\n"


def test_it_works() -> None:
    assert offset_of("+437d", REAL) == timedelta(days=437)
    assert REAL + offset_of("2027-03-28T01:30Z", REAL) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert REAL + offset_of("2027-03-28", REAL) == datetime(2027, 3, 28, tzinfo=UTC)
    assert offset_of("", REAL) == timedelta()


@pytest.mark.parametrize("moved", ["437", "+437", "437d", "+1.5d", "soon"])
def test_what_moves_no_clock(moved: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of fromisoformat
        offset_of(moved, REAL)


def run(folder: Path, *options: str) -> str:
    """A test run in the folder, with the clock moved to 28 March 2027. Returns what it prints."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:django",
        "-p",
        "tests.support.clock_readers",
        "-v",
        "-m",
        "not slow",
        *options,
    ]
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "HITSTREAM_TEST_CLOCK": "2027-03-28T01:30Z",
        "PYTEST_ADDOPTS": "",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_files_that_never_ask_for_the_time_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    (tmp_path / "test_reading.py").write_text(READING)
    (tmp_path / "test_not_reading.py").write_text(NOT_READING)
    assert "3 passed" in run(tmp_path, "--clock-readers")  # nothing is known yet
    (tmp_path / "test_new.py").write_text(NOT_READING)
    said = run(tmp_path, "--clock-readers")
    assert "3 passed, 3 deselected" in said
    assert "test_not_reading.py" not in said
    assert "Sunday, 2027-03-28 01:30 UTC (2027-03-28T01:30Z)" in said
