"""Runs an ASGI application in this process until SIGTERM or SIGINT.

    python -m collection.server analytics_site.asgi:application --host 127.0.0.1 --port 8000

It then accepts no new connections, answers the requests in progress, makes waiting hits durable and exits with 0.
"""

import argparse
import asyncio
import importlib
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

BACKLOG: Final = 2048
CONCURRENT_REQUESTS: Final = 2048
SWITCH_INTERVAL_S: Final = 0.001


def serve(host: str, port: int, target: str = "analytics_site.asgi:application") -> None:
    """Blocks until SIGTERM or SIGINT. Raises OSError if the port is in use."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # by default the log's writer waits 5 ms for a busy page's thread
    uvloop.run(run(load(target), host, port))


async def run(application: Any, host: str, port: int) -> None:
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONCURRENT_REQUESTS,
        log_enabled=False,  # an access log would contain full addresses
    )
    stop_on_signals(server.stop)
    await server.serve()


def stop_on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def load(target: str) -> Any:
    """Imports the object `module:name`."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve an ASGI application.")
    parser.add_argument("target", nargs="?", default="analytics_site.asgi:application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args(arguments)
    serve(options.host, options.port, options.target)


if __name__ == "__main__":
    main()
