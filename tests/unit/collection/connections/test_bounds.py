"""What one connection may make us keep: a protocol on a transport that only notes what is done to it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from collection.connections.connection import MAX_HEAD_BYTES, MOST_HEADERS, MOST_PIPELINED, Connection
from collection.connections.guard import Guard, Limits

GET = b"GET / HTTP/1.1\r\n\r\n"
CHUNK_BYTES = 256 * 1024  # that a loop reads at once
HUNG_S = 30
Application = Callable[[Any, Any, Any], Awaitable[None]]


class Transport:
    def __init__(self) -> None:
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closing, "written after the end"
        self.written += data

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        pass

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.1", 40_000) if name == "peername" else None

    @property
    def statuses(self) -> list[bytes]:
        return [line.split()[1] for line in bytes(self.written).split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


class Site:
    """Answers 204 once `goes_on` is set. At /part half of an answer has gone by then; /gone waits for the end."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.begun = 0
        self.messages: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun += 1
        if scope["path"] == "/part":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
        if scope["path"] == "/gone":
            self.messages += [(await receive())["type"], (await receive())["type"]]
            await send({"type": "http.response.start", "status": 200, "headers": []})
            return
        await self.goes_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def connected(site: Application) -> tuple[Connection, Transport]:
    config = Config(site, log_config=None, ws="none", access_log=False)
    connection, transport = Connection(Guard(Limits()), config, ServerState(), {}), Transport()
    connection.connection_made(cast(asyncio.Transport, transport))
    return connection, transport


def run(test: Callable[[Site], Awaitable[None]]) -> None:
    async def with_site() -> None:
        await asyncio.wait_for(test(Site()), HUNG_S)

    asyncio.run(with_site())


async def until_nothing_happens() -> None:
    for _ in range(20 + 4 * MOST_PIPELINED):
        await asyncio.sleep(0)


def test_it_works() -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        site.goes_on.set()
        connection.data_received(GET * (1 + MOST_PIPELINED))
        await until_nothing_happens()
        assert transport.statuses == [b"204"] * (1 + MOST_PIPELINED)
        assert transport.reading
        assert not transport.closing

    run(test)


def test_no_more_requests_wait_than_a_few() -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        connection.data_received(GET * (CHUNK_BYTES // len(GET)))
        assert not connection.pipeline
        site.goes_on.set()
        await until_nothing_happens()
        assert (transport.statuses, transport.closing, site.begun) == ([b"400"], True, 1)

    run(test)


def test_nothing_is_read_before_the_last_request_that_waits_has_begun() -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        site.goes_on.set()
        connection.data_received(GET * 3)
        was_reading = []
        while len(transport.statuses) < 3:
            was_reading.append((len(transport.statuses), transport.reading))
            await asyncio.sleep(0)
        assert {reading for answers, reading in was_reading if answers < 3} == {False}
        assert transport.reading

    run(test)


@pytest.mark.parametrize("pipelined", [0, 1, 5])
def test_the_request_that_is_being_answered_learns_that_its_client_is_gone(
    pipelined: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(site: Site) -> None:
        connection, _ = connected(site)
        connection.data_received(b"GET /gone HTTP/1.1\r\n\r\n" + GET * pipelined)
        await until_nothing_happens()
        connection.connection_lost(ConnectionResetError())
        site.goes_on.set()
        await until_nothing_happens()
        assert site.messages == ["http.request", "http.disconnect"]
        assert site.begun == 1

    with caplog.at_level(logging.ERROR):
        run(test)
    assert caplog.messages == []


@pytest.mark.parametrize(
    "behind", [b"no request\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"x" * MAX_HEAD_BYTES], ids=["no request", "large"]
)
def test_an_answer_that_has_begun_is_not_mixed_with_a_refusal(behind: bytes) -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        connection.data_received(b"GET /part HTTP/1.1\r\n\r\n")
        await until_nothing_happens()
        connection.data_received(behind)
        assert transport.closing
        assert transport.written.endswith(b"\r\n\r\na")
        connection.connection_lost(None)

    run(test)


def test_what_nobody_keeps_is_not_counted_as_held() -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        site.goes_on.set()
        connection.data_received(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n")
        assert connection.held_bytes == 5
        await until_nothing_happens()
        assert (transport.statuses, connection.held_bytes) == ([b"204"], 0)
        for _ in range(10):
            connection.data_received(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert connection.held_bytes == 0
        connection.data_received(b"0\r\n\r\n" + GET)
        await until_nothing_happens()
        assert transport.statuses == [b"204", b"204"]

    run(test)


def with_headers(number: int, value: bytes = b"") -> bytes:
    return b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (one, value) for one in range(number)) + b"\r\n"


@pytest.mark.parametrize("before", [b"", GET], ids=["alone", "behind another request"])
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (with_headers(MOST_HEADERS), b"204"),
        (with_headers(MOST_HEADERS + 1), b"431"),
        (with_headers(20_000), b"431"),
        (with_headers(1, b"x" * (MAX_HEAD_BYTES - 1000)), b"204"),
        (with_headers(1, b"x" * MAX_HEAD_BYTES), b"431"),
        (with_headers(8, b"x" * (MAX_HEAD_BYTES // 8)), b"431"),
    ],
    ids=["most headers", "one more", "very many", "a long one", "too long a one", "long ones"],
)
def test_a_head_that_arrives_at_once_is_bounded(head: bytes, status: bytes, before: bytes) -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        site.goes_on.set()
        connection.data_received(before + head)
        await until_nothing_happens()
        assert transport.statuses[-1] == status
        assert len(connection.headers) <= MOST_HEADERS

    run(test)


def test_a_large_body_does_not_make_the_head_behind_it_large() -> None:
    async def test(site: Site) -> None:
        connection, transport = connected(site)
        site.goes_on.set()
        body = b"x" * 100_000
        connection.data_received(b"POST / HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + body + GET[:-2])
        assert connection.held_bytes > 0
        await until_nothing_happens()
        connection.data_received(GET[-2:])
        await until_nothing_happens()
        assert (transport.statuses, connection.held_bytes) == ([b"204", b"204"], 0)

    run(test)


def test_an_unfinished_head_behind_another_request_is_held() -> None:
    async def test(site: Site) -> None:
        connection, _ = connected(site)
        connection.data_received(GET + b"GET / HTTP/1.1\r\nx: " + b"x" * 50_000)
        assert connection.held_bytes >= 50_000
        connection.connection_lost(None)
        assert connection.held_bytes == 0

    run(test)
