"""`manage.py run` as a whole, on a data folder of its own: start, hit, restart, stop."""

import http.client
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECOND_START_S = 6.0  # about two on a quiet machine


class Installation:
    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def environment(self) -> dict[str, str]:
        ours = {"HITSTREAM_DATA": str(self.data), "HITSTREAM_PORT": str(self.port), "HITSTREAM_DEMO": "0"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HITSTREAM", "DJANGO"))}
        return {name: value for name, value in kept.items() if not name.endswith("_URL")} | ours

    def start(self) -> float:
        """Returns after how many seconds it said that it was ready."""
        began = time.monotonic()
        self.process = self.manage("run")
        self.read_until("ready", began + 60)
        return time.monotonic() - began

    def restart(self) -> float:
        if self.process is not None:
            self.interrupt_group()
        self.lines.clear()
        return self.start()

    def child(self, word: str) -> int:
        """The process id of the part with this word in its command line."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next(int(pid) for pid in children if word in Path(f"/proc/{pid}/cmdline").read_text())

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.status_of("GET", "/readyz") == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("not ready again")

    def manage(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, word: str, deadline: float) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        while not self.lines or word not in self.lines[-1]:
            assert select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0], self.lines
            line = self.process.stdout.readline()
            assert line, self.lines
            self.lines.append(line)

    def interrupt_group(self) -> int:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        self.lines += rest.splitlines()
        return self.process.returncode

    def status_of(self, method: str, path: str) -> int:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        client.request(method, path)
        status = client.getresponse().status
        client.close()
        return status


def crowding() -> float:
    """By how much longer everything takes where more processes want to run than there are cores."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "data")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.interrupt_group()


def test_it_works(installation: Installation) -> None:
    installation.start()
    printed = "".join(installation.lines)
    assert re.search(r"sign in as admin with the password \S{16} ", printed)
    assert f"http://127.0.0.1:{installation.port}/" in printed
    assert installation.status_of("POST", "/g/collect?v=2&tid=G-ABCDEFGHIJ&cid=1.1&en=page_view") == 204
    assert installation.status_of("GET", "/admin/login/") == 200
    assert installation.status_of("GET", "/static/configuration/admin.css") == 200
    assert installation.interrupt_group() == 0
    with pytest.raises(ConnectionRefusedError):
        installation.status_of("GET", "/healthz")


def test_later_starts_are_quick_and_quiet(installation: Installation) -> None:
    """One of some: other work on the machine only ever makes it slower, such as a test of each of its cores."""
    installation.start()
    assert any(installation.restart() <= SECOND_START_S * crowding() for _ in range(3))
    assert not [line for line in installation.lines if "password" in line]


def test_a_part_that_is_killed_comes_back(installation: Installation) -> None:
    installation.start()
    web = installation.child("collection.server")
    os.kill(web, signal.SIGKILL)
    installation.read_until("web ended (SIGKILL)", time.monotonic() + 60)
    installation.wait_until_ready()
    assert installation.child("collection.server") != web


def test_a_second_one_on_the_same_data_is_refused(installation: Installation) -> None:
    installation.start()
    second = installation.manage("run")
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert "already running" in said
    assert "already" in said


def test_a_taken_port_is_named(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        said, _ = installation.manage("run").communicate(timeout=60)
    assert f"port {installation.port}" in said
    assert "HITSTREAM_PORT" in said


def test_a_bad_setting_stops_the_start(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "port", 99999)
    process = installation.manage("run")
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "HITSTREAM_PORT='99999' is not allowed: it must be a whole number from 1 to 65535" in said
