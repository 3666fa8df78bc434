"""An installation for a measurement: a temporary folder, the collector with Django, and the worker, as `manage.py run`
starts them.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def written_out(folder: Path) -> dict[str, str]:
    """Returns the addresses of the embedded adapters and the secrets: beside a server they must be given."""
    folders = {"LOG_URL": "log", "STORE_URL": "store", "DATABASE_URL": "django.db"}
    addresses = {name: f"sqlite://{folder}/{path}" for name, path in folders.items()}
    return {**addresses, "SECRET_KEY": "of all machines", "HITSTREAM_SECRET": "of all machines, too"}


class Site:
    """A context manager. `properties`: (number, measurement id) of each; `token` may read all of them."""

    def __init__(self, port: int = 8765, properties: int = 1, folder: str | None = None) -> None:
        self.port, self._count = port, properties
        self._temporary = (
            None
            if folder
            else tempfile.TemporaryDirectory(prefix="hitstream-bench-", dir=os.environ.get("HITSTREAM_BENCH"))
        )
        self.folder = Path(folder or self._temporary.name)  # type: ignore[union-attr]
        self.environment = {
            **os.environ,
            "HITSTREAM_DATA": str(self.folder),
            "HITSTREAM_PORT": str(port),
            "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Site":
        self.manage("migrate", "-v", "0")
        answer = self.manage("shell", "-v", "0", "-c", PREPARE.format(count=self._count))
        *lines, self.token = answer.split()
        self.properties = [(int(line.split(",")[0]), line.split(",")[1]) for line in lines]
        self.start("web", "-m", "collection.server", "analytics_site.asgi:application", "--port", str(self.port))
        self.start("worker", "manage.py", "work")
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._temporary:
            self._temporary.cleanup()

    def stop(self) -> None:
        """Stops the processes as their supervisor does."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(timeout=60)
        self.processes = {}

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.out").open("wb") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
            else:
                return
        raise TimeoutError((self.folder / "web.out").read_text())

    def cpu_s(self) -> float:
        """Returns the CPU seconds of all processes so far."""
        return sum(cpu_ticks(process.pid) for process in self.processes.values()) / TICKS

    def rss_mb(self) -> dict[str, float]:
        return {name: _rss_mb(process.pid) for name, process in self.processes.items()}

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """Sends a request to an API. Returns the JSON answer."""
        import orjson

        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
            return orjson.loads(answer.read())

    def status(self, number: int) -> Any:
        return self.ask(f"/api/properties/{number}/status/")

    def events(self, number: int) -> int:
        """Returns the property's event count of the last 40 days, from the GA4 report method."""
        report = b'{"dateRanges":[{"startDate":"40daysAgo","endDate":"today"}],"metrics":[{"name":"eventCount"}]}'
        rows = self.ask(f"/v1beta/properties/{number}:runReport", report).get("rows", [])
        return int(rows[0]["metricValues"][0]["value"]) if rows else 0


PREPARE = """
from django.contrib.auth.models import User
from configuration.models import Property
from configuration.access.tokens import issue
user = User.objects.filter(username="bench").first() or User.objects.create_superuser("bench", password=None)
for number in range({count}):
    made, _ = Property.objects.get_or_create(name=f"Bench {{number}}", defaults={{"domains": "shop.example"}})
    print(f"{{made.pk}},{{made.measurement_id}}")
print(issue(user, "bench"))
"""


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
