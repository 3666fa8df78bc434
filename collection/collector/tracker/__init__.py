"""The tracker: the script that a site loads, and the answer to a request for it."""

import hashlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from collection.collector.encoding import BROTLI, FOR_ALL, GZIP, chosen_encoding, compressed
from collection.collector.http import Headers, HttpAnswer

SOURCE: Final = Path(__file__).with_name("hs.js")
ROOT: Final = Path(__file__).resolve().parents[3]
# The address of the script never changes, so a new version must reach every site within a day.
CACHE_CONTROL: Final = "public, max-age=86400, stale-while-revalidate=604800"


@cache
def script() -> tuple[bytes, str]:
    """Returns the minified script, and its entity tag with quotes. The first call takes some tenths of a second."""
    command = (sys.executable, "-m", "collection.collector.tracker.minify")
    body = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - our own
    return body, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


@cache
def encoded(coding: str) -> bytes:
    """Returns the script in a content encoding, the same bytes in every process; "" is the script itself."""
    return compressed(script()[0], coding, FOR_ALL) if coding else script()[0]


def prepare() -> None:
    """Makes all that is served, so that no request waits for it."""
    for coding in ("", GZIP, BROTLI):
        encoded(coding)


def respond(method: str, if_none_match: str = "", accept_encoding: str = "") -> HttpAnswer:
    """Answers GET and HEAD with 200 or 304, every other method with 405. Pass "" for a missing header."""
    if method not in ("GET", "HEAD"):
        return HttpAnswer(405, [("allow", "GET, HEAD"), ("content-length", "0")])
    _, tag = script()
    known_tags = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    if "*" in known_tags or tag.removeprefix("W/") in known_tags:
        return HttpAnswer(304, _headers(tag))
    coding = chosen_encoding(accept_encoding)
    body = encoded(coding)
    headers = [*_headers(tag), ("content-type", "text/javascript; charset=utf-8"), ("content-length", str(len(body)))]
    if coding:
        headers.append(("content-encoding", coding))
    return HttpAnswer(200, headers, b"" if method == "HEAD" else body)


def _headers(tag: str) -> Headers:
    return [
        ("etag", tag),
        ("cache-control", CACHE_CONTROL),
        ("vary", "accept-encoding"),
        ("access-control-allow-origin", "*"),  # for sites that load it with `crossorigin`
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ]
