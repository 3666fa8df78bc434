"""A WSGI application behind the bridge sees the request that was sent, and its answer arrives whole."""

import asyncio
import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import pytest

from analytics_site import bridge
from analytics_site.bridge import WsgiApplication, WsgiInThreads
from analytics_site.thread_kinds import MOST_QUEUED
from collection.collector.http import TrustedProxies
from collection.connections.connection import PIECE_BYTES, READS_ON
from processing.interruption import CLIENT_GONE

HANGS_S = 60
PROXIES = TrustedProxies([ip_network("10.0.0.0/8")])


class Page:
    """Remembers what it was asked, and answers with these pieces."""

    def __init__(self, *pieces: bytes, length: bool = True) -> None:
        self.pieces = pieces
        self.length = length
        self.environ: dict[str, Any] = {}
        self.body = b""
        self.closed = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.environ, self.body = environ, environ["wsgi.input"].read()
        size = [("Content-Length", str(sum(map(len, self.pieces))))] if self.length else []
        start_response("201 Created", [("Content-Type", "text/plain"), *size])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed = True


def scope(path: str = "/", headers: tuple[tuple[bytes, bytes], ...] = (), peer: str = "192.0.2.1") -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": b"a=%20b",
        "client": (peer, 40_000),
        "server": ("127.0.0.1", 8000),
        "headers": list(headers),
    }


def ask(
    page: WsgiApplication,
    path: str = "/",
    *,
    body: tuple[bytes, ...] = (b"",),
    headers: tuple[tuple[bytes, bytes], ...] = (),
    peer: str = "192.0.2.1",
    disconnect: bool = False,
) -> list[Any]:
    """The messages that the application sent."""
    pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    pieces[-1] = {"type": "http.disconnect"} if disconnect else {**pieces[-1], "more_body": False}
    sent: list[Any] = []

    async def receive() -> Any:
        if not pieces:
            await asyncio.Event().wait()  # the client stays
        return pieces.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    application = WsgiInThreads(page, PROXIES, threads={"": 1}, max_body_bytes=1000)
    asyncio.run(application(scope(path, headers, peer), receive, send))
    return sent


def test_it_works() -> None:
    page = Page(b"one", b"two")
    start, body = ask(page, "/path", body=(b"abc", b"def"))
    assert (start["status"], dict(start["headers"])[b"content-length"]) == (201, b"6")
    assert body["body"] == b"onetwo"
    assert page.body == b"abcdef"
    assert page.closed


def test_the_request_in_words_of_wsgi() -> None:
    page = Page(b"")
    ask(
        page,
        "/caf\u00e9 x",
        headers=((b"content-type", b"text/x"), (b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1")),
    )
    environ = page.environ
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/caf\u00e9 x"
    assert (environ["REQUEST_METHOD"], environ["QUERY_STRING"], environ["CONTENT_TYPE"]) == ("POST", "a=%20b", "text/x")
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"], environ["REMOTE_ADDR"]) == ("1,2", "a=1", "192.0.2.1")


def test_half_a_body_does_not_pass_for_a_whole_one() -> None:
    page = Page(b"")
    assert ask(page, body=(b"name=Shop", b"&viewers=1"), disconnect=True)[0]["status"] == 400
    assert page.environ == {}


def test_a_body_without_length_has_one() -> None:
    page = Page(b"")
    ask(page, body=(b"abc", b"def"), headers=((b"transfer-encoding", b"chunked"),))
    assert page.environ["CONTENT_LENGTH"] == "6"


def test_an_answer_without_length_gets_one() -> None:
    start, body = ask(Page(b"one", b"", b"two", b"three", length=False))
    assert (body["body"], dict(start["headers"])[b"content-length"]) == (b"onetwothree", b"11")


def test_a_long_answer_comes_in_pieces_that_a_connection_can_hold() -> None:
    _, *pieces = ask(Page(b"a" * 20_000, b"b" * 20_000))
    assert b"".join(piece["body"] for piece in pieces) == b"a" * 20_000 + b"b" * 20_000
    assert max(len(piece["body"]) for piece in pieces) <= PIECE_BYTES
    assert [piece.get("more_body", False) for piece in pieces] == [True] * (len(pieces) - 1) + [False]


def test_a_file_is_sent_without_reading_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.js"
    path.write_bytes(b"x" * 50_000)

    def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "50000")])
        return environ["wsgi.file_wrapper"](path.open("rb"), 4096)  # type: ignore[no-any-return]

    _, *pieces = ask(page)
    assert [len(piece["body"]) for piece in pieces[:-1]] == [PIECE_BYTES] * (50_000 // PIECE_BYTES)
    assert b"".join(piece["body"] for piece in pieces) == path.read_bytes()


def test_slow_readers_keep_no_thread_from_others() -> None:
    """One thread answers a second client while the first has read nothing yet."""

    async def run() -> list[Any]:
        pages = WsgiInThreads(Page(b"x" * 100_000), PROXIES, threads={"": 1})
        reads, sent = asyncio.Event(), []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def wait_for_reader(message: Any) -> None:
            await reads.wait()

        async def send(message: Any) -> None:
            sent.append(message)

        stalled = asyncio.create_task(pages(scope(), receive, wait_for_reader))
        await pages(scope(), receive, send)
        reads.set()
        await stalled
        return sent

    assert sum(len(message.get("body", b"")) for message in asyncio.run(run())) == 100_000


def test_nothing_is_read_for_a_client_that_is_gone() -> None:
    async def run() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        async def reads_on() -> bool:
            return len(sent) < 3

        extensions = {READS_ON: reads_on}
        await WsgiInThreads(Page(b"x" * 1_000_000), PROXIES)({**scope(), "extensions": extensions}, receive, send)
        return sent

    head, *pieces = asyncio.run(run())
    assert head["status"] == 201
    assert [piece["more_body"] for piece in pieces] == [True, True]  # no end: it would be short of the length


def statuses_while_nobody_reads(*sizes: int) -> list[int]:
    """The statuses of answers of these sizes, each asked for while those before are not read."""

    async def run() -> list[int]:
        pages = WsgiInThreads(page_of_any_size, PROXIES, threads={"": 1})
        statuses: list[int] = []
        reads, began = asyncio.Event(), asyncio.Event()

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            if "status" in message:
                statuses.append(message["status"])
                began.set()
            await reads.wait()

        async with asyncio.TaskGroup() as asking:
            for size in sizes:
                began.clear()
                asking.create_task(pages(scope(f"/{size}"), receive, send))
                await asyncio.wait_for(began.wait(), HANGS_S)
            reads.set()
        return statuses

    return asyncio.run(run())


def page_of_any_size(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("201 Created", [])
    return [b"x" * int(environ["PATH_INFO"][1:])]


def test_answers_that_nobody_reads_are_bounded_by_the_limit_and_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "MAX_UNSENT_BYTES", 100_000)
    assert statuses_while_nobody_reads(99_999, 70_000, 70_000, 50_000) == [201, 201, 503, 201]  # 50,000: a page
    assert statuses_while_nobody_reads(100_000, 70_000, 70_000) == [201, 503, 503]


def test_an_answer_above_the_limit_is_sent_if_few_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "MAX_UNSENT_BYTES", 100_000)
    assert statuses_while_nobody_reads(200_000, 70_000) == [201, 503]
    assert statuses_while_nobody_reads(50_000, 200_000, 70_000) == [201, 201, 503]


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_a_file_that_was_made_for_the_answer_is_not_copied_but_counted(
    size: int,
) -> None:
    made = SpooledTemporaryFile(max_size=100_000)  # noqa: SIM115 - the bridge closes it
    made.write(b"x" * size)

    def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](made, 4096)  # type: ignore[no-any-return]

    result = bridge.answer(page, {CLIENT_GONE: threading.Event(), "wsgi.file_wrapper": bridge.FileWrapper})
    with result.body as body:
        assert made.closed
        assert not isinstance(body, SpooledTemporaryFile)
        assert (result.size, result.kept_bytes, body.read()) == (size, size, b"x" * size)


def test_a_full_disk_stops_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk() -> IO[bytes]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bridge, "TemporaryFile", full_disk)
    _, *pieces = ask(Page(b"x" * 50_000))
    assert b"".join(piece["body"] for piece in pieces) == b"x" * 50_000


def test_an_empty_answer() -> None:
    start, body = ask(Page(length=False))
    assert body == {"type": "http.response.body", "body": b""}
    assert dict(start["headers"])[b"content-length"] == b"0"


def test_a_body_that_is_announced_as_too_long_is_not_awaited() -> None:
    page = Page(b"ok")
    assert ask(page, headers=((b"content-length", b"1001"),), disconnect=True)[0]["status"] == 413
    assert page.environ == {}


@pytest.mark.parametrize(("size", "status"), [(1000, 201), (1001, 413)])
def test_the_longest_body(size: int, status: int) -> None:
    page = Page(b"ok")
    assert ask(page, body=(b"x" * 10, b"x" * (size - 10)))[0]["status"] == status
    assert (page.environ != {}) == (status == 201)


FORWARDED = ((b"x-forwarded-for", b"198.51.100.9"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"h"))


def test_a_trusted_proxy_speaks_for_its_client() -> None:
    page = Page(b"")
    ask(page, peer="10.0.0.1", headers=FORWARDED)
    assert (page.environ["REMOTE_ADDR"], page.environ["HTTP_X_FORWARDED_PROTO"]) == ("198.51.100.9", "https")


def test_anybody_else_does_not() -> None:
    page = Page(b"")
    ask(page, headers=(*FORWARDED, (b"x_forwarded_proto", b"https"), (b"X_Forwarded_For", b"1.2.3.4")))
    assert page.environ["REMOTE_ADDR"] == "192.0.2.1"
    assert [name for name in page.environ if "FORWARDED" in name] == []


def test_an_application_that_fails_fails_the_request() -> None:
    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(broken)


class Client:
    """Asks a bridge from within an event loop. `hang_up` ends its connection."""

    def __init__(self, path: str) -> None:
        self.scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "query_string": b"",
            "client": ("192.0.2.1", 40_000), "server": ("127.0.0.1", 8000), "headers": [],
        }  # fmt: skip
        self.status = 0
        self.hang_up = asyncio.Event()
        self._received = False

    async def receive(self) -> Any:
        if not self._received:
            self._received = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)

    def ask(self, bridge: WsgiInThreads) -> asyncio.Task[None]:
        return asyncio.create_task(bridge(self.scope, self.receive, self.send))


class SlowPage:
    """Answers /slow once it may, and other paths at once. `ended` is set when the client of /slow has hung up."""

    def __init__(self) -> None:
        self.may_answer, self.ended, self.asked = threading.Event(), threading.Event(), list[str]()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            self.may_answer.wait(HANGS_S)
            if environ[CLIENT_GONE].is_set():
                self.ended.set()
        start_response("200 OK", [])
        return [b""]


def bridge_of(page: SlowPage) -> WsgiInThreads:
    return WsgiInThreads(page, PROXIES, {"slow": 1, "quick": 1}, lambda path: "slow" if path == "/slow" else "quick")


def test_one_kind_of_request_does_not_take_the_threads_of_another() -> None:
    page = SlowPage()

    async def ask_both() -> None:
        bridge, slow, quick = bridge_of(page), Client("/slow"), Client("/quick")
        waiting = slow.ask(bridge)
        await asyncio.wait_for(quick.ask(bridge), HANGS_S)
        assert (quick.status, slow.status) == (200, 0)
        page.may_answer.set()
        await waiting
        assert slow.status == 200

    asyncio.run(ask_both())


def test_the_application_learns_that_the_client_hung_up() -> None:
    page = SlowPage()

    async def hang_up() -> None:
        client = Client("/slow")
        asked = client.ask(bridge_of(page))
        while not page.asked:
            await asyncio.sleep(0.001)
        client.hang_up.set()
        await asyncio.sleep(0)  # the bridge hears of it
        await asyncio.sleep(0)
        page.may_answer.set()
        await asked

    asyncio.run(hang_up())
    assert page.ended.is_set()


def test_a_request_whose_client_hung_up_while_it_waited_for_a_thread_is_not_run() -> None:
    page = SlowPage()

    async def hang_up() -> None:
        bridge, first, second = bridge_of(page), Client("/slow"), Client("/slow")
        asked = [first.ask(bridge), second.ask(bridge)]
        while not page.asked:
            await asyncio.sleep(0.001)
        second.hang_up.set()
        await asyncio.sleep(0.01)
        page.may_answer.set()
        await asyncio.gather(*asked)

    asyncio.run(hang_up())
    assert page.asked == ["/slow"]


def test_too_many_requests_of_a_kind_are_refused_at_once() -> None:
    page = SlowPage()

    async def ask_many() -> int:
        bridge = bridge_of(page)
        asked = [Client("/slow").ask(bridge) for _ in range(MOST_QUEUED + 1)]
        await asyncio.sleep(0.01)
        refused = Client("/slow")
        await asyncio.wait_for(refused.ask(bridge), HANGS_S)
        page.may_answer.set()
        await asyncio.gather(*asked)
        return refused.status

    assert asyncio.run(ask_many()) == 503
