"""What a reporting process answers: pages and interfaces, and how it is. Hits are the collector's."""

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

AWAY: Final = (DatabaseError, LogUnavailable, StoreUnavailable, OSError)  # the last of a broker

Check = Callable[[], object]
Route = Callable[[], Awaitable[HttpAnswer]]


class AsgiPages:
    """`needs` are asked, by name, whether they can be reached: they raise one of AWAY where not. `gauges` are those of
    `/metrics`.
    """

    def __init__(self, pages: Application, needs: Mapping[str, Check], gauges: Sequence[Gauge] = ()) -> None:
        self._pages, self._needs, self._gauges = pages, needs, gauges
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._looking: asyncio.Future[HttpAnswer] | None = None
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
            return _not_here
        return self._routes.get(scope["path"]) if scope["method"] == "GET" else None

    async def _health(self) -> HttpAnswer:
        return HttpAnswer(200, TEXT, b"ok\n")

    async def _readiness(self) -> HttpAnswer:
        """All who ask while one look is under way share its answer: what does not answer is not asked more often."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().run_in_executor(self._thread, self._look)
        return await asyncio.shield(self._looking)

    def _look(self) -> HttpAnswer:
        for name, check in self._needs.items():
            try:
                check()
            except AWAY:
                again = ("retry-after", str(RETRY_AFTER_S))
                return HttpAnswer(503, [*TEXT, again], f"the {name} cannot be reached\n".encode())
        return HttpAnswer(200, TEXT, b"ready\n")

    async def _metrics(self) -> HttpAnswer:
        lines = await asyncio.get_running_loop().run_in_executor(None, gauge_lines, self._gauges, AWAY)
        return HttpAnswer(200, METRICS_TEXT, "\n".join([*lines, ""]).encode())


def database_answers() -> None:
    """Raises DatabaseError where it does not."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _not_here() -> HttpAnswer:
    return HttpAnswer(404, TEXT, b"hits are taken by the collectors\n")


async def _lifespan(receive: Receive, send: Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})
