"""However the bytes of requests are cut into chunks, the parser sees the same requests."""

from typing import Any, cast

import httptools
from hypothesis import example, given
from hypothesis import strategies as st

from collection.connections.tolerance import TolerantHead

SECOND = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


def request(lines: int, line: bytes = b"\r\nupgrade: a", path: str = "/mp/collect?dt=Größe") -> bytes:
    """A request whose body is full of lines that would be rewritten in a head."""
    body = b"x" + line * lines + b"\r\n\r\n"
    head = f"POST {path} HTTP/1.1\r\nUpGrade: h2c\r\nconnection: upgrade\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Parsed:
    """What a parser saw, chunk by chunk, as a connection hands it on."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self._head = TolerantHead()
        self._head_read = self._begun = False
        self._parser = httptools.HttpRequestParser(cast(Any, self))

    def feed(self, chunk: bytes) -> None:
        if not self._head_read:
            if not self._begun:
                self._head.begin()
            chunk = self._head.rewrite(chunk)
        self._parser.feed_data(chunk)

    def on_message_begin(self) -> None:
        self._begun = True
        self.requests.append({"url": b"", "headers": [], "body": b"", "whole": False})

    def on_url(self, url: bytes) -> None:
        self.requests[-1]["url"] += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.requests[-1]["headers"].append((name, value))

    def on_headers_complete(self) -> None:
        self._head_read = True

    def on_body(self, body: bytes) -> None:
        self.requests[-1]["body"] += body

    def on_message_complete(self) -> None:
        self._head_read = self._begun = False
        self._head.end()
        self.requests[-1]["whole"] = True


def parsed(data: bytes, cuts: list[int]) -> list[dict[str, Any]]:
    parser = Parsed()
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        parser.feed(data[start:stop])
    return parser.requests


def test_it_works() -> None:
    first, second = parsed(request(1) + SECOND, [])
    assert first["url"] == b"/mp/collect?dt=Gr%C3%B6%C3%9Fe"
    assert first["headers"][:2] == [(b"x-upgrade", b"h2c"), (b"connection", b"upgrade")]
    assert first["body"] == b"x\r\nupgrade: a\r\n\r\n"
    assert second == {"url": b"/healthz", "headers": [(b"host", b"a")], "body": b"", "whole": True}


def test_every_cut_into_two() -> None:
    for data in (request(17) + SECOND, b"\r\n\r\n" + request(2) + SECOND):
        whole = parsed(data, [])
        assert [one["whole"] for one in whole] == [True, True]
        for cut in range(len(data) + 1):
            assert parsed(data, [cut]) == whole, cut


@given(
    st.lists(st.integers(0, 400), max_size=20),
    st.integers(0, 20),
    st.sampled_from([b"\r\nupgrade: a", "\r\nGET /Größe HTTP/1.1".encode(), b"\r\n\r\nUPGRADE:", b"\r"]),
    st.sampled_from(["", "\r\n", "\r\n\r\n", "\n\r"]),
)
@example(list(range(1, 400)), 17, b"\r\nupgrade: a", "")
def test_cuts_anywhere(cuts: list[int], lines: int, line: bytes, before: str) -> None:
    data = before.encode() + request(lines, line) + SECOND
    inside = sorted(min(cut, len(data)) for cut in cuts)
    assert parsed(data, inside) == parsed(data, [])


def test_a_head_that_has_no_end_is_seen_but_for_its_last_bytes() -> None:
    head = TolerantHead()
    assert head.rewrite(b"GET / HTTP/1.1\r\nhost: a\r\nUp") == b"GET / HTTP/1.1\r\nhost: a"
    assert head.rewrite(b"-to: b") == b"\r\nUp-to: b"
