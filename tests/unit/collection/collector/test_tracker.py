"""The tracker's script as it is served; what it does in a browser is in tests/journey/test_tracker.py."""

import asyncio
import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.collector import tracker
from collection.collector.app import Collector
from collection.collector.asgi import AsgiRequest
from collection.collector.http import HttpAnswer
from collection.log import open_log

MOST_GZIPPED_BYTES = 5_850
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


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*", "GZIP", "*;q=0, gzip"])
def test_gzip_where_it_is_accepted(accepted: str) -> None:
    answer = tracker.respond("GET", accept_encoding=accepted)

    assert header(answer, "content-encoding") == "gzip"
    assert gzip.decompress(answer.body) == tracker.script()[0]
    assert len(answer.body) <= MOST_GZIPPED_BYTES


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0", "gzip;q=0, *"])
def test_plain_where_gzip_is_not_accepted(accepted: str) -> None:
    answer = tracker.respond("GET", accept_encoding=accepted)

    assert header(answer, "content-encoding") is None
    assert answer.body == tracker.script()[0]


def test_other_methods() -> None:
    assert tracker.respond("HEAD").body == b""
    assert tracker.respond("HEAD").status == 200
    assert tracker.respond("POST").status == 405


@given(st.text(), st.text(), st.sampled_from(["GET", "HEAD", "PUT"]))
def test_hostile_headers(if_none_match: str, accept_encoding: str, method: str) -> None:
    assert tracker.respond(method, if_none_match, accept_encoding).status in (200, 304, 405)


def test_no_comment_is_served_and_no_code_is_lost() -> None:
    body = tracker.script()[0].decode()
    code = [line.strip() for line in tracker.SOURCE.read_text(encoding="utf-8").splitlines()]

    assert not re.search(r"^\s*//", body, re.MULTILINE)
    assert body.splitlines() == [line for line in code if line and not line.startswith("//")]


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
