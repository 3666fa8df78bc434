"""A real installation whose disk fills up under load: 503, never a 2xx that is lost; it recovers by itself."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.eager_site import EagerSite, check_ids, check_status, wait_until_counted
from tests.faults.senders import Senders
from tests.support.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DISK_BYTES = 48 * 2**20
FULL_S = 6.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Fills the disk to the last byte, and again if space has become free."""
    for size in (65_536, 4096, 1):
        with (disk / "filler").open("ab", buffering=0) as file, suppress(OSError):  # no space left on device
            while file.write(bytes(size)) == size:
                pass


def test_it_works(disk: Path, tmp_path: Path) -> None:
    with EagerSite(free_port(), disk / "data", tmp_path) as site:
        number, measurement_id = site.properties[0]
        with Senders(site.port, measurement_id) as senders:
            senders.wait_for(50)
            stay_full(site, number, disk)
            assert senders.statuses[503] > 10
            assert senders.retry_after == {"5"}
            (disk / "filler").unlink()
            senders.wait_for(50)
        status = wait_until_counted(site, number)
        assert all(process.poll() is None for process in site.processes.values())
    check_status(status, senders)
    check_ids(f"sqlite://{site.folder}/store", number, senders)
    assert set(senders.statuses) == {503}
    check_words(site.said("worker"))


def stay_full(site: EagerSite, number: int, disk: Path) -> None:
    """Reports are answered meanwhile, and hold."""
    until = time.monotonic() + FULL_S
    while time.monotonic() < until:
        fill(disk)
        status = site.status(number)
        assert status["accepted"] == status["counted"] + status["rejected"] + status["pending"]
        assert site.events(number) >= status["counted"]
        time.sleep(0.1)


def check_words(said: str) -> None:
    """Each cause once."""
    causes = [line.partition(" failed")[0].partition(": ")[2] for line in said.splitlines() if "tried again" in line]
    assert causes
    assert len(causes) < 12, said
