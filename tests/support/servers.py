"""Servers as processes, and clients that record which hits were acknowledged, for tests that kill the server."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import urlopen

START_TIMEOUT_S: Final = 60
ROOT: Final = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """Serves `target` by `collection.server` until it is stopped or killed. It may be started again on its port."""

    def __init__(self, target: str, environment: dict[str, str], *arguments: str) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", "collection.server", target, "--port", str(self.port), *arguments]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str) -> str:
        with urlopen(self.url(path), timeout=30) as reply:  # noqa: S310
            return str(reply.read(), "utf-8")

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._environment, cwd=ROOT)
        give_up = time.monotonic() + START_TIMEOUT_S
        while not self.ready():
            assert self._process.poll() is None, "the server did not start"
            assert time.monotonic() < give_up, "the server did not become ready in time"
            time.sleep(0.05)

    def ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(self.url("/readyz"), timeout=5) as reply:  # noqa: S310
            return bool(reply.status == 200)
        return False

    def stop(self) -> int:
        """Stops the server with SIGTERM. Returns its exit status."""
        return self._send_and_wait(signal.SIGTERM)

    def kill(self) -> int:
        return self._send_and_wait(signal.SIGKILL)

    def _send_and_wait(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()


class Role(Server):
    """`manage.py up --role ROLE` on a data folder. When it is killed, its processes end by themselves."""

    def __init__(self, role: str, data: Path, environment: Mapping[str, str] = {}) -> None:
        super().__init__("", {"HITSTREAM_DATA": str(data), "HITSTREAM_DEMO": "0", **environment})
        self._command = [sys.executable, "manage.py", "up", "--role", role, "--port", str(self.port)]


@contextmanager
def collector(log: Path, *arguments: str) -> Iterator[Server]:
    """Runs the collector alone, on a log in this folder, with arguments of `collection.server`."""
    with Server("tests.support.collector_alone:application", {"COLLECTOR_LOG": str(log)}, *arguments) as server:
        yield server


class Clients:
    """Sends numbered hits over `connections` connections. `acknowledged`: the hits that were answered 204."""

    def __init__(self, port: int, prefix: str = "hit", connections: int = 16) -> None:
        self._port = port
        self._prefix = prefix
        self._connections = connections
        self._numbers = count()
        self.sent = 0
        self.acknowledged: list[str] = []

    async def run(self, until: asyncio.Event) -> None:
        """Sends until the event is set or the server is unreachable."""
        await asyncio.gather(*(self._client(until) for _ in range(self._connections)))

    async def _client(self, until: asyncio.Event) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                while not until.is_set():
                    await self._hit(reader, writer)
            finally:
                writer.close()

    async def _hit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = f"{self._prefix}{next(self._numbers)}"
        self.sent += 1
        writer.write(f"GET /g/collect?v=2&tid=G-TEST&en=page_view&_hid={name} HTTP/1.1\r\nhost: test\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if answer.startswith(b"HTTP/1.1 204 "):
            self.acknowledged.append(name)
        elif length := int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0):
            await reader.readexactly(length)


async def load_for(clients: Clients, seconds: float) -> None:
    """Lets the clients send at full speed for this long."""
    until = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, until.set)
    await clients.run(until)


class Background:
    """Runs `send` in a thread until it is stopped; `acknowledged` grows meanwhile."""

    timeout_s: float = 240.0
    acknowledged: list[str]

    def __init__(self) -> None:
        self.loop, self.until = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self.send()))

    async def send(self) -> None:
        """Sends until the event `until` is set."""
        raise NotImplementedError

    def describe_stall(self) -> str:
        """The message of a failed `wait_for`."""
        return "no more hits are acknowledged"

    def wait_for(self, hits: int) -> None:
        """Waits until that many more hits are acknowledged."""
        target, give_up = len(self.acknowledged) + hits, time.monotonic() + self.timeout_s
        while len(self.acknowledged) < target:
            assert time.monotonic() < give_up, self.describe_stall()
            time.sleep(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.until.set)
        self._thread.join()
        self.loop.close()
