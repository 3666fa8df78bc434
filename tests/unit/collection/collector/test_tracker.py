"""The tracker's script as it is served; what it does in a browser is in tests/journey/test_tracker.py."""

import asyncio
import gzip
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.collector import tracker
from collection.collector.app import Collector
from collection.collector.asgi import AsgiRequest
from collection.collector.http import HttpAnswer
from collection.log import open_log

MOST_GZIPPED_BYTES = 4_500
MOST_BYTES_IN_BROTLI = 4_050
NEWER_THAN_ES2017 = (r"\?\.[a-zA-Z\[(]", r"\?\?", r"catch\s*\{", r"\.\.\.\w+\s*[,}]\s*;?\s*\}", r"\|\|=", r"&&=")


def header(answer: HttpAnswer, name: str) -> str | None:
    return dict(answer.headers).get(name)


def test_it_works() -> None:
    answer = tracker.respond("GET")

    assert answer.status == 200
    assert b"g/collect" in answer.body
    assert header(answer, "content-type") == "text/javascript; charset=utf-8"
    assert header(answer, "content-length") == str(len(answer.body))
    assert header(answer, "cache-control") == "public, max-age=86400, stale-while-revalidate=604800"


def test_a_known_version_is_not_sent_again() -> None:
    tag = header(tracker.respond("GET"), "etag")
    assert tag is not None

    for sent in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = tracker.respond("GET", if_none_match=sent)
        assert (answer.status, answer.body, header(answer, "etag")) == (304, b"", tag)
    assert tracker.respond("GET", if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    ("accepted", "coding", "most_bytes", "decode"),
    [
        ("gzip", "gzip", MOST_GZIPPED_BYTES, gzip.decompress),
        ("gzip, deflate, br, zstd", "br", MOST_BYTES_IN_BROTLI, brotli.decompress),
    ],
)
def test_it_is_compressed_where_that_is_accepted(
    accepted: str, coding: str, most_bytes: int, decode: Callable[[bytes], bytes]
) -> None:
    answer = tracker.respond("GET", accept_encoding=accepted)

    assert header(answer, "content-encoding") == coding
    assert header(answer, "content-length") == str(len(answer.body))
    assert decode(answer.body) == tracker.script()[0]
    assert len(answer.body) <= most_bytes


def test_plain_where_nothing_else_is_accepted() -> None:
    answer = tracker.respond("GET", accept_encoding="identity")

    assert header(answer, "content-encoding") is None
    assert answer.body == tracker.script()[0]


def test_other_methods() -> None:
    assert tracker.respond("HEAD").body == b""
    assert tracker.respond("HEAD").status == 200
    assert tracker.respond("POST").status == 405


@given(st.text(), st.text(), st.sampled_from(["GET", "HEAD", "PUT"]))
def test_hostile_headers(if_none_match: str, accept_encoding: str, method: str) -> None:
    assert tracker.respond(method, if_none_match, accept_encoding).status in (200, 304, 405)


def test_it_is_served_minified() -> None:
    source = tracker.SOURCE.read_text(encoding="utf-8")
    body = tracker.script()[0].decode()

    assert len(body) < 0.6 * len(source)
    assert "//" not in re.sub(r"'[^']*'|\"[^\"]*\"|/\S+/", "", body)


def test_it_stays_in_es2017_and_in_a_strict_policy() -> None:
    body = tracker.script()[0].decode()

    for construct in NEWER_THAN_ES2017:
        assert not re.search(construct, body), construct
    assert not re.search(r"\beval\b|\bnew Function\b|innerHTML|document\.write\b", body)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_the_served_text_is_a_program() -> None:
    body = tracker.script()[0]
    done = subprocess.run(["node", "--check", "-"], input=body, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", ["/hs.js", "/folder/hs.js"])
def test_the_collector_serves_it(tmp_path: Path, path: str) -> None:
    log = open_log(f"sqlite:///{tmp_path}")
    collector = Collector(log)
    headers = [(b"if-none-match", tracker.script()[1].encode())]

    async def nothing() -> dict[str, object]:
        return {"type": "http.request"}

    def ask(headers: list[tuple[bytes, bytes]]) -> HttpAnswer:
        scope = {"method": "GET", "path": path, "query_string": b"id=G-1", "headers": headers}
        return asyncio.run(collector.answer(AsgiRequest(scope, nothing)))

    try:
        assert collector.answers(path)
        assert ask([]) == tracker.respond("GET")
        assert ask(headers).status == 304
    finally:
        log.close()
