"""A real installation under load whose collector and worker are killed a hundred times."""

import random
import threading
import time
from pathlib import Path

import pytest

from tests.faults.eager_site import EagerSite, check_ids, check_status, wait_until_counted
from tests.faults.senders import Senders
from tests.support.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SEED = 20_261_124
KILLS = 50  # of each process


def kill_collector(site: EagerSite, rnd: random.Random) -> None:
    for _ in range(KILLS):
        while rnd.random() < 0.9 and not site.ready():  # or before it is
            time.sleep(0.02)
        time.sleep(rnd.uniform(0, 0.6))
        site.kill("web")


def kill_worker(site: EagerSite, rnd: random.Random) -> None:
    for _ in range(KILLS):
        before = blocks(site)
        give_up_at = time.monotonic() + 6
        while rnd.random() < 0.99 and blocks(site) == before and time.monotonic() < give_up_at:
            time.sleep(0.02)
        time.sleep(rnd.uniform(0, 0.6))
        site.kill("worker")


def blocks(site: EagerSite) -> int | None:
    """Returns the time of the last write to the store, None before the first."""
    path = site.folder / "store" / "store.db-wal"
    return path.stat().st_mtime_ns if path.exists() else None


def test_it_works(tmp_path: Path) -> None:
    with EagerSite(free_port(), tmp_path / "data", tmp_path) as site:
        number, measurement_id = site.properties[0]
        with Senders(site.port, measurement_id) as senders:
            senders.wait_for(20)
            killers = [
                threading.Thread(target=kill, args=(site, random.Random(f"{SEED} {kill.__name__}")))
                for kill in (kill_collector, kill_worker)
            ]
            for killer in killers:
                killer.start()
            for killer in killers:
                killer.join()
            site.wait_until_ready()
        status = wait_until_counted(site, number)
    check_status(status, senders)
    check_ids(f"sqlite://{site.folder}/store", number, senders)
    assert len(senders.accepted) > KILLS
    assert "ERROR" not in site.said("worker")
