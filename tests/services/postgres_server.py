"""PostgreSQL, from Debian's package `postgresql`; it refuses to run as root, so root runs it as `postgres`."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.services.jars import SERVICES, private_folder
from tests.services.process import Address, Command, Process, ServiceFailed, ports

START_LIMIT_S: Final = 120.0
USER: Final = "postgres"


class Postgres:
    """See `tests.services.service.Service`. One database, `hitstream`, of the user `postgres`, without a password.

    Its data are in a folder of their own under the system's temporary one: the user `postgres` may not enter ours.
    """

    def __init__(self, folder: Path = SERVICES / "postgres") -> None:
        self.folder = folder

    @property
    def address(self) -> str:
        return f"postgres://{USER}@127.0.0.1:{self._listens_on()[0][1]}/hitstream"

    def start(self, *, fresh: bool = False) -> None:
        if fresh:
            self.stop()
            self.forget()
        home = self._home()
        if not (home / "data" / "PG_VERSION").exists():
            self._run("initdb", "--pgdata", str(home / "data"), "--auth", "trust", "--username", USER, "-E", "UTF8")
        self._process().start(Command(self._words(), self._listens_on(), user=user()))
        self._process().wait(lambda _: self._answers(), START_LIMIT_S)
        self._make_database()

    def stop(self) -> None:
        """Sessions that are open are broken off."""
        self._process().stop(self._listens_on(), signal.SIGINT)

    def kill9(self) -> None:
        self._process().kill(self._listens_on())

    def status(self) -> list[str]:
        return [f"postgres {self._listens_on()[0][1]} {self._process().state()}"]

    def forget(self) -> None:
        """Delete everything that it kept."""
        shutil.rmtree(self._home())
        shutil.rmtree(self.folder)

    def _process(self) -> Process:
        return Process("PostgreSQL", self.folder)

    def _listens_on(self) -> list[Address]:
        return [("127.0.0.1", port) for port in ports(self.folder, 1)]

    def _home(self) -> Path:
        pointer = private_folder(self.folder) / "home"
        if not pointer.exists() or not Path(pointer.read_text()).exists():
            home = tempfile.mkdtemp(prefix="hitstream-postgres-")
            if name := user():
                shutil.chown(home, name, name)
            pointer.write_text(home)
        return Path(pointer.read_text())

    def _words(self) -> list[str]:
        (host, port), *_ = self._listens_on()
        home = self._home()
        small = ["-c", f"unix_socket_directories={home}", "-c", "shared_buffers=32MB", "-c", "max_connections=50"]
        return [program("postgres"), "-D", str(home / "data"), "-h", host, "-p", str(port), *small]

    def _make_database(self) -> None:
        found = self._run(*self._client("psql"), "-Atc", "SELECT 1 FROM pg_database WHERE datname = 'hitstream'")
        if not found.strip():
            self._run(*self._client("createdb"), "hitstream")

    def _client(self, name: str) -> list[str]:
        (host, port), *_ = self._listens_on()
        return [name, "-h", host, "-p", str(port), "-U", USER]

    def _answers(self) -> bool:
        words = [program("pg_isready"), *self._client("")[1:]]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def _run(self, name: str, *words: str) -> str:
        command = [program(name), *words]
        done = subprocess.run(command, capture_output=True, text=True, user=user(), cwd=self._home(), check=False)
        if done.returncode:
            raise ServiceFailed(f"{name} failed:\n{done.stderr}")
        return done.stdout


def user() -> str | None:
    return USER if os.geteuid() == 0 else None


def program(name: str) -> str:
    """Debian keeps the programs of each version apart and only some of them on the path."""
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    newest = max(found, key=lambda path: int(path.parts[-3]), default=shutil.which(name))
    if newest is None:
        raise ServiceFailed(f"{name} is not there: apt-get install --no-install-recommends postgresql")
    return str(newest)
