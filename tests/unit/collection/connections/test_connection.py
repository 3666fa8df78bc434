"""Slow and hostile clients of a real server, whose limits are short."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from select import select
from typing import Any
from urllib.request import urlopen

import pytest
import uvloop
from uvicorn.server import ServerState

from analytics_site.bridge import Answer
from collection.connections.connection import PIECE_BYTES, READS_ON, Connection
from collection.connections.guard import Guard, Limits
from collection.server import configuration
from tests.support.servers import Server, collector

HIT = b"GET /g/collect?v=2 HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /g/collect HTTP/1.1\r\nhost: a\r\n"
LARGE_BYTES = 4_000_000  # of the page /large in tests/support/collector_alone.py
HUNG_S = 30  # a test that waits longer hangs

Application = Callable[[Any, Any, Any], Awaitable[None]]


@contextmanager
def serving(tmp_path: Path, *arguments: str) -> Iterator[Server]:
    with collector(tmp_path / "log", *arguments) as server:
        yield server


def connect(server: Server, request: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=HUNG_S)
    connection.sendall(request)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Returns everything until the server closes the connection."""
    answer = b""
    try:
        while piece := connection.recv(65_536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def healthy(server: Server) -> bool:
    with urlopen(server.url("/healthz"), timeout=HUNG_S) as reply:  # noqa: S310
        return bool(reply.status == 200)


def test_it_works(tmp_path: Path) -> None:
    with serving(tmp_path) as server, connect(server, HIT) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")
        connection.sendall(HIT)
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize(
    "request_",
    [POST + b"content-length: 10\r\n\r\nen=", POST + b"transfer-encoding: chunked\r\n\r\n", POST + b"x: ", b"PO"],
    ids=["body", "chunks", "headers", "request line"],
)
def test_a_request_that_does_not_end_is_ended(tmp_path: Path, request_: bytes) -> None:
    with serving(tmp_path, "--request-seconds=1") as server, connect(server, request_) as connection:
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert healthy(server)


def test_a_byte_now_and_then_does_not_help(tmp_path: Path) -> None:
    with serving(tmp_path, "--request-seconds=2") as server, connect(server, POST + b"x: ") as connection:
        connection.settimeout(0.3)
        for _ in range(100):
            connection.sendall(b"a")
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                continue
            break
        assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("request_", [b"", HIT], ids=["nothing was asked", "after an answer"])
def test_a_connection_that_is_not_used_is_closed(tmp_path: Path, request_: bytes) -> None:
    arguments = ("--request-seconds=1", "--keep-alive-seconds=1")
    with serving(tmp_path, *arguments) as server, connect(server, request_) as connection:
        assert rest(connection).count(b"HTTP/1.1") == (1 if request_ else 0)


@pytest.mark.parametrize(
    "arguments",
    [("--connections=64", "--per-address=0"), ("--per-address=40",), ("--connections=64", "--proxy=127.0.0.0/8")],
    ids=["by all", "by one address", "behind a proxy"],
)
def test_slow_clients_do_not_keep_others_out(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with serving(tmp_path, *arguments) as server, ExitStack() as open_connections:
        for _ in range(200):
            open_connections.enter_context(connect(server, POST + b"content-length: 10\r\n\r\nen="))
        assert healthy(server)
        with connect(server, HIT) as good:
            assert good.recv(4096).startswith(b"HTTP/1.1 204 ")


def test_trailers_are_not_headers(tmp_path: Path) -> None:
    body = b"transfer-encoding: chunked\r\n\r\n4\r\nen=a\r\n0\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"
    with serving(tmp_path) as server, connect(server, POST + body) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as server, connect(server, POST) as connection:
        try:
            for number in range(2000):
                connection.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1000))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert healthy(server)


def test_a_wish_for_another_protocol_is_ignored(tmp_path: Path) -> None:
    wish = b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    request = POST + wish + b"content-length: 4\r\n\r\nen=a"
    with serving(tmp_path) as server, connect(server, request) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")


def test_a_body_is_no_second_request_where_its_head_ends_between_two_packets(tmp_path: Path) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nhost: abc\r\n\r\n"
    body = b"x" + b"\r\nupgrade: a" * (len(hidden) // 2) + b"\r\n\r\n" + hidden
    head = POST + b"content-length: %d\r\n\r\n" % len(body)
    with serving(tmp_path) as server, connect(server, head[:-1]) as connection:
        time.sleep(0.2)  # so that the rest comes as a packet of its own
        connection.sendall(head[-1:] + body + b"GET /hs.js HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = rest(connection)
    assert [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1")] == [
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 200 OK",
    ]


def test_text_beyond_ascii_in_an_address_arrives(tmp_path: Path) -> None:
    request = "GET /g/collect?dt=Größe HTTP/1.1\r\nhost: a\r\n\r\n".encode()
    with serving(tmp_path) as server, connect(server, request[:20]) as connection:
        connection.sendall(request[20:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 204 ")


def test_what_is_asked_together_is_answered_in_order(tmp_path: Path) -> None:
    last = b"GET /hs.js HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    with serving(tmp_path) as server, connect(server, HIT * 3 + last) as connection:
        answer = rest(connection)
    assert answer.count(b"HTTP/1.1 204 ") == 3
    assert answer.index(b"HTTP/1.1 200 ") > answer.rindex(b"HTTP/1.1 204 ")


def stalled(server: Server, number: int = 1) -> list[socket.socket]:
    """Connections that ask for a large page and read nothing."""
    readers = []
    for _ in range(number):
        readers.append(socket.socket())
        readers[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        readers[-1].settimeout(HUNG_S)
        readers[-1].connect(("127.0.0.1", server.port))
        readers[-1].sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        assert select(readers[-1:], [], [], HUNG_S)[0]  # the answer has begun, so that not too many requests wait
    return readers


def is_open(connection: socket.socket) -> bool:
    """Looks without reading."""
    established, state = 1, connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state == established


def memory_mb(server: Server) -> float:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def test_a_client_that_does_not_read_is_given_up(tmp_path: Path) -> None:
    with serving(tmp_path, "--write-seconds=1") as server:
        reader = stalled(server)[0]
        give_up = time.monotonic() + HUNG_S
        while is_open(reader):
            assert time.monotonic() < give_up
            time.sleep(0.05)
        reader.close()
        assert healthy(server)


def test_a_large_page_arrives_whole(tmp_path: Path) -> None:
    request = b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    with serving(tmp_path, "--write-seconds=1") as server, connect(server, request) as connection:
        head, _, body = rest(connection).partition(b"\r\n\r\n")
    assert b"content-length: %d" % LARGE_BYTES in head
    assert body == b"x" * LARGE_BYTES


def test_clients_that_do_not_read_take_neither_threads_nor_memory(tmp_path: Path) -> None:
    """Eight of them would take every thread, and a hundred 400 MB."""
    with serving(tmp_path) as server:
        assert healthy(server)
        before = memory_mb(server)
        readers = stalled(server, 100)
        with connect(server, b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") as page:
            assert rest(page).endswith(b"slow")
        assert memory_mb(server) - before < 100
        assert all(map(is_open, readers))
        for reader in readers:
            reader.close()


async def accepted(application: Application) -> tuple[Connection, socket.socket]:
    """Returns a connection in the running loop, and its client's end."""
    guard = Guard(Limits(head_s=10, request_s=30))
    config = configuration(application, guard)
    config.load()
    theirs, ours = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    _, connection = await loop.connect_accepted_socket(lambda: Connection(guard, config, ServerState(), {}), ours)
    return connection, theirs


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_a_client_that_hangs_up_in_the_middle_of_an_answer_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Its end is noticed while a part of the answer is not yet sent: more than the kernel takes."""
    size = 10_000_000
    body = BytesIO(b"x" * size)
    answer = Answer(200, [(b"content-length", b"%d" % size)], body, size)

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await answer.send(send, scope["extensions"][READS_ON])

    async def run() -> None:
        connection, client = await accepted(page)
        with client:
            client.send(HIT)
            await until(lambda: connection.flow.write_paused)
            client.shutdown(socket.SHUT_WR)
            await until(connection.transport.is_closing)
            while connection.tasks:
                await asyncio.sleep(0)
                with suppress(BlockingIOError, ConnectionResetError):
                    client.recv(PIECE_BYTES)

    uvloop.run(asyncio.wait_for(run(), HUNG_S))
    assert caplog.messages == []
    assert body.tell() < size


def test_a_connection_whose_client_hung_up_keeps_nothing_for_it() -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None: ...

    async def run() -> None:
        connection, client = await accepted(nothing)
        with client:
            while not connection.transport.get_write_buffer_size():
                connection.transport.write(b"x" * 1000)
                await asyncio.sleep(0.001)
            client.shutdown(socket.SHUT_WR)
            await until(connection.transport.is_closing)
            assert not await connection.reads_on()
            await asyncio.sleep(0)
            assert connection.server_state.connections == set()

    uvloop.run(asyncio.wait_for(run(), HUNG_S))


@pytest.mark.parametrize(
    "begun", [b"PO", POST + b"content-length: 10\r\n\r\nen="], ids=["part of the head", "part of the body"]
)
def test_a_request_behind_one_that_is_not_answered_yet_is_not_too_slow(begun: bytes) -> None:
    async def run() -> None:
        may_answer = asyncio.Event()

        async def page(scope: Any, receive: Any, send: Any) -> None:
            await may_answer.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        connection, client = await accepted(page)
        with client:
            client.send(HIT + begun)
            await until(lambda: connection._read_since is not None)
            later = connection.loop.time() + 1000
            assert not connection.is_overdue(later)
            assert connection.waits_since() is None
            connection._read_since = connection.loop.time() - 1000
            may_answer.set()
            await until(lambda: not connection._waits_for_answer)
            assert not connection.is_overdue(connection.loop.time())
            assert connection.is_overdue(later)

    uvloop.run(asyncio.wait_for(run(), HUNG_S))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_thousand_slow_bodies(tmp_path: Path) -> None:
    with serving(tmp_path, "--per-address=0") as server, ExitStack() as open_connections:
        for _ in range(2050):
            open_connections.enter_context(connect(server, POST + b"content-length: 10\r\n\r\nen="))
        for _ in range(20):
            assert healthy(server)
        with connect(server, HIT) as good:
            assert good.recv(4096).startswith(b"HTTP/1.1 204 ")
