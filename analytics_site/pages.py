"""The ASGI application of a reporting process: pages, APIs, health and metrics. It accepts no hits."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from collection.collector.app import METRICS_TEXT, PATHS, TEXT
from collection.collector.asgi import Application, Receive, Scope, Send, send_answer
from collection.collector.http import RETRY_AFTER_S, HttpAnswer
from collection.collector.metrics import Gauge, gauge_lines
from collection.log import LogUnavailable
from processing.store.port import StoreUnavailable

UNAVAILABLE: Final = (DatabaseError, LogUnavailable, StoreUnavailable, OSError)  # OSError: the broker

Check = Callable[[], object]
Route = Callable[[], Awaitable[HttpAnswer]]


class AsgiPages:
    """Answers health, readiness and metrics itself, and passes all other requests on to `pages`."""

    def __init__(
        self,
        pages: Application,
        checks: Mapping[str, Check],
        gauges: Sequence[Gauge] = (),
        adapters: str = "",
    ) -> None:
        """A check raises one of UNAVAILABLE if its service cannot be reached; `checks` are keyed by its name.
        `adapters` is named by /readyz.
        """
        self._adapters = f"{adapters}\n" if adapters else ""
        self._pages, self._checks, self._gauges = pages, checks, gauges
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._checking: asyncio.Future[HttpAnswer] | None = None
        self._routes = {"/healthz": self._health, "/readyz": self._readiness, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http" and (route := self._route(scope)):
            await send_answer(await route(), send)
        elif scope["type"] == "http":
            await self._pages(scope, receive, send)

    def _route(self, scope: Scope) -> Route | None:
        if scope["path"].endswith(PATHS):
            return _not_a_collector
        return self._routes.get(scope["path"]) if scope["method"] == "GET" else None

    async def _health(self) -> HttpAnswer:
        return HttpAnswer(200, TEXT, b"ok\n")

    async def _readiness(self) -> HttpAnswer:
        """Requests that arrive during a check share its answer, so that an unresponsive service is not overloaded."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.get_running_loop().run_in_executor(self._thread, self._run_checks)
        return await asyncio.shield(self._checking)

    def _run_checks(self) -> HttpAnswer:
        for name, check in self._checks.items():
            try:
                check()
            except UNAVAILABLE:
                retry = ("retry-after", str(RETRY_AFTER_S))
                return HttpAnswer(503, [*TEXT, retry], f"the {name} cannot be reached\n".encode())
        return HttpAnswer(200, TEXT, f"ready\n{self._adapters}".encode())

    async def _metrics(self) -> HttpAnswer:
        lines = await asyncio.get_running_loop().run_in_executor(None, gauge_lines, self._gauges, UNAVAILABLE)
        return HttpAnswer(200, METRICS_TEXT, "\n".join([*lines, ""]).encode())


def check_database() -> None:
    """Raises DatabaseError if the database does not answer."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _not_a_collector() -> HttpAnswer:
    return HttpAnswer(404, TEXT, b"send hits to a collector\n")


async def _lifespan(receive: Receive, send: Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
