"""The tracker: the script that a site loads, and the answer to a request for it."""

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from collection.collector.http import Headers, HttpAnswer

SOURCE: Final = Path(__file__).with_name("hs.js")
COMMENT_LINE: Final = re.compile(r"^\s*//.*\n", re.MULTILINE)
INDENT: Final = re.compile(r"^\s+", re.MULTILINE)
# The address of the script never changes, so a new version must reach every site within a day.
CACHE_CONTROL: Final = "public, max-age=86400, stale-while-revalidate=604800"


@cache
def script() -> tuple[bytes, str]:
    """Returns the script without comments and indents, and its entity tag with quotes."""
    body = INDENT.sub("", COMMENT_LINE.sub("", SOURCE.read_text(encoding="utf-8"))).encode()
    return body, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


@cache
def compressed() -> bytes:
    """Returns the gzipped script, the same bytes in every process."""
    return gzip.compress(script()[0], compresslevel=9, mtime=0)


def respond(method: str, if_none_match: str = "", accept_encoding: str = "") -> HttpAnswer:
    """Answers GET and HEAD with 200 or 304, every other method with 405. Pass "" for a missing header."""
    if method not in ("GET", "HEAD"):
        return HttpAnswer(405, [("allow", "GET, HEAD"), ("content-length", "0")])
    _, tag = script()
    known_tags = {entry.strip().removeprefix("W/") for entry in if_none_match.split(",")}
    if "*" in known_tags or tag.removeprefix("W/") in known_tags:
        return HttpAnswer(304, _headers(tag))
    zipped = _accepts_gzip(accept_encoding)
    body = compressed() if zipped else script()[0]
    headers = [*_headers(tag), ("content-type", "text/javascript; charset=utf-8"), ("content-length", str(len(body)))]
    return HttpAnswer(200, headers + [("content-encoding", "gzip")] * zipped, b"" if method == "HEAD" else body)


def _headers(tag: str) -> Headers:
    return [
        ("etag", tag),
        ("cache-control", CACHE_CONTROL),
        ("vary", "accept-encoding"),
        ("access-control-allow-origin", "*"),  # for sites that load it with `crossorigin`
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
    ]


def _accepts_gzip(accept_encoding: str) -> bool:
    """Returns whether gzip has a weight above 0; `*` stands for all codings that are not named."""
    entries = [entry.partition(";") for entry in accept_encoding.lower().replace(" ", "").split(",")]
    weights = {coding: weight for coding, _, weight in entries}
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and not re.fullmatch(r"q=0(\.0*)?", weight)
