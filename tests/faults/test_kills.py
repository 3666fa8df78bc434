"""A real installation under load whose collector and worker are killed a hundred times."""

import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from bench.site import Site
from processing.receive import hash64
from processing.store import open_store
from processing.view import Reader
from tests.faults.senders import Senders
from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EVER = (date(2015, 1, 1), date(2100, 1, 1))
SEED = 20_261_124
KILLS = 50  # of each process


class EagerSite(Site):
    """Its worker seals every few hits. A part that is killed is started again at once, as the supervisor does."""

    def start(self, name: str, *arguments: str) -> None:
        super().start(name, *(("-m", "tests.faults.eager_worker") if name == "worker" else arguments))
        self.commands = {**getattr(self, "commands", {}), name: arguments}

    def kill(self, name: str) -> None:
        """The process must be running: it may not have ended by itself."""
        process = self.processes[name]
        assert process.poll() is None, (self.folder / f"{name}.out").read_text()
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.start(name, *self.commands[name])

    def ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):  # noqa: S310
            return True
        return False


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
    """What changes when the worker works."""
    path = site.folder / "store" / "store.db-wal"
    return path.stat().st_mtime_ns if path.exists() else None


def test_it_works(tmp_path: Path) -> None:
    with EagerSite(free_port(), folder=str(tmp_path)) as site:
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
    check_ids(tmp_path, number, senders)
    worker_log = (tmp_path / "worker.out").read_text()
    assert "ERROR" not in worker_log, worker_log


def wait_until_counted(site: Site, number: int) -> dict[str, object]:
    for _ in range(300):
        status: dict[str, object] = site.status(number)
        if status["pending"] == 0:
            return status
        time.sleep(0.1)
    raise TimeoutError(str(status))


def check_status(status: dict[str, object], senders: Senders) -> None:
    """Accepted = counted + rejected; only what was sent again is rejected, as a duplicate."""
    again = senders.sent.total() - len(senders.sent)
    assert len(senders.accepted) == len(senders.sent) > KILLS
    assert status["counted"] == len(senders.accepted)
    assert status["accepted"] == int(str(status["counted"])) + int(str(status["rejected"]))
    assert int(str(status["rejected"])) <= again
    assert status["lost"] == 0


def check_ids(folder: Path, number: int, senders: Senders) -> None:
    view = Reader(open_store(f"sqlite://{folder}/store")).view(number)
    found = Counter(view.events(*EVER, ["hit"])["hit"].to_list())
    assert found == Counter(hash64(id) for id in senders.accepted)
    assert set(view.rejected(*EVER)["reason"]) <= {"duplicate"}
