"""The collector: turns a request into a raw hit and answers when the hit is durable. It does not interpret hits."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Final

from collection.collector import tracker
from collection.collector.group_commit import MAX_WAITING_HITS, GroupWriter
from collection.collector.http import (
    ANY_ORIGIN,
    KEPT_HEADERS,
    MAX_BODY_BYTES,
    MAX_HEADER_CHARACTERS,
    MAX_URL_BYTES,
    PREFLIGHT,
    RETRY_AFTER_S,
    BodyTooLarge,
    Headers,
    HttpAnswer,
    IncompleteBody,
    Network,
    Request,
    TrustedProxies,
    cors,
    declared_length,
)
from collection.collector.metrics import CollectorMetrics, Gauge, Sample, gauge_lines
from collection.hit import FORMAT, RawHit, encode
from collection.log import Log, LogUnavailable, Spills
from collection.protocols import PROTOCOLS

HIT_PATHS: Final = {protocol.path: protocol.name for protocol in PROTOCOLS.values() if protocol.path}
SCRIPT_PATH: Final = "/hs.js"
PATHS: Final = (*HIT_PATHS, SCRIPT_PATH)  # a site may also route them in a folder of its own
HIT_METHODS: Final = ("GET", "POST")
TEXT: Final[Headers] = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")]
METRICS_TEXT: Final[Headers] = [
    ("content-type", "text/plain; version=0.0.4; charset=utf-8"),
    ("cache-control", "no-store"),
]

Lags = Callable[[], Mapping[str, int]]

_client_id = re.compile(rb"(?:^|[?&\n])cid=([^&\s]{1,128})").search


def now_us() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - what a collector is handed if nothing else is


def no_subscriptions() -> Mapping[str, int]:
    return {}


def partition_key(query: bytes, body: bytes, address: str, user_agent: str) -> bytes:
    """Returns a key that is mostly the same for all hits of a visitor. Counts stay right if it differs."""
    found = _client_id(query) or _client_id(body)
    return found[1] if found else f"{address} {user_agent}".encode("utf-8", "surrogatepass")


def hit_ids() -> Iterator[str]:
    """Yields globally unique ids: 96 random bits of this process, then a number."""
    prefix = secrets.token_urlsafe(12)
    return (f"{prefix}.{number:x}" for number in count())


class Collector:
    """The collector without a server. `lags` returns how many hits each subscription is behind.

    It is used from one event loop; `start` is called there first, `close` last.
    """

    def __init__(
        self,
        log: Log,
        clock: Callable[[], int] = now_us,
        trusted_proxies: Sequence[Network] = (),
        lags: Lags = no_subscriptions,
        max_waiting_hits: int = MAX_WAITING_HITS,
        adapters: str = "",
    ) -> None:
        """`adapters` is named by /readyz."""
        self.metrics = CollectorMetrics()
        self._log = log
        self._clock = clock
        self._proxies = TrustedProxies(trusted_proxies)
        self._lags = lags
        self._max_waiting_hits = max_waiting_hits
        self._ids = hit_ids()
        self._adapters = f"{adapters}\n" if adapters else ""
        self._failed_at_us: int | None = None
        self._script_made: asyncio.Future[None] | None = None
        self._routes = {"/healthz": self._health, "/readyz": self._readiness, "/metrics": self._metrics}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = GroupWriter(self._log, loop, self._appended, self._max_waiting_hits)
        self._script_made = loop.run_in_executor(None, tracker.prepare)

    def close(self) -> None:
        """Makes all accepted hits durable. Call it when no request is in progress any more."""
        self._writer.close()

    def answers(self, path: str) -> bool:
        """Returns whether the collector answers requests to this path."""
        return path.endswith(PATHS) or path in self._routes

    async def answer(self, request: Request) -> HttpAnswer:
        for path, protocol in HIT_PATHS.items():
            if request.path.endswith(path):
                return await self._hit(request, protocol)
        if request.path.endswith(SCRIPT_PATH):
            return await self._script(request)
        if route := self._routes.get(request.path):
            return await route() if request.method == "GET" else self._refuse("method", 405, [("allow", "GET")])
        return self._refuse("not found", 404)

    async def _hit(self, request: Request, protocol: str) -> HttpAnswer:
        if request.method not in HIT_METHODS:
            return (
                self._preflight(request)
                if request.method == "OPTIONS"
                else self._refuse("method", 405, [("allow", "GET, POST, OPTIONS")])
            )
        if len(request.path) + len(request.query) + 1 > MAX_URL_BYTES:
            return self._refuse("url too long", 414)
        headers = request.headers()
        try:
            body = await self._body(request, headers)
        except BodyTooLarge:
            return self._refuse("body too large", 413, cors(headers.get("origin")))
        except IncompleteBody:
            return self._refuse("body incomplete", 400, cors(headers.get("origin")))
        return await self._store(request, protocol, headers, body)

    async def _body(self, request: Request, headers: dict[str, str]) -> bytes:
        if request.method == "GET":
            return b""
        declared = declared_length(headers)
        if declared is not None and declared > MAX_BODY_BYTES:
            raise BodyTooLarge
        body = await request.body()
        if declared is not None and len(body) < declared:
            raise IncompleteBody
        return body

    async def _store(self, request: Request, protocol: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
        hit = self._raw_hit(request, protocol, headers, body)
        durable = self._writer.submit(partition_key(hit.query, body, hit.address, hit.user_agent), encode(hit))
        if durable is None:
            return self._unavailable("queue full", headers)
        if not await durable:
            return self._unavailable("log unavailable", headers)
        return HttpAnswer(204, cors(headers.get("origin")))

    def _raw_hit(self, request: Request, protocol: str, headers: dict[str, str], body: bytes) -> RawHit:
        return RawHit(
            format=FORMAT,
            id=next(self._ids),
            received=self._clock(),
            protocol=protocol,
            address=self._proxies.client_address(request.peer, headers.get("x-forwarded-for")),
            user_agent=headers.get("user-agent", "")[:MAX_HEADER_CHARACTERS],
            headers={name: headers[name][:MAX_HEADER_CHARACTERS] for name in KEPT_HEADERS & headers.keys()},
            query=request.query,
            body=body,
        )

    def _preflight(self, request: Request) -> HttpAnswer:
        return HttpAnswer(204, cors(request.headers().get("origin")) + PREFLIGHT)

    def _unavailable(self, reason: str, headers: dict[str, str]) -> HttpAnswer:
        return self._refuse(reason, 503, [*cors(headers.get("origin")), ("retry-after", str(RETRY_AFTER_S))])

    def _refuse(self, reason: str, status: int, headers: Headers = ANY_ORIGIN) -> HttpAnswer:
        self.metrics.refuse(reason)
        return HttpAnswer(status, [*headers, *TEXT[:1]], f"{reason}\n".encode())

    def _appended(self, hits: int, seconds: float, durable: bool) -> None:
        self._failed_at_us = None if durable else self._clock()
        if durable:
            self.metrics.append_done(hits, seconds)

    async def _script(self, request: Request) -> HttpAnswer:
        if self._script_made:
            await asyncio.shield(self._script_made)
        headers = request.headers()
        return tracker.respond(request.method, headers.get("if-none-match", ""), headers.get("accept-encoding", ""))

    async def _health(self) -> HttpAnswer:
        return (
            HttpAnswer(200, TEXT, b"ok\n") if self._writer.alive else HttpAnswer(503, TEXT, b"the writer has stopped\n")
        )

    async def _readiness(self) -> HttpAnswer:
        """Not ready for RETRY_AFTER_S after a failed append. Then hits come again: only an append shows a recovery."""
        failed = self._failed_at_us
        if not self._writer.alive or (failed is not None and self._clock() - failed < RETRY_AFTER_S * 1_000_000):
            return HttpAnswer(503, [*TEXT, ("retry-after", str(RETRY_AFTER_S))], b"the log cannot be written\n")
        return HttpAnswer(200, TEXT, f"ready\n{self._adapters}".encode())

    async def _metrics(self) -> HttpAnswer:
        lines = await asyncio.get_running_loop().run_in_executor(None, self._metric_lines)
        return HttpAnswer(200, METRICS_TEXT, "\n".join([*lines, ""]).encode())

    def _metric_lines(self) -> list[str]:
        gauges = [
            Gauge("queue_hits", "Hits that are waiting to become durable.", lambda: [({}, self._writer.waiting)]),
            Gauge("spilled_hits", "Hits kept here until the log can be written.", self._spilled),
            Gauge("log_start", "First offset that the log still holds.", partial(by_partition, self._log.starts)),
            Gauge("log_end", "Offset that is written next.", partial(by_partition, self._log.ends)),
            Gauge("lag_hits", "Hits that a subscription has not read yet.", self._behind),
        ]
        return [*self.metrics.lines(), *gauge_lines(gauges, (LogUnavailable,))]

    def _behind(self) -> list[Sample]:
        return [({"subscription": name}, hits) for name, hits in self._lags().items()]

    def _spilled(self) -> list[Sample]:
        return [({}, self._log.spilled if isinstance(self._log, Spills) else 0)]


def by_partition(offsets: Callable[[], dict[int, int]]) -> list[Sample]:
    return [({"partition": partition}, offset) for partition, offset in offsets().items()]
