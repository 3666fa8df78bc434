"""Every longer text is compressed for clients that take it, and is the same text as without."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from analytics_site.compression import compress_answers
from analytics_site.static_files import keep
from reporting.dashboard.plotly_static import PLOTLY

DECODE: dict[str, Callable[[bytes], bytes]] = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}
TEXT = "<p>größer</p>" * 200


def ask(response: HttpResponseBase, accepted: str = "gzip, br") -> HttpResponseBase:
    return compress_answers(lambda request: response)(RequestFactory().get("/", headers={"accept-encoding": accepted}))


def content(response: HttpResponseBase) -> bytes:
    whole = b"".join(response)
    return DECODE[response.get("Content-Encoding", "")](whole)


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, br", "br"), ("gzip", "gzip"), ("", "")])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/csv", "application/x.y+json"])
def test_it_works(accepted: str, coding: str, kind: str) -> None:
    response = ask(HttpResponse(TEXT, content_type=kind), accepted)
    assert response.get("Content-Encoding", "") == coding
    assert response["Vary"] == "Accept-Encoding"
    assert content(response).decode() == TEXT


def test_the_length_is_that_of_what_is_sent() -> None:
    response = ask(HttpResponse(TEXT, headers={"Content-Length": str(len(TEXT.encode()))}))
    assert int(response["Content-Length"]) == len(b"".join(response)) < len(TEXT)


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_stream_is_compressed_piece_by_piece(coding: str) -> None:
    response = ask(StreamingHttpResponse(iter([TEXT, "", TEXT]), content_type="application/json"), coding)
    assert response["Content-Encoding"] == coding
    assert content(response).decode() == TEXT * 2


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse("x" * 999),
        HttpResponse(TEXT, content_type="image/png"),
        HttpResponse(TEXT, headers={"Content-Encoding": "zstd"}),
        HttpResponse(TEXT, status=206, headers={"Content-Range": "bytes 0-9/10"}),
        HttpResponse(status=304),
    ],
    ids=["short", "image", "compressed", "part", "nothing"],
)
def test_what_stays_as_it_is(response: HttpResponse) -> None:
    before = response.content, dict(response.headers)
    ask(response)
    assert (response.content, dict(response.headers)) == before


def test_an_etag_names_the_same_state_in_every_encoding() -> None:
    assert ask(HttpResponse(TEXT, headers={"ETag": '"7"'}))["ETag"] == '"7"'


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/", f"/static/{PLOTLY}", "/static/admin/css/base.css"])
@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_pages_and_static_files(client: Client, path: str, coding: str) -> None:
    plain = client.get(path)
    response = client.get(path, headers={"accept-encoding": coding})
    assert response["Content-Encoding"] == coding
    assert "Accept-Encoding" in response["Vary"]
    assert len(content(response)) == len(content(plain)) > 1000


def test_a_static_file_that_changes_is_compressed_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "page.js"
    for text in (b"one" * 1000, b"two" * 1000):
        keep(path, text)
        assert path.read_bytes() == text
        assert gzip.decompress(path.with_name("page.js.gz").read_bytes()) == text
        assert brotli.decompress(path.with_name("page.js.br").read_bytes()) == text
    first = path.stat().st_mtime_ns
    keep(path, b"two" * 1000)
    assert path.stat().st_mtime_ns == first


def test_a_stream_that_fails_is_not_taken_for_a_whole_one() -> None:
    def broken() -> Iterator[str]:
        yield TEXT
        raise ZeroDivisionError

    response = ask(StreamingHttpResponse(broken(), content_type="text/html"), "gzip")
    with pytest.raises(ZeroDivisionError):
        b"".join(response)
