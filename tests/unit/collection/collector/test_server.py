"""The collector as it is run: a process behind a server, on a port, stopped and killed."""

import asyncio
import random
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs
from urllib.request import urlopen

import pytest

from collection.hit import RawHit
from collection.log.embedded.log import EmbeddedLog
from tests.support.collector_client import stored
from tests.support.servers import Clients, Server, collector, load_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with collector(folder) as server:
        yield server


def hits(folder: Path) -> list[RawHit]:
    log = EmbeddedLog(folder)
    try:
        assert log.verify() == []
        return stored(log)
    finally:
        log.close()


def names(folder: Path) -> list[str]:
    return [parse_qs(hit.query.decode())["_hid"][0] for hit in hits(folder)]


def exchange(server: Server, request: bytes, *, hang_up: bool = False) -> bytes:
    """Everything that the server answers to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def status(server: Server, path: str) -> int:
    with urlopen(server.url(path), timeout=10) as reply:  # noqa: S310
        return int(reply.status)


def test_it_works(server: Server, folder: Path) -> None:
    assert status(server, "/g/collect?v=2&_hid=a") == 204
    assert names(folder) == ["a"]


def test_a_chunked_body_without_length_or_type(server: Server, folder: Path) -> None:
    head = b"POST /g/collect?v=2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = exchange(server, head + b"4\r\nen=a\r\n6\r\n\r\nen=b\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert [hit.body for hit in hits(folder)] == [b"en=a\r\nen=b"]


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /g/collect?&v=2&a=%zz&&== HTTP/1.1", b"204"),
        (b"GET /g/collect?a=\xc3\xa9 HTTP/1.1", b"204"),
        (b"GET /g/collect?a=\xff\xfe HTTP/1.1", b"204"),
        (b"GET http://other/g/collect?v=2 HTTP/1.1", b"204"),
        (b"GET /g/collect?%s HTTP/1.1" % (b"x" * 20_000), b"414"),
        (b"HEAD /g/collect HTTP/1.1", b"405"),
        (b"nonsense", b"400"),
    ],
    ids=["odd query", "UTF-8", "not UTF-8", "absolute", "too long", "HEAD", "nonsense"],
)
def test_hostile_request_lines(server: Server, request_line: bytes, status: bytes) -> None:
    answer = exchange(server, request_line + b"\r\nhost: a\r\nuser-agent: \xff\xfe\x80\r\nconnection: close\r\n\r\n")
    assert answer.split(b" ")[1] == status
    assert server.ready()


def test_an_incomplete_body_is_refused(server: Server, folder: Path) -> None:
    exchange(server, b"POST /g/collect HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nen=", hang_up=True)
    assert server.ready()
    assert hits(folder) == []


def test_the_process_writes_no_address_anywhere(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with collector(folder) as server:
        for path in ("/g/collect?v=2", "/nothing"):
            exchange(server, b"GET %s HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % path.encode())
        server.stop()
    assert "127.0.0.1" not in "".join(capfd.readouterr())


def test_it_stops_at_once_after_a_signal(server: Server) -> None:
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5


def test_requests_in_progress_are_answered_before_it_stops(server: Server) -> None:
    answers: list[bytes] = []
    page = b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    asking = threading.Thread(target=lambda: answers.append(exchange(server, page)))
    asking.start()
    time.sleep(0.4)
    assert server.stop() == 0
    asking.join()
    assert answers[0].endswith(b"slow")


def test_stopping_under_load_loses_and_doubles_nothing(server: Server, folder: Path) -> None:
    clients = Clients(server.port)
    stop = threading.Timer(0.7, server.stop)
    stop.start()
    asyncio.run(load_for(clients, 3))
    stop.join()
    check(folder, [clients])


def test_a_full_disk_is_503_until_there_is_room(server: Server, folder: Path) -> None:
    for number in range(20):  # until the file that grows is the largest
        assert status(server, f"/g/collect?v=2&_hid={number}") == 204
    size = max(path.stat().st_size for path in folder.iterdir())
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, hard))
    answer = exchange(server, b"GET /g/collect?v=2&_hid=no HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in answer
    assert status(server, "/g/collect?v=2&_hid=yes") == 204
    assert names(folder)[-1] == "yes"


def test_a_slow_page_does_not_hold_up_hits(server: Server) -> None:
    page = threading.Thread(
        target=exchange, args=(server, b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    )
    page.start()
    began = time.monotonic()
    assert status(server, "/g/collect?v=2") == 204
    assert time.monotonic() - began < 0.9
    page.join()


def check(folder: Path, rounds: list[Clients]) -> None:
    """Every acknowledged hit is in the log; no hit is there twice."""
    stored_names = Counter(names(folder))
    for clients in rounds:
        missing = [name for name in clients.acknowledged if not stored_names[name]]
        assert missing == []
    assert [name for name, times in stored_names.items() if times > 1] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_kills_lose_and_double_nothing(folder: Path) -> None:
    dice = random.Random(20_261_124)
    acknowledged: list[str] = []
    sent = 0
    with collector(folder) as server:
        for number in range(100):
            clients = Clients(server.port, f"round{number}-")
            kill = threading.Timer(dice.uniform(0.02, 0.4), server.kill)
            kill.start()
            asyncio.run(load_for(clients, 5))
            kill.join()
            acknowledged += clients.acknowledged
            sent += clients.sent
            server.start()
    stored_names = Counter(names(folder))
    assert [name for name in acknowledged if stored_names[name] != 1] == []
    assert max(stored_names.values()) == 1
    assert len(acknowledged) <= len(stored_names) <= sent
