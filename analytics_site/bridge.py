"""Runs a WSGI application on an ASGI server, in threads: Django is far slower through its own ASGI handler."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack
from io import BufferedReader, BytesIO, FileIO
from itertools import chain
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, Any, Final, NamedTuple

from analytics_site.thread_kinds import ThreadsOfKind, noticing_end, threads_of_kinds
from collection.collector.http import TrustedProxies
from collection.connections.connection import PIECE_BYTES, READS_ON, ReadsOn
from processing.interruption import CLIENT_GONE

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

logger = logging.getLogger(__name__)

THREADS: Final = {"": 8}
MAX_BODY_BYTES: Final = 3 * 1024 * 1024  # more than Django accepts
BODY_IN_MEMORY_BYTES: Final = 64 * 1024
# Of answers that clients have not read yet, on disk, when one more begins. That one may be of any size: a file of raw
# events above the limit could never be had, although all of its work is done.
MAX_UNSENT_BYTES: Final = 512 * 1024 * 1024
SMALL_BYTES: Final = 64 * 1024  # no page of ours is refused because of reports that others do not read
WITHOUT_BODY: Final = (204, 304)


class ClientGone(Exception):
    """The client disconnected before it had sent its whole request."""


class WsgiInThreads:
    """An ASGI application. A body above `max_body_bytes` is answered 413 before the WSGI application sees the request.

    Headers about the client (address, https) are passed on only if they come from a proxy in `proxies`.

    `kind_of` tells the kind of a request by its path, and `threads` how many threads each kind has: one kind cannot
    take those of another. If too many requests wait for a thread of their kind, the next ones are answered 503.
    """

    def __init__(
        self,
        wsgi: WsgiApplication,
        proxies: TrustedProxies,
        threads: Mapping[str, int] = THREADS,
        kind_of: Callable[[str], str] = lambda _path: "",
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._wsgi = wsgi
        self._proxies = proxies
        self._max_body_bytes = max_body_bytes
        self._unsent_bytes = 0
        self._kind_of = kind_of
        self._threads = threads_of_kinds(threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self._reply(scope, receive)
        with reply.body:
            await self._send(scope, reply, send)

    async def _reply(self, scope: Scope, receive: Receive) -> "Answer":
        with SpooledTemporaryFile(max_size=BODY_IN_MEMORY_BYTES) as body:
            try:
                fits = not is_longer(scope, self._max_body_bytes) and await self._read(receive, body)
            except ClientGone:
                return refusal(400, b"the body is incomplete\n")
            if not fits:
                return refusal(413, b"body too large\n")
            threads = self._threads[self._kind_of(scope["path"])]
            if threads.is_full():
                return refusal(503, b"too many requests wait; ask again in a moment\n")
            with threads.used(), noticing_end(receive) as gone:
                environment = {**environ(scope, body, self._proxies), CLIENT_GONE: gone}
                return await self._answer(threads, environment)

    async def _answer(self, threads: ThreadsOfKind, environment: dict[str, Any]) -> "Answer":
        return await asyncio.get_running_loop().run_in_executor(threads.executor, answer, self._wsgi, environment)

    async def _send(self, scope: Scope, reply: "Answer", send: Send) -> None:
        reads_on: ReadsOn = scope.get("extensions", {}).get(READS_ON, always)
        if reply.kept_bytes > SMALL_BYTES and self._unsent_bytes >= MAX_UNSENT_BYTES:
            reply = refusal(503, b"too many answers are waiting for their clients\n")
        self._unsent_bytes += reply.kept_bytes
        try:
            await reply.send(send, reads_on)
        finally:
            self._unsent_bytes -= reply.kept_bytes

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


class FileWrapper:
    """WSGI's way to answer with a file: Django calls it with an open file, and reads nothing."""

    def __init__(self, file: IO[bytes], block_size: int = PIECE_BYTES) -> None:
        self.file, self._block_size = file, block_size
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self._block_size), b"")


class Answer(NamedTuple):
    """A whole answer. Its body is a file, in memory if it is short: clients may take minutes to read it."""

    status: int
    headers: RawHeaders
    body: IO[bytes]
    size: int

    @property
    def kept_bytes(self) -> int:
        """Returns what this answer alone needs; static files are there anyway."""
        return 0 if isinstance(self.body, FileIO) else self.size

    async def send(self, send: Send, reads_on: ReadsOn) -> None:
        """Sends piece by piece, and reads none before the client has taken the one before."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        left = self.size
        while left > PIECE_BYTES:
            if not await reads_on():
                await asyncio.sleep(0)  # the server notes that the connection is lost: no answer is missed then
                return
            await send({"type": "http.response.body", "body": self.body.read(PIECE_BYTES), "more_body": True})
            await asyncio.sleep(0)  # others get a turn, also while nothing has to be waited for
            left -= PIECE_BYTES
        await send({"type": "http.response.body", "body": self.body.read(PIECE_BYTES)})


def refusal(status: int, reason: bytes) -> Answer:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(reason))]
    return Answer(status, headers, BytesIO(reason), len(reason))


async def always() -> bool:
    """Stands in where the server does not tell whether the client reads."""
    return True


def answer(wsgi: WsgiApplication, environment: dict[str, Any]) -> Answer:
    """Runs one request. It waits for no client, so that a thread of the pool is busy only while it computes."""
    if environment[CLIENT_GONE].is_set():
        return refusal(400, b"the client hung up before its request was looked at\n")
    status, headers = 500, []

    def start_response(line: str, named: list[tuple[str, str]], _error: object = None) -> None:
        nonlocal status, headers
        status = int(line.partition(" ")[0])
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named]

    result = wsgi(environment, start_response)
    try:
        body, size = whole(result)
    finally:
        if close := getattr(result, "close", None):
            close()
    if status not in WITHOUT_BODY and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", b"%d" % size))
    return Answer(status, headers, body, size)


def whole(result: Iterable[bytes]) -> tuple[IO[bytes], int]:
    """Returns the body at its beginning, and its size. A file of the disk is not copied, be it there anyway, which a
    FileIO says, or made for this answer.
    """
    if isinstance(result, FileWrapper) and isinstance(result.file, BufferedReader | SpooledTemporaryFile):
        result.file.seek(0)
        buffering = 0 if isinstance(result.file, BufferedReader) else PIECE_BYTES
        file = os.fdopen(os.dup(result.file.fileno()), "rb", buffering)
        return file, os.fstat(file.fileno()).st_size
    pieces = iter(result)
    first, second = next(pieces, b""), next(pieces, None)
    if second is None:
        return kept(first), len(first)
    body = SpooledTemporaryFile(max_size=PIECE_BYTES)  # noqa: SIM115 - the answer closes it
    for piece in chain((first, second), pieces):
        body.write(piece)
    size = body.tell()
    body.seek(0)
    return body, size


def kept(content: bytes) -> IO[bytes]:
    """Returns a file of this content. A long one is on the disk, unless that is full."""
    if len(content) <= PIECE_BYTES:
        return BytesIO(content)
    try:
        with ExitStack() as undo:
            body = undo.enter_context(TemporaryFile())
            body.write(content)
            body.seek(0)
            undo.pop_all()
            return body
    except OSError as error:
        logger.warning("an answer stays in memory: %s", error)
        return BytesIO(content)


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
        "wsgi.file_wrapper": FileWrapper,
    }


def is_longer(scope: Scope, size: int) -> bool:
    """Returns whether the request announces a longer body."""
    declared = [value for name, value in scope["headers"] if name == b"content-length"]
    return any(value.isdigit() and int(value) > size for value in declared)


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
