"""Sends requests to the collector's ASGI application, without a server, on a real embedded log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from collection.collector.app import Collector
from collection.collector.asgi import AsgiCollector
from collection.hit import RawHit, decode
from collection.log import Log

T = TypeVar("T")
Headers = list[tuple[str, str]]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def collecting(collector: Collector, use: Callable[[AsgiCollector], Awaitable[T]]) -> T:
    """Starts the collector, awaits `use`, stops the collector. Returns the result."""

    async def run() -> T:
        collector.start(asyncio.get_running_loop())
        try:
            return await use(AsgiCollector(collector))
        finally:
            await asyncio.to_thread(collector.close)

    return asyncio.run(run())


async def send(
    application: AsgiCollector,
    method: str = "GET",
    target: str = "/g/collect?v=2",
    *,
    body: tuple[bytes, ...] = (b"",),
    headers: Headers | None = None,
    peer: str = "192.0.2.1",
    disconnect: bool = False,
) -> Reply:
    """Sends one request. `body` arrives in these pieces; with `disconnect` the last one is a disconnect."""
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "client": (peer, 40_000),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers or []],
    }
    pieces: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    pieces[-1] = {"type": "http.disconnect"} if disconnect else {**pieces[-1], "more_body": False}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def collect(message: Any) -> None:
        sent.append(message)

    await application(scope, receive, collect)
    reply_headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], reply_headers, b"".join(message.get("body", b"") for message in sent[1:]))


def stored(log: Log) -> list[RawHit]:
    end = log.ends()[0]
    return [decode(entry.value) for entry in log.read(0, log.starts()[0], end - 1)] if end else []
