"""Redis, from Debian's package `redis-server`."""

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.services.jars import SERVICES
from tests.services.process import Address, Command, Process, empty, ports, taken

START_LIMIT_S: Final = 60.0


class Redis:
    """See `tests.services.service.Service`. What was acknowledged is on the disk: a broker must not forget tasks."""

    def __init__(self, folder: Path = SERVICES / "redis", options: Sequence[str] = (), tls: bool = False) -> None:
        """`options` are further ones of the command line; with `tls` it listens for nothing else."""
        self.folder, self._options, self._tls = folder, options, tls

    @property
    def port(self) -> int:
        return self._listens_on()[0][1]

    @property
    def address(self) -> str:
        return f"redis://127.0.0.1:{self._listens_on()[0][1]}/0"

    def start(self, *, fresh: bool = False) -> None:
        if fresh:
            self.stop()
            empty(self.folder)
        self._process().start(Command(self._words(), self._listens_on()))
        self._process().wait(lambda _: self._answers(), START_LIMIT_S)

    def stop(self) -> None:
        self._process().stop(self._listens_on())

    def kill9(self) -> None:
        self._process().kill(self._listens_on())

    def lose_all(self) -> None:
        """Killed, and its disk is empty; it may be started again where it was."""
        self.kill9()
        shutil.rmtree(self.folder / "appendonlydir")

    def status(self) -> list[str]:
        return [f"redis {self._listens_on()[0][1]} {self._process().state()}"]

    def _process(self) -> Process:
        return Process("Redis", self.folder)

    def _listens_on(self) -> list[Address]:
        return [("127.0.0.1", port) for port in ports(self.folder, 1)]

    def _words(self) -> list[str]:
        (host, port), *_ = self._listens_on()
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        ports = ["--port", "0", "--tls-port", str(port)] if self._tls else ["--port", str(port)]
        return ["redis-server", "--bind", host, *ports, "--dir", str(self.folder), *durable, *self._options]

    def _answers(self) -> bool:
        if self._options:  # it answers to those only who know its password
            return taken(self._listens_on()[0])
        try:
            with socket.create_connection(self._listens_on()[0], 5) as client:
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
        except OSError:
            return False
