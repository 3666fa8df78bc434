"""All roles of a cluster as real processes, on log, store, database and broker at any addresses.

Its parts are started as `manage.py up` starts them; one that is killed is started again, as its supervisor does.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from analytics_site.processes import is_ready
from analytics_site.roles import ROLES, RoleOptions
from bench.site import ROOT, Site, written_out
from tests.faults.eager_site import check_ids, check_status
from tests.faults.senders import Senders
from tests.support.servers import free_port

PATIENCE_S: Final = 240.0
NEW_PROPERTY: Final = """
from configuration.models import Property
made = Property.objects.create(name="Shop", domains="shop.example")
print(f"{made.pk},{made.measurement_id}")
"""


class ClusterSite(Site):
    """Use as a context manager. `port` is reporting's, `collector_port` the collector's.

    `eager`: its dispatcher is in a hurry.
    """

    def __init__(
        self, folder: Path, urls: Mapping[str, str], *, receivers: int = 1, eager: bool = True, partitions: int = 6
    ) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(free_port(), folder=str(folder))
        self.collector_port, self._receivers, self._eager = free_port(), receivers, eager
        self._partitions = partitions
        self.environment |= {**written_out(folder), "HITSTREAM_DEMO": "0", "HITSTREAM_LOG_LEVEL": "INFO", **urls}
        self.commands: dict[str, tuple[str, ...]] = {}

    def __enter__(self) -> "ClusterSite":
        self.manage("setup_cluster", "--partitions", str(self._partitions))
        answer = self.manage("shell", "-v", "0", "-c", PREPARE)
        self.token = answer.split()[-1]
        try:
            self._start_all()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def store(self) -> str:
        """Its address."""
        return self.environment["STORE_URL"]

    def wait_until_ready(self) -> None:
        """For collector and reporting; whether the others work is seen by their work."""
        give_up_at = time.monotonic() + PATIENCE_S
        for name, port in (("collector", self.collector_port), ("reporting", self.port)):
            while not is_ready("127.0.0.1", port):
                assert time.monotonic() < give_up_at, self.said(name)
                time.sleep(0.1)

    def add_property(self) -> tuple[int, str]:
        number, _, measurement_id = self.manage("shell", "-v", "0", "-c", NEW_PROPERTY).strip().partition(",")
        return int(number), measurement_id

    def start(self, name: str, *arguments: str) -> None:
        self.commands[name] = arguments
        command = ("-m", "tests.faults.eager_dispatcher") if name == "dispatch" and self._eager else arguments
        with (self.folder / f"{name}.out").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )

    def kill(self, name: str) -> None:
        """It may have ended by itself, as a part may that waits for a server; its supervisor would start it again."""
        process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.start(name, *self.commands[name])

    def tend(self) -> None:
        """Starts again what ended by itself."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name, *self.commands[name])

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text()

    def wait_until_counted(self, number: int, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The status when nothing waits anywhere: not with the collector, not in the log."""
        give_up_at, status = time.monotonic() + patience_s, dict[str, Any]()
        while time.monotonic() < give_up_at:
            self.tend()
            with suppress(URLError, OSError):
                status = dict(self.status(number))
                if status["pending"] == 0 and self.spilled() == 0:
                    return status
            time.sleep(0.2)
        raise TimeoutError(str(status))

    def spilled(self) -> float:
        """Hits that wait with the collector. Raises OSError where it does not answer."""
        return self.figure(self.collector_port, "hitstream_spilled_hits")

    def figure(self, port: int, name: str) -> float:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
            lines = str(reply.read(), "utf-8").splitlines()
        found = [float(line.split()[-1]) for line in lines if line.partition("{")[0].partition(" ")[0] == name]
        if not found:
            raise OSError(f"{name} cannot be told now")
        return sum(found)

    def stop(self) -> None:
        """As their supervisors would."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name in list(self.processes):
            self.end(name)

    def end(self, name: str) -> None:
        """What does not end when it is told to is killed."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start_all(self) -> None:
        options = RoleOptions("127.0.0.1", self.port, receivers=self._receivers)
        for name, role in ROLES.items():
            port = self.collector_port if name == "collector" else self.port
            for spec in role.processes(options._replace(port=port)):
                self.start(spec.name, *spec.command[1:])


Counted = tuple[int, Senders, dict[str, Any]]


def under_load(site: ClusterSite, trouble: Callable[[], object], hits: int = 200) -> Counted:
    """A property that hits are sent to before, during and after some trouble, when all of them are counted."""
    number, measurement_id = site.add_property()
    with Senders(site.collector_port, measurement_id, 2) as senders:
        senders.wait_for(hits, PATIENCE_S)
        trouble()
        senders.wait_for(hits, PATIENCE_S)
    return number, senders, site.wait_until_counted(number)


def check(site: ClusterSite, counted: Counted) -> None:
    """Every accepted hit is counted, once."""
    number, senders, status = counted
    check_status(status, senders)
    check_ids(site.store, number, senders)


PREPARE: Final = """
from django.contrib.auth.models import User
from configuration.access.tokens import issue
user = User.objects.filter(username="bench").first() or User.objects.create_superuser("bench", password=None)
print(issue(user, "bench"))
"""
