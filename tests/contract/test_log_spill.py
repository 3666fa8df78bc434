"""The spilling log keeps the promises of the port, and stores every hit once although the log fails meanwhile."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collection.log import Log, LogUnavailable
from collection.log.embedded.log import EmbeddedLog
from collection.log.spill.log import SpillingLog
from tests.contract.log_contract import Again, LogContract, everything, fill, numbered

Fault = Literal["none", "unreachable", "partial", "unanswered"]
PAUSE_S = 0.002


class Elsewhere(EmbeddedLog):
    """A real log that can be unreachable, store hits without answering, or store only the first half of them."""

    fault: Fault = "none"

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        fault = self.fault  # the test may change it meanwhile
        stored = {"none": len(hits), "unreachable": 0, "partial": len(hits) // 2, "unanswered": len(hits)}[fault]
        super().append(hits[:stored])
        if fault != "none":
            raise LogUnavailable("a fault of the test")

    def ends(self) -> dict[int, int]:
        if self.fault == "unreachable":
            raise LogUnavailable("a fault of the test")
        return super().ends()


class Site:
    """A log elsewhere, and a collector with its folder. `restart` starts the collector again as after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.elsewhere = Elsewhere(folder / "elsewhere")
        self.start()

    def start(self) -> None:
        self.log = SpillingLog(self.elsewhere, self.folder / "spill", pause_s=PAUSE_S, settle_s=0)

    def restart(self) -> None:
        self.log.close()
        self.elsewhere = Elsewhere(self.folder / "elsewhere")
        self.start()

    def settle(self) -> list[bytes]:
        """Ends the fault, waits until no hit is spilled, and returns the content of the log."""
        self.elsewhere.fault = "none"
        give_up = time.monotonic() + 30
        while self.log.spilled or self.log._spilling.is_set():
            assert time.monotonic() < give_up, f"{self.log.spilled} hits still wait"
            time.sleep(PAUSE_S)
        return everything(self.elsewhere)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.log.close()


class TestSpillingLog(LogContract):
    @pytest.fixture
    def log(self, site: Site) -> Log:
        return site.log

    @pytest.fixture
    def again(self, tmp_path: Path) -> Iterator[Again]:
        log = SpillingLog(EmbeddedLog(tmp_path / "elsewhere"), tmp_path / "another collector")
        yield lambda: log
        log.close()


def test_it_works(site: Site) -> None:
    fill(site.log, b"one")
    site.elsewhere.fault = "unreachable"
    fill(site.log, b"two", b"three")
    fill(site.log, b"four")
    assert site.log.spilled == 3
    assert site.settle() == [b"one", b"two", b"three", b"four"]
    fill(site.log, b"five")
    assert site.settle() == [b"one", b"two", b"three", b"four", b"five"]


@pytest.mark.parametrize("fault", ["unreachable", "partial", "unanswered"])
def test_a_failed_append_is_stored_once(site: Site, fault: Fault) -> None:
    fill(site.log, *numbered(3))
    site.elsewhere.fault = fault
    fill(site.log, *numbered(10, b"doubtful"))
    assert site.settle() == numbered(3) + numbered(10, b"doubtful")


def test_a_collector_started_while_the_log_is_unreachable_accepts_hits(site: Site) -> None:
    site.log.close()
    site.elsewhere = Elsewhere(site.folder / "elsewhere")
    site.elsewhere.fault = "unreachable"
    site.start()
    fill(site.log, *numbered(5))
    assert site.log.spilled == 5
    assert site.settle() == numbered(5)


def test_spilled_hits_are_carried_over_after_a_restart(site: Site) -> None:
    site.elsewhere.fault = "unreachable"
    fill(site.log, *numbered(5))
    site.restart()
    assert site.settle() == numbered(5)


def test_carried_over_hits_are_deleted_from_the_disk(site: Site) -> None:
    site.elsewhere.fault = "unreachable"
    fill(site.log, b"198.51.100.77")
    site.settle()
    site.log.close()
    files = [path for path in (site.folder / "spill").rglob("*") if path.is_file()]
    assert [path.name for path in files if b"198.51.100.77" in path.read_bytes()] == []
    site.elsewhere = Elsewhere(site.folder / "elsewhere")
    site.start()


def test_it_closes_at_any_moment_of_carrying_over(site: Site) -> None:
    """Mostly at the moment when the last hit has been carried over."""
    for _ in range(100):
        site.elsewhere.fault = "unreachable"
        site.log.append([(b"a", b"1")])
        site.elsewhere.fault = "none"
        while site.log.spilled:
            pass
        site.restart()


def test_a_folder_belongs_to_one_collector(site: Site) -> None:
    with pytest.raises(LogUnavailable, match="another collector"):
        SpillingLog(EmbeddedLog(site.folder / "elsewhere"), site.folder / "spill")


def test_appends_of_several_threads_stay_in_order_while_the_log_fails_and_recovers(site: Site) -> None:
    def append(name: bytes) -> None:
        for value in numbered(150, name):
            fill(site.log, value, key=name)

    writers = [threading.Thread(target=append, args=(b"writer %d" % number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    faults: list[Fault] = ["unreachable", "none", "unanswered", "none", "partial", "none"]
    while any(writer.is_alive() for writer in writers):
        for fault in faults:
            site.elsewhere.fault = fault
            time.sleep(0.01)
    values = site.settle()
    for number in range(3):
        name = b"writer %d" % number
        assert [value for value in values if value.startswith(name)] == numbered(150, name)
    assert len(values) == 450


faults = st.sampled_from(["none", "unreachable", "partial", "unanswered"])
moves = st.lists(st.tuples(faults, st.integers(1, 30), st.booleans()), max_size=12)


@settings(max_examples=settings.get_current_profile_name() == "long" and 400 or 12, deadline=None)
@given(moves)
def test_every_hit_is_stored_once_and_in_order_under_random_faults(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[Fault, int, bool]]
) -> None:
    """Appends under a fault; sometimes the collector is restarted during the fault."""
    site = Site(tmp_path_factory.mktemp("site"))
    sent: list[bytes] = []
    for fault, count, restarted in moves:
        site.elsewhere.fault = fault
        values = numbered(count, b"move %d" % len(sent))
        fill(site.log, *values)
        sent += values
        if restarted:
            site.restart()
    assert site.settle() == sent
    site.log.close()
