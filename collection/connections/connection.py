"""One connection of a client: uvicorn's protocol for HTTP/1.1, with deadlines, bounds and tolerance.

Deadlines are points in time, not timers: `Guard.look` compares them once a second, so a hit costs no timer.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from collection.connections.guard import Guard
from collection.connections.tolerance import TolerantHead

PIECE_BYTES: Final = 8 * 1024  # of an answer: two are in memory, the one that is being sent and the next
SERVED_S: Final = 5.0  # a client that has sent a whole request may rest for so long before slower ones
MAX_HEAD_BYTES: Final = 64 * 1024
MOST_HEADERS: Final = 256
MOST_PIPELINED: Final = 32  # requests of a connection that wait for the answer to the one before
AT_ONCE: Final = struct.pack("ii", 1, 0)
READS_ON: Final = "hitstream.reads_on"  # an extension in a request's scope, see `Connection.reads_on`
UNSEEN_BYTES: Final = 32 * 1024
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})

ReadsOn = Callable[[], Awaitable[bool]]


class Refused(Exception):
    """Ends a connection from within a callback: the parser takes it for a bad request, see `send_400_response`."""


def plain_answer(status: str, text: str, more_headers: bytes = b"retry-after: 5\r\n") -> bytes:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"cache-control: no-store\r\n" + more_headers + b"connection: close\r\n\r\n" + body


TOO_SLOW: Final = plain_answer("408 Request Timeout", "the request took too long")
HEAD_TOO_LARGE: Final = plain_answer("431 Request Header Fields Too Large", "the headers are too large", b"")
BAD_REQUEST: Final = plain_answer("400 Bad Request", "this is no HTTP request, or one of too many at once", b"")
TOO_MANY: Final = plain_answer("503 Service Unavailable", "too many connections")


class Connection(HttpToolsProtocol):
    def __init__(
        self,
        guard: Guard,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self.held_bytes = 0
        self._guard = guard
        self._read_since: float | None = None  # the first byte of a request that is not complete
        self._idle_since = 0.0
        self._paused_since = 0.0
        self._head = TolerantHead()
        self._head_read = False
        self._head_bytes = self._chunk_bytes = 0
        self._refusal = BAD_REQUEST
        self._requests = 0
        self._answering: RequestResponseCycle | None = None  # the others wait in the pipeline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=PIECE_BYTES // 2, low=PIECE_BYTES // 4)
        self.address = self.client[0] if self.client else ""
        self._extensions = {READS_ON: self.reads_on}
        self._idle_since = self.loop.time()
        if not self._guard.admit(self):
            self._end(TOO_MANY)
        elif self._guard.is_full:
            self.app = health_only(self.app)

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_requests()
        super().connection_lost(exc)
        self._release()
        self._guard.forget(self)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._chunk_bytes = len(data)
        if not self._head_read:
            if self._read_since is None:
                self._head.begin()
                self._head_bytes = 0
            self._head_bytes += len(data)
            data = self._head.rewrite(data)
        super().data_received(data)
        if self._read_since is not None and not self._head_read and not self.transport.is_closing():
            self._hold(len(data))
            if self._head_bytes > MAX_HEAD_BYTES:
                self._end(HEAD_TOO_LARGE)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused_since = self.loop.time()

    async def reads_on(self) -> bool:
        """Waits until the client has read most of what was sent. Returns False if it is gone."""
        await self.flow.drain()
        if not self.transport.is_closing():
            return True
        self.transport.abort()  # it may still hold the end of a piece, for nobody
        return False

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        self._read_since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_read:  # trailers of a chunked body are not headers
            return
        if len(self.headers) >= MOST_HEADERS:
            self._refusal = HEAD_TOO_LARGE
            raise Refused
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if max(self._head_bytes, self._chunk_bytes) > MAX_HEAD_BYTES and self._parsed_bytes > MAX_HEAD_BYTES:
            self._refusal = HEAD_TOO_LARGE
            raise Refused
        if len(self.pipeline) >= MOST_PIPELINED:
            raise Refused
        self._head_read = True
        self._requests += 1
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Wakes the application for the end of a body, or for much of it: some come byte by byte."""
        if self.cycle.response_complete:  # nobody keeps it
            return
        if len(self.cycle.body) + len(body) <= UNSEEN_BYTES:
            self.cycle.body += body
        else:
            super().on_body(body)
        self._hold(len(body))

    def on_message_complete(self) -> None:
        self._read_since = None
        self._head_read = False
        self._head_bytes = 0
        self._head.end()
        self._release()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._read_since is not None and (self.pipeline or not self._head_read):
            self._read_since = self._idle_since  # the time of the next request begins now
        if self._head_read and self.cycle.response_complete:
            self._release()  # what is left of this request is not kept
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Is called where the parser did not take what came."""
        self._end(self._refusal)

    def _unsupported_upgrade_warning(self) -> None:
        """After a request for another protocol the parser reads no more, so the answer is the last."""
        self.cycle.keep_alive = False

    # What the guard asks

    def waits_since(self) -> float | None:
        if self.flow.write_paused:
            return self._paused_since
        if self._waits_for_answer:
            return None
        if self._read_since is not None:
            return self._read_since
        return self._idle_since + (SERVED_S if self._requests else 0.0) if self._is_idle else None

    def is_overdue(self, now: float) -> bool:
        limits = self._guard.limits
        if self.transport.is_closing():
            return now - self._idle_since > limits.write_s
        if self.flow.write_paused:
            return now - self._paused_since > limits.write_s
        if self._waits_for_answer:
            return False
        if self._read_since is not None:
            return now - self._read_since > (limits.request_s if self._head_read else limits.head_s)
        if not self._is_idle:
            return False
        if self.transport.get_write_buffer_size():
            return now - self._idle_since > limits.write_s
        return now - self._idle_since > (limits.keep_alive_s if self._requests else limits.head_s)

    def time_out(self) -> None:
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.abort()
        else:
            waits = self._read_since is not None and not (self.cycle and self.cycle.response_started)
            self._end(TOO_SLOW if waits else b"")

    def abort(self) -> None:
        """Resets the connection: the kernel then forgets what the client has not read."""
        with suppress(OSError):  # the client was quicker
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    @property
    def _waits_for_answer(self) -> bool:
        """A request that has begun while the one before is not answered need not go on: much of it is not read yet."""
        return self.flow.read_paused or not (self._is_idle or self._head_read)

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _parsed_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _end(self, answer: bytes) -> None:
        """Closes the connection. An answer that has begun is cut off, not mixed with this one."""
        running = self._answering
        if answer and not (running and running.response_started and not running.response_complete):
            self.transport.write(answer)
        self._idle_since, self._read_since = self.loop.time(), None
        self._drop_requests()
        self.transport.close()

    def _drop_requests(self) -> None:
        """Tells the request that is being answered that its client is gone. Those that wait are not begun."""
        if self._answering and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        self.pipeline.clear()

    def _hold(self, more: int) -> None:
        self.held_bytes += more
        self._guard.hold(more)

    def _release(self) -> None:
        if self.held_bytes:
            self._hold(-self.held_bytes)


def health_only(application: Any) -> Any:
    """Returns the application for connections of the reserve: they may ask about health, so that checks get through."""

    async def answer(scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        if scope["path"] in HEALTH_PATHS:
            await application(scope, receive, send)
            return
        headers = [(b"content-length", b"0"), (b"retry-after", b"5"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer
