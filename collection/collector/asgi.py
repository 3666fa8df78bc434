"""The collector as an ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from collection.collector.app import Collector
from collection.collector.http import MAX_BODY_BYTES, READ_HEADERS, BodyTooLarge, HttpAnswer, IncompleteBody

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
READ: Final = {name.encode(): name for name in READ_HEADERS}
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AsgiRequest:
    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.peer: str = (scope.get("client") or ("", 0))[0]
        self._raw: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive

    def headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for name, value in self._raw:
            if key := READ.get(name):
                text = value.decode("latin-1")
                headers[key] = f"{headers[key]},{text}" if key in headers else text
        return headers

    async def body(self) -> bytes:
        chunks, size, more_body = [], 0, True
        while more_body:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise IncompleteBody
            chunks.append(message.get("body", b""))
            more_body = message.get("more_body", False)
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge
        return b"".join(chunks)


class AsgiCollector:
    """Answers the collector's paths, and passes all others on to `rest`, or answers them 404 without it."""

    def __init__(self, collector: Collector, rest: Application | None = None) -> None:
        self._collector = collector
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and self._rest and not self._collector.answers(scope["path"]):
            await self._rest(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(await self._collector.answer(AsgiRequest(scope, receive)), send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        loop = asyncio.get_running_loop()
        self._collector.start(loop)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await loop.run_in_executor(None, self._collector.close)
        await send({"type": "lifespan.shutdown.complete"})


async def send_answer(answer: HttpAnswer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.body and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
