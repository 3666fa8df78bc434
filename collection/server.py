"""Runs an ASGI application in this process until SIGTERM or SIGINT.

    python -m collection.server analytics_site.asgi:application --host 127.0.0.1 --port 8000

It then accepts no new connections, answers the requests in progress, makes waiting hits durable and exits with 0.
"""

import argparse
import asyncio
import importlib
import logging
import resource
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

import uvicorn
import uvloop

from collection.collector.http import TrustedProxies
from collection.connections.connection import Connection
from collection.connections.guard import RESERVE, Guard, Limits
from configuration.numbers import how_many

BACKLOG: Final = 2048
SWITCH_INTERVAL_S: Final = 0.001
LOOK_EVERY_S: Final = 1.0
REMIND_S: Final = 60.0
CLIENTS_TIMEOUT_S: Final = 3.0  # when stopping, for clients that still send or read
STOP_TIMEOUT_S: Final = 15  # when stopping, for all requests in progress; the supervisor waits 20 s
OTHER_FILES: Final = 512  # descriptors for databases, segments, threads
FILES_PER_CONNECTION: Final = 2  # the connection, and the file that it sends
MAX_OPEN_FILES: Final = 65_536
UNSENT_BYTES: Final = 128 * 1024  # that the kernel keeps of an answer, beside what is on its way

USUAL: Final = Limits()

logger = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn's server, which ends with status 0 after a signal, and looks after its connections."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._looking = asyncio.create_task(self._look())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(CLIENTS_TIMEOUT_S, self._guard.abort_waiting)
        await super().shutdown(sockets)
        self._looking.cancel()

    async def _look(self) -> None:
        loop, logged_at, known = asyncio.get_running_loop(), float("-inf"), 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._guard.look(loop.time())
            closed = self._guard.closed_to_make_room + self._guard.refused
            if closed > known and loop.time() - logged_at >= REMIND_S:
                logger.warning("%s closed or refused: too many are open", how_many(closed - known, "connection"))
                logged_at, known = loop.time(), closed


def serve(
    host: str,
    port: int,
    target: str = "analytics_site.asgi:application",
    limits: Limits = USUAL,
    proxies: TrustedProxies | None = None,
) -> None:
    """Blocks until SIGTERM or SIGINT. Raises OSError if the port is in use."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # by default the log's writer waits 5 ms for a busy page's thread
    guard = Guard(within_open_files(limits), (proxies or TrustedProxies(())).trusts)
    with listening(host, port, limits) as listener:
        server = Server(configuration(load(target), guard), guard)
        uvloop.run(server.serve([listener]))


def configuration(application: Any, guard: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=partial(Connection, guard),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,  # it would contain full addresses
        log_config=None,
        log_level="error",  # a line for each bad request would be a line for each of a scanner's
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )


@contextmanager
def listening(host: str, port: int, limits: Limits) -> Iterator[socket.socket]:
    """Yields the bound socket; connections inherit its options."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(AttributeError, OSError):  # known to Linux
            # Otherwise the kernel keeps megabytes for each client that does not read, and for minutes after its end.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2000 * limits.write_s))
        listener.bind((host, port))
        yield listener


def within_open_files(limits: Limits) -> Limits:
    """Raises the number of files that may be open; returns limits with as many connections as then fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MAX_OPEN_FILES) if hard != resource.RLIM_INFINITY else MAX_OPEN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    fitting = max(RESERVE, (soft - OTHER_FILES) // FILES_PER_CONNECTION - RESERVE)
    if soft == resource.RLIM_INFINITY or limits.connections <= fitting:
        return limits
    logger.warning("only %d connections fit: this process may open %d files (ulimit -n)", fitting, soft)
    return limits._replace(connections=fitting)


def load(target: str) -> Any:
    """Imports the object `module:name`."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve an ASGI application.")
    parser.add_argument("target", nargs="?", default="analytics_site.asgi:application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--connections", type=int, default=USUAL.connections)
    parser.add_argument("--per-address", type=int, default=USUAL.per_address, help="connections; 0: no bound")
    parser.add_argument("--request-seconds", type=float, default=USUAL.request_s)
    parser.add_argument("--keep-alive-seconds", type=float, default=USUAL.keep_alive_s)
    parser.add_argument("--write-seconds", type=float, default=USUAL.write_s)
    parser.add_argument("--proxy", type=ip_network, action="append", default=[], help="not bounded per address")
    options = parser.parse_args(arguments)
    limits = Limits(
        options.connections,
        options.per_address,
        min(USUAL.head_s, options.request_seconds),
        options.request_seconds,
        options.keep_alive_seconds,
        options.write_seconds,
    )
    serve(options.host, options.port, options.target, limits, TrustedProxies(options.proxy))


if __name__ == "__main__":
    main()
