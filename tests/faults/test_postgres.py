"""PostgreSQL under an installation: several processes share its ledger, and it may die and come back."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from uuid import uuid4

import pytest

from bench.site import written_out
from processing.receiving.ledger import MAX_RANGE_HITS
from tests.faults.eager_site import EagerSite, check_ids, check_status, wait_until_counted
from tests.faults.senders import Senders
from tests.journey.test_copy_database import new_database
from tests.services.postgres_server import Postgres
from tests.support.servers import ROOT, free_port

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

LIMIT_S: Final = 120
RANGES: Final = 60
PROCESSES: Final = 4


def test_it_works(postgres: Postgres, tmp_path: Path) -> None:
    """Collector, worker and pages go on by themselves after it was killed and started again."""
    with OnPostgres(free_port(), tmp_path / "data", tmp_path, new_database(postgres)) as site:
        number, measurement_id = site.properties[0]
        before = dict(site.processes)
        with Senders(site.port, measurement_id) as senders:
            senders.wait_for(50)
            postgres.kill9()
            wait_until(lambda: "the database does not answer" in site.said("worker"))
            senders.wait_for(50)  # a hit needs no database
            for path in ("/api/properties/", f"/v1beta/properties/{number}/metadata"):
                with pytest.raises(HTTPError, match="503"):
                    site.ask(path)
            postgres.start()
            senders.wait_for(50)
        status = wait_until_counted(site, number)
        site.manage("reprocess", "--property", str(number), "--no-wait")
        wait_until(lambda: ": done" in site.manage("reprocess", "--property", str(number), "--status"))
        assert site.processes == before
        assert all(process.poll() is None for process in before.values())
    check_status(status, senders)
    check_ids(site.store, number, senders)


class OnPostgres(EagerSite):
    def __init__(self, port: int, folder: Path, outputs: Path, database: str) -> None:
        super().__init__(port, folder, outputs)
        self.environment |= {**written_out(folder), "DATABASE_URL": database}

    def manage(self, *arguments: str) -> str:
        """Sets up what is compared at the start as well."""
        return super().manage(*(("setup_cluster",) if arguments[0] == "migrate" else arguments))


def test_each_range_is_given_out_once(postgres: Postgres, tmp_path: Path) -> None:
    """Also the first one, for which there is no row yet that could be locked."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
        "HITSTREAM_DATA": str(tmp_path),
        **written_out(tmp_path),
        "DATABASE_URL": postgres.address,
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)
    given = [taken(environment, uuid4().hex) for _ in range(3)]
    assert len({numbers for numbers, _ in given}) == 3
    wanted = [f"{at * MAX_RANGE_HITS} {(at + 1) * MAX_RANGE_HITS - 1}" for at in range(RANGES)]
    for numbers, ranges in given:
        assert len(numbers) == 1
        assert sorted((line for each in ranges for line in each), key=lambda line: int(line.split()[0])) == wanted
        assert sum(map(bool, ranges)) > 1  # or they did not meet


def taken(environment: dict[str, str], log: str) -> tuple[frozenset[str], list[list[str]]]:
    """Starts several processes at once. Returns the log numbers they saw, and the ranges that each was given."""
    command = [sys.executable, "-m", "tests.faults.ledger_process", log, str(RANGES * MAX_RANGE_HITS)]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate(timeout=LIMIT_S)[0].splitlines() for process in _told(processes)]
    return frozenset(lines[0] for lines in said), [lines[1:] for lines in said]


def _told(processes: list["subprocess.Popen[str]"]) -> list["subprocess.Popen[str]"]:
    """All of them may begin."""
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
