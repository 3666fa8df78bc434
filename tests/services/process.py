"""One process of a server, which outlives the one that started it: known by its pid and its start time."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.services.jars import private_folder

STOP_LIMIT_S: Final = 90.0
PORT_LIMIT_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1
LOG_NAME: Final = "server.log"
# Below the ports that the system gives to clients: one of those may have a stopped server's port when it starts again.
SERVER_PORTS: Final = range(20_000, 32_000)

Address = tuple[str, int]


class ServiceFailed(RuntimeError):
    """A server did not start, or did not end. Says what it said last."""


class Command(NamedTuple):
    """What to run. `addresses` are those that it listens on; `user` where it may not be root."""

    words: Sequence[str]
    addresses: Sequence[Address]
    environment: Mapping[str, str] = {}
    user: str | None = None


class Process:
    """Keeps in its folder: `pid`, the log of this run and of the one before."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, private_folder(folder)
        self.log, self._pid_file = folder / LOG_NAME, folder / "pid"

    @property
    def pid(self) -> int | None:
        """Of the running process that was started here; a later one with the same pid has another start time."""
        try:
            pid, started = self._pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if started == start_time(int(pid)) else None

    def start(self, command: Command) -> None:
        """Raises ServiceFailed if a port stays taken. Does nothing if it runs."""
        if self.pid is None:
            wait_until_free(command.addresses)
            if self.log.exists():
                self.log.replace(self.folder / "server.before.log")
            self._spawn(command)

    def wait(self, ready: Callable[[str], bool], limit_s: float) -> None:
        """Until `ready`, which is given what the process has said, is true. Raises ServiceFailed."""
        give_up = time.monotonic() + limit_s
        while not ready(self.said()):
            if self.pid is None:
                raise ServiceFailed(f"{self.name} ended:\n{self.last_words()}")
            if time.monotonic() > give_up:
                raise ServiceFailed(f"{self.name} was not ready after {limit_s:.0f} s:\n{self.last_words()}")
            time.sleep(LOOK_EVERY_S)

    def stop(self, addresses: Sequence[Address], with_signal: signal.Signals = signal.SIGTERM) -> None:
        """The ports are free on return; what does not end in time is killed."""
        self.signal(with_signal)
        give_up = time.monotonic() + STOP_LIMIT_S
        while self.pid is not None and time.monotonic() < give_up:
            time.sleep(LOOK_EVERY_S)
        self.kill(addresses)

    def kill(self, addresses: Sequence[Address]) -> None:
        """As a power cut would, for the process: no time for last words. The ports are free on return."""
        self.signal(signal.SIGKILL)
        wait_until_free(addresses)

    def signal(self, number: signal.Signals) -> None:
        if pid := self.pid:
            os.kill(pid, number)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_words(self) -> str:
        return "\n".join(line[:300] for line in self.said().splitlines()[-40:])

    def state(self) -> str:
        """`pid 4711, 230 MiB`, or `stopped`."""
        return f"pid {pid}, {resident_mib(pid)} MiB" if (pid := self.pid) else "stopped"

    def _spawn(self, command: Command) -> None:
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command.words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                env={**os.environ, **command.environment}, start_new_session=True, user=command.user,
            )  # fmt: skip
        self._pid_file.write_text(f"{process.pid} {start_time(process.pid)}")
        process.returncode = 0  # it is to live on: its end is seen by its pid, not waited for


def start_time(pid: int) -> str | None:
    """In ticks since the machine's start; None where no such process runs. A zombie of ours is laid to rest."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        reap(pid)
        return None
    return fields[19]


def reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # of somebody else
        return


def resident_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:")), 0)


def taken(address: Address) -> bool:
    with socket.socket() as client:
        return client.connect_ex(address) == 0


def wait_until_free(addresses: Iterable[Address]) -> None:
    """Threads of a process that was killed may hold its ports after its pid is gone. Raises ServiceFailed."""
    give_up = time.monotonic() + PORT_LIMIT_S
    for address in addresses:
        while taken(address):
            if time.monotonic() > give_up:
                raise ServiceFailed(f"{address[0]}:{address[1]} is taken by another process")
            time.sleep(LOOK_EVERY_S)


def ports(folder: Path, count: int) -> list[int]:
    """As many free ports, chosen once for a folder: a server is found again where it was."""
    path = private_folder(folder) / "ports"
    known = [int(word) for word in path.read_text().split()] if path.exists() else []
    while len(known) < count:
        port = random.choice(SERVER_PORTS)
        known += [port] if port not in known and can_be_had(port) else []
    path.write_text(" ".join(map(str, known)))
    return known[:count]


def can_be_had(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def empty(folder: Path) -> None:
    """Forget everything that a server kept."""
    shutil.rmtree(folder, ignore_errors=True)
    private_folder(folder)
