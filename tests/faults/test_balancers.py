"""Two collectors behind nginx, and behind HAProxy, with the files of `deploy/`: when one dies no client sees it."""

import asyncio
import http.client
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from collection.collector.http import MAX_BODY_BYTES, MAX_URL_BYTES
from collection.hit import RawHit
from collection.log.embedded.log import EmbeddedLog
from processing.ingest.receive import hash64
from tests.services.balancer import Balancer
from tests.services.haproxy_server import HAProxy
from tests.services.nginx_server import Nginx
from tests.support.collector_client import stored
from tests.support.installation import AGENT, SHOP, Installation
from tests.support.servers import Background, Role, Server

pytestmark = [pytest.mark.balancer, pytest.mark.timeout(300)]

EVER = (date(2015, 1, 1), date(2100, 1, 1))
CLIENT = "127.0.0.9"  # trusted are proxies at 127.0.0.1 only
TIMEOUT_S = 60.0
NOBODY = 1  # a port on which nothing listens


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "HITSTREAM_DATA": str(tmp_path / "data"),
        "HITSTREAM_TRUSTED_PROXIES": "127.0.0.1",
        "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
    }


@pytest.fixture
def one(environment: dict[str, str]) -> Iterator[Server]:
    with Server("analytics_site.asgi_collector:application", environment) as server:
        yield server


@pytest.fixture
def other(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    with Role("collector", tmp_path / "data", environment) as server:
        yield server


@pytest.fixture(params=[Nginx, HAProxy], ids=["nginx", "HAProxy"])
def balancer(request: pytest.FixtureRequest, tmp_path: Path, one: Server, other: Server) -> Iterator[Balancer]:
    made: Balancer = request.param(tmp_path / "balancer", [one.port, other.port], [NOBODY])
    made.start()
    yield made
    made.stop()


class Visitors(Background):
    """Send hits over connections that stay open, as fast as they are answered; whatever is not a 204 is a failure."""

    timeout_s = TIMEOUT_S

    def __init__(self, port: int, connections: int = 12) -> None:
        super().__init__()
        self._port, self._connections, self._numbers = port, connections, count()
        self.acknowledged: list[str] = []
        self.failures: list[str] = []

    def describe_stall(self) -> str:
        return f"nothing is acknowledged any more: {self.failures[:5]}"

    async def send(self) -> None:
        await asyncio.gather(*(self._one(number) for number in range(self._connections)))

    async def _one(self, number: int) -> None:
        while not self.until.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(CLIENT, 0))
            try:
                while not self.until.is_set():
                    await self._hit(number, reader, writer)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
            finally:
                writer.close()

    async def _hit(self, client: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn = next(self._numbers)
        name = f"id{turn}"
        writer.write(request(turn, name, f"{client}.1"))
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 204 "):
            self.acknowledged.append(name)
        else:
            self.failures.append(head.decode("latin-1"))
            raise asyncio.IncompleteReadError(head, None)


def request(turn: int, name: str, client: str) -> bytes:
    """Builds a request: by turns without a body, with a small one, and sometimes with one of many packets."""
    parameters = {
        "v": 2,
        "tid": SHOP.measurement_id,
        "cid": client,
        "sid": 1,
        "en": "page_view",
        "_hid": name,
        "_hts": time.time_ns() // 1_000_000,
        "dl": f"https://shop.example/{name}",
    }
    body = {0: b"", 1: b"_et=100"}.get(turn % 2, b"")
    body = b"ep.long=" + bytes(90_000).replace(b"\0", b"x") if turn % 101 == 100 else body
    head = f"{'POST' if body else 'GET'} /g/collect?{urlencode(parameters)} HTTP/1.1\r\nhost: test\r\n"
    head += f"user-agent: {AGENT}\r\nx-forwarded-for: 203.0.113.66\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_it_works(balancer: Balancer, tmp_path: Path) -> None:
    """The greatest hit passes; addresses are those of the connections, whatever the clients say of themselves."""
    long = "x" * (MAX_URL_BYTES - len("/a/g/collect?v=2&a="))
    assert [
        ask(balancer, "POST", "/g/collect?v=2", bytes(MAX_BODY_BYTES)),
        ask(balancer, "GET", f"/a/g/collect?v=2&a={long}"),
        ask(balancer, "GET", "/hs.js"),
        ask(balancer, "GET", "/readyz"),
    ] == [204, 204, 200, 200]
    assert ask(balancer, "POST", "/g/collect?v=2", bytes(MAX_BODY_BYTES + 1)) == 413
    assert ask(balancer, "GET", "/metrics") == 404
    assert ask(balancer, "GET", "/") in {502, 503}
    hits = logged(tmp_path)
    assert {hit.address for hit in hits} == {CLIENT}
    assert sorted(len(hit.body) for hit in hits) == [0, MAX_BODY_BYTES]


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "/metric%73", "/%6Detrics?a=1", "/metrics#a"])
def test_metrics_of_one_process_are_not_passed_on(balancer: Balancer, path: str) -> None:
    """The balancer itself refuses these paths. A collector would answer them with another status."""
    assert ask(balancer, "GET", path) in {400, 404}


@pytest.mark.parametrize("path", ["/g/%63ollect", "/%67%2Fcollect", "/a%20b/g/collect"])
def test_a_hit_goes_to_a_collector_however_its_path_is_written(balancer: Balancer, path: str, tmp_path: Path) -> None:
    assert ask(balancer, "GET", f"{path}?v=2") == 204
    assert len(logged(tmp_path)) == 1


def test_any_text_before_the_path_of_a_hit(balancer: Balancer) -> None:
    """HAProxy leaves it to the collector, nginx answers by itself."""
    assert ask(balancer, "GET", "/%zz/g/collect?v=2") == (400 if balancer.name == "nginx" else 204)


@pytest.mark.django_db
@pytest.mark.slow
def test_one_is_killed_and_another_is_drained(balancer: Balancer, one: Server, other: Server, tmp_path: Path) -> None:
    with Visitors(balancer.port) as visitors:
        for _ in range(3):
            visitors.wait_for(500)
            one.kill()
            visitors.wait_for(500)
            one.start()
            visitors.wait_for(500)
            assert other.stop() == 0
            visitors.wait_for(500)
            other.start()
    assert visitors.failures == []
    check(tmp_path, visitors)


def check(folder: Path, visitors: Visitors) -> None:
    """Every acknowledged hit is in the log, and counts once by its id; what is there again is a duplicate."""
    there = Counter(
        dict(pair.split("=", 1) for pair in hit.query.decode().split("&"))["_hid"] for hit in logged(folder)
    )
    assert there.keys() == set(visitors.acknowledged)
    here = Installation(folder / "installation", log_url=f"sqlite://{folder}/data/log")
    while here.receive():
        pass
    counts = here.view().counts()
    again = there.total() - len(there)
    assert (counts.counted, counts.rejected) == (len(there), again)
    assert set(counts.reasons) <= {"duplicate"}
    found = here.view().events(*EVER, ["hit"])["hit"].to_list()
    assert sorted(found) == sorted(hash64(name) for name in visitors.acknowledged)


def logged(folder: Path) -> list[RawHit]:
    log = EmbeddedLog(folder / "data" / "log")
    try:
        return stored(log)
    finally:
        log.close()


def ask(balancer: Balancer, method: str, path: str, body: bytes = b"") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", balancer.port, timeout=30, source_address=(CLIENT, 0))
    try:
        connection.request(method, path, body, {"X-Forwarded-For": "203.0.113.66", "Forwarded": "for=203.0.113.66"})
        return connection.getresponse().status
    finally:
        connection.close()
