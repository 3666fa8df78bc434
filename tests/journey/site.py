"""A small site for the browser to visit: pages with the tracker, and a collector that writes down what it gets."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from collection.collector import tracker

ID: Final = "G-TEST000001"
POLICY: Final = "default-src 'none'; script-src 'self' 'nonce-n'; connect-src 'self'"
PAGE_HEADERS: Final = [("content-type", "text/html; charset=utf-8"), ("content-security-policy", POLICY)]
WAIT_S: Final = 20.0

Hit = dict[str, str]


class Site:
    """`pages` are by path, text or text and script attributes; `status` is what the collector answers."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.requests: list[tuple[str, str, bytes]] = []  # method, query, body
        self.pages: dict[str, str] = {}
        self.status = 204
        self.port = 0

    def address(self, path: str = "/", host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, path: str, attributes: str = "", inline: str = "", ident: str = ID, title: str = "A page") -> None:
        before = f'<script nonce="n">{inline}</script>' if inline else ""
        tag = f'<script async src="/hs.js?id={ident}" {attributes}></script>' if ident else ""
        self.pages[path] = f"<!doctype html><title>{title}</title>{before}{tag}<h1>{title}</h1>"

    def record(self, method: str, query: str, body: bytes) -> int:
        self.requests.append((method, query, body))
        status = self.status
        common = dict(parse_qsl(query, keep_blank_values=True))
        for line in body.decode().splitlines() or [""]:
            self.hits.append(common | dict(parse_qsl(line, keep_blank_values=True)) | {"status": str(status)})
        return status

    def named(self, name: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.get("en") == name]

    def wait(self, count: int, name: str = "", seconds: float = WAIT_S) -> list[Hit]:
        """At least `count` hits (of one event name), in the order they were made; fails when they do not come."""
        end = time.monotonic() + seconds
        while len(found := self.named(name) if name else list(self.hits)) < count:
            assert time.monotonic() < end, f"{len(found)} hits, not {count}: {self.hits}"
            time.sleep(0.02)
        return sorted(found, key=lambda hit: (int(hit["_hts"]), int(hit["_s"])))


@contextmanager
def serving() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": site}))
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/g/collect":
            self._collect()
        elif path == "/hs.js":
            sent = self.headers
            answer = tracker.respond("GET", sent["If-None-Match"] or "", sent["Accept-Encoding"] or "")
            self._send(answer.status, answer.headers, answer.body)
        else:
            text = self.site.pages.get(path, "")
            self._send(200 if text else 404, PAGE_HEADERS, text.encode())

    def do_POST(self) -> None:
        self._collect()

    def _collect(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        status = self.site.record(self.command, urlsplit(self.path).query, body)
        self._send(status, [("access-control-allow-origin", "*")], b"")

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name != "content-length":
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """The test's own record is enough."""
