"""The log that spills keeps the promises of the port, and its own while the log is away: all is there, once."""

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

Fault = Literal["none", "away", "half", "unsure"]
PAUSE_S = 0.002


class Elsewhere(EmbeddedLog):
    """A real log that can be out of reach (away), lose its answer (unsure), or break off in the middle (half)."""

    fault: Fault = "none"

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        fault = self.fault  # the test may change it meanwhile
        stored = {"none": len(hits), "away": 0, "half": len(hits) // 2, "unsure": len(hits)}[fault]
        super().append(hits[:stored])
        if fault != "none":
            raise LogUnavailable("as the test wants it")

    def ends(self) -> dict[int, int]:
        if self.fault == "away":
            raise LogUnavailable("as the test wants it")
        return super().ends()


class Site:
    """A log elsewhere, and a collector's folder; `restart` is what is left when the collector was killed."""

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
        """What is in the log once it can be reached and nothing waits any more."""
        self.elsewhere.fault = "none"
        give_up = time.monotonic() + 30
        while self.log.spilled or self.log._wake.is_set():
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
    site.elsewhere.fault = "away"
    fill(site.log, b"two", b"three")
    fill(site.log, b"four")
    assert site.log.spilled == 3
    assert site.settle() == [b"one", b"two", b"three", b"four"]
    fill(site.log, b"five")
    assert site.settle() == [b"one", b"two", b"three", b"four", b"five"]


@pytest.mark.parametrize("fault", ["away", "half", "unsure"])
def test_an_append_that_failed_is_stored_once(site: Site, fault: Fault) -> None:
    fill(site.log, *numbered(3))
    site.elsewhere.fault = fault
    fill(site.log, *numbered(10, b"doubtful"))
    assert site.settle() == numbered(3) + numbered(10, b"doubtful")


def test_a_collector_that_starts_while_the_log_is_away_takes_hits(site: Site) -> None:
    site.log.close()
    site.elsewhere = Elsewhere(site.folder / "elsewhere")
    site.elsewhere.fault = "away"
    site.start()
    fill(site.log, *numbered(5))
    assert site.log.spilled == 5
    assert site.settle() == numbered(5)


def test_what_was_spilled_is_carried_over_after_a_restart(site: Site) -> None:
    site.elsewhere.fault = "away"
    fill(site.log, *numbered(5))
    site.restart()
    assert site.settle() == numbered(5)


def test_what_was_carried_over_is_gone_from_the_disk(site: Site) -> None:
    site.elsewhere.fault = "away"
    fill(site.log, b"198.51.100.77")
    site.settle()
    site.log.close()
    files = [path for path in (site.folder / "spill").rglob("*") if path.is_file()]
    assert [path.name for path in files if b"198.51.100.77" in path.read_bytes()] == []
    site.elsewhere = Elsewhere(site.folder / "elsewhere")
    site.start()


def test_it_closes_at_any_moment_of_carrying_over(site: Site) -> None:
    """Most often in the moment in which the last hit has gone over."""
    for _ in range(100):
        site.elsewhere.fault = "away"
        site.log.append([(b"a", b"1")])
        site.elsewhere.fault = "none"
        while site.log.spilled:
            pass
        site.restart()


def test_a_folder_is_one_collectors_alone(site: Site) -> None:
    with pytest.raises(LogUnavailable, match="another collector"):
        SpillingLog(EmbeddedLog(site.folder / "elsewhere"), site.folder / "spill")


def test_appends_of_several_threads_stay_in_order_while_the_log_comes_and_goes(site: Site) -> None:
    def append(name: bytes) -> None:
        for value in numbered(150, name):
            fill(site.log, value, key=name)

    writers = [threading.Thread(target=append, args=(b"writer %d" % number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    faults: list[Fault] = ["away", "none", "unsure", "none", "half", "none"]
    while any(writer.is_alive() for writer in writers):
        for fault in faults:
            site.elsewhere.fault = fault
            time.sleep(0.01)
    values = site.settle()
    for number in range(3):
        name = b"writer %d" % number
        assert [value for value in values if value.startswith(name)] == numbered(150, name)
    assert len(values) == 450


faults = st.sampled_from(["none", "away", "half", "unsure"])
moves = st.lists(st.tuples(faults, st.integers(1, 30), st.booleans()), max_size=12)


@settings(max_examples=settings.get_current_profile_name() == "long" and 400 or 12, deadline=None)
@given(moves)
def test_whatever_happens_every_hit_is_there_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[Fault, int, bool]]
) -> None:
    """Appends under a fault, and sometimes the collector is started again in the middle of it."""
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
