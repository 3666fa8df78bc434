"""Runs a WSGI application on an ASGI server, in threads: Django is far slower through its own ASGI handler."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from collection.collector.http import TrustedProxies

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

THREADS: Final = 8
MAX_BODY_BYTES: Final = 3 * 1024 * 1024  # more than Django accepts
BODY_IN_MEMORY_BYTES: Final = 1024 * 1024


class ClientGone(Exception):
    """The client disconnected before it had sent its whole request."""


class WsgiInThreads:
    """An ASGI application. A body above `max_body_bytes` is answered 413 before the WSGI application sees the request.

    Headers about the client (address, https) are passed on only if they come from a proxy in `proxies`.
    """

    def __init__(
        self,
        wsgi: WsgiApplication,
        proxies: TrustedProxies,
        threads: int = THREADS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._wsgi = wsgi
        self._proxies = proxies
        self._max_body_bytes = max_body_bytes
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="django")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with SpooledTemporaryFile(max_size=BODY_IN_MEMORY_BYTES) as body:
            try:
                fits = await self._read(receive, body)
            except ClientGone:
                return
            if not fits:
                await too_large(send)
                return
            loop = asyncio.get_running_loop()
            environment = environ(scope, body, self._proxies)
            await loop.run_in_executor(self._pool, Exchange(loop, send).run, self._wsgi, environment)

    async def _read(self, receive: Receive, body: IO[bytes]) -> bool:
        """Reads the body into the file. Returns False if it is too large. Raises ClientGone if it is incomplete."""
        more_body = True
        while more_body:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body.write(message.get("body", b""))
            if body.tell() > self._max_body_bytes:
                return False
            more_body = message.get("more_body", False)
        return True


async def too_large(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"body too large\n"})


class Exchange:
    """Runs one request in a thread of the pool and sends its answer through the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send) -> None:
        self._loop = loop
        self._send = send
        self._status = 500
        self._headers: RawHeaders = []

    def run(self, wsgi: WsgiApplication, environment: dict[str, Any]) -> None:
        result = wsgi(environment, self._start_response)
        try:
            self._answer(result)
        finally:
            if close := getattr(result, "close", None):
                close()

    def _start_response(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        self._status = int(status.partition(" ")[0])
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def _answer(self, result: Iterable[bytes]) -> None:
        """Sends an answer of known length at once, any other piece by piece, waiting for a slow client."""
        pieces = self._pieces(result)
        pending = next(pieces, b"")  # one piece behind, so that the last message can say that it is the last
        self._emit({"type": "http.response.start", "status": self._status, "headers": self._headers})
        for piece in pieces:
            self._emit({"type": "http.response.body", "body": pending, "more_body": True})
            pending = piece
        self._emit({"type": "http.response.body", "body": pending})

    def _pieces(self, result: Iterable[bytes]) -> Iterator[bytes]:
        if any(name == b"content-length" for name, _ in self._headers):
            yield b"".join(result)
        else:
            yield from (piece for piece in result if piece)

    def _emit(self, message: Message) -> None:
        asyncio.run_coroutine_threadsafe(self._deliver(message), self._loop).result()

    async def _deliver(self, message: Message) -> None:
        await self._send(message)


def environ(scope: Scope, body: IO[bytes], proxies: TrustedProxies) -> dict[str, Any]:
    """Returns the WSGI environment of a request. CONTENT_LENGTH is the length of the received body, chunked or not."""
    length = body.tell()
    body.seek(0)
    host, port = scope.get("server") or ("localhost", 80)
    peer = (scope.get("client") or ("", 0))[0]
    variables = http_variables(scope["headers"])
    if not proxies.trusts(peer):
        variables = {name: value for name, value in variables.items() if not name.startswith("HTTP_X_FORWARDED_")}
    return {
        **variables,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(length),
        "REMOTE_ADDR": proxies.client_address(peer, variables.get("HTTP_X_FORWARDED_FOR")),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def http_variables(headers: RawHeaders) -> dict[str, str]:
    """Returns the headers as WSGI variables: `accept-language` -> `HTTP_ACCEPT_LANGUAGE`."""
    variables: dict[str, str] = {}
    for raw, value in headers:
        if b"_" in raw:  # a client could send `x_forwarded_for`, which WSGI cannot tell from the proxy's header
            continue
        name = raw.decode("latin-1").upper().replace("-", "_")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        separator = "; " if name == "COOKIE" else ","
        text = value.decode("latin-1")
        variables[key] = f"{variables[key]}{separator}{text}" if key in variables else text
    return variables
