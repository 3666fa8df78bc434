"""Collectors that share a data folder: each spills into a folder of its own, and none of them leaves hits behind."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collection.log import LogUnavailable
from collection.log.spill.folders import MAX_COLLECTORS, SharedSpillingLog, folders, has_hits
from collection.log.spill.state import SpillFolder
from tests.contract.log_contract import everything
from tests.contract.test_log_spill import Elsewhere

CHECK_EVERY_S = 0.05


class Machine:
    """A machine with collectors, and their log elsewhere, unreachable until `fault` is "none"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault: str = "unreachable"
        self._running: list[SharedSpillingLog] = []

    def start(self) -> SharedSpillingLog:
        log = SharedSpillingLog(self._elsewhere, self.folder / "spill", check_every_s=CHECK_EVERY_S)
        self._running.append(log)
        return log

    def stop(self, log: SharedSpillingLog) -> None:
        self._running.remove(log)
        log.close()

    def stop_all(self) -> None:
        for log in list(self._running):
            self.stop(log)

    def stored(self) -> list[bytes]:
        log = Elsewhere(self.folder / "elsewhere")
        try:
            return everything(log)
        finally:
            log.close()

    def _elsewhere(self) -> Elsewhere:
        machine = self

        class Reached(Elsewhere):
            def ends(self) -> dict[int, int]:
                self.fault = "unreachable" if machine.fault == "unreachable" else "none"
                return super().ends()

        return Reached(self.folder / "elsewhere")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.stop_all()


def hits(first: int, end: int) -> list[tuple[bytes, bytes]]:
    return [(b"visitor", b"hit %d" % number) for number in range(first, end)]


def wait_until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up, "did not happen in time"
        time.sleep(0.02)


def test_it_works(machine: Machine) -> None:
    one, other = machine.start(), machine.start()
    one.append(hits(0, 10))
    other.append(hits(10, 25))
    assert (one.spilled, other.spilled) == (10, 15)
    assert has_hits(machine.folder / "spill")
    assert has_hits(machine.folder / "spill-2")
    machine.fault = "none"
    wait_until(lambda: one.spilled + other.spilled == 0)
    assert sorted(machine.stored()) == sorted(value for _, value in hits(0, 25))


def test_hits_of_a_stopped_collector_are_carried_over_by_another(machine: Machine) -> None:
    one, other = machine.start(), machine.start()
    other.append(hits(0, 5000))
    machine.stop(other)
    machine.fault = "none"
    wait_until(lambda: not has_hits(machine.folder / "spill-2"))
    assert machine.stored() == [value for _, value in hits(0, 5000)]
    assert one.spilled == 0


def test_a_free_folder_is_taken_again(machine: Machine) -> None:
    one = machine.start()
    one.append(hits(0, 3))
    machine.stop(one)
    assert machine.start().spilled == 3
    assert not (machine.folder / "spill-2").exists()


def test_more_collectors_than_folders_are_refused(machine: Machine) -> None:
    held = [SpillFolder(path) for path in folders(machine.folder / "spill")]
    try:
        assert len(held) == MAX_COLLECTORS
        with pytest.raises(LogUnavailable, match="64 collectors"):
            machine.start()
    finally:
        for folder in held:
            folder.close()
