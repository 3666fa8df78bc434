"""A WSGI application behind the bridge sees the request that was sent, and its answer arrives whole."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from analytics_site.bridge import WsgiApplication, WsgiInThreads
from collection.collector.http import TrustedProxies

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
    scope: dict[str, Any] = {
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
    pieces = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    pieces[-1] = {"type": "http.disconnect"} if disconnect else {**pieces[-1], "more_body": False}
    sent: list[Any] = []

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(WsgiInThreads(page, PROXIES, threads=1, max_body_bytes=1000)(scope, receive, send))
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
    assert ask(page, body=(b"name=Shop", b"&viewers=1"), disconnect=True) == []
    assert page.environ == {}


def test_a_body_without_length_has_one() -> None:
    page = Page(b"")
    ask(page, body=(b"abc", b"def"), headers=((b"transfer-encoding", b"chunked"),))
    assert page.environ["CONTENT_LENGTH"] == "6"


def test_an_answer_without_length_comes_piece_by_piece() -> None:
    messages = ask(Page(b"one", b"", b"two", b"three", length=False))
    assert [message["body"] for message in messages[1:]] == [b"one", b"two", b"three"]
    assert [message.get("more_body", False) for message in messages[1:]] == [True, True, False]


def test_an_empty_answer() -> None:
    assert ask(Page(length=False))[1] == {"type": "http.response.body", "body": b""}


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
