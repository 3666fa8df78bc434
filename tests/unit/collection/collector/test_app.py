"""The collector's answers and its stored hits, on a real log and without a server."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.collector.app import Collector, partition_key
from collection.collector.asgi import AsgiCollector
from collection.collector.http import MAX_BODY_BYTES, MAX_URL_BYTES, TrustedProxies
from collection.log.embedded.log import EmbeddedLog
from tests.support.collector_client import Headers, Reply, collecting, send, stored

NOW_US = 1_700_000_000_000_000
PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def log(folder: Path) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(folder)
    yield log
    log.close()


@pytest.fixture
def collector(log: EmbeddedLog) -> Collector:
    return Collector(log, clock=lambda: NOW_US, trusted_proxies=PROXIES)


def ask(collector: Collector, *arguments: str, **options: object) -> Reply:
    return collecting(collector, lambda application: send(application, *arguments, **options))  # type: ignore[arg-type]


def test_it_works(collector: Collector, log: EmbeddedLog) -> None:
    agent: Headers = [
        ("user-agent", "Browser/1"),
        ("accept-language", "de"),
        ("cookie", "secret"),
        ("sec-ch-ua", '"B"'),
    ]
    reply = ask(collector, "POST", "/g/collect?v=2&tid=G-1&cid=7.8", body=(b"en=a\r\n", b"en=b"), headers=agent)
    assert (reply.status, reply.body) == (204, b"")
    (hit,) = stored(log)
    assert (hit.protocol, hit.received, hit.address, hit.user_agent) == ("ga4", NOW_US, "192.0.2.1", "Browser/1")
    assert (hit.query, hit.body) == (b"v=2&tid=G-1&cid=7.8", b"en=a\r\nen=b")
    assert hit.headers == {"accept-language": "de", "sec-ch-ua": '"B"'}
    assert (hit.property, hit.occurred) == (0, None)


def test_a_post_may_carry_everything_in_the_query(collector: Collector, log: EmbeddedLog) -> None:
    assert ask(collector, "POST", "/g/collect?v=2&en=a").status == 204
    assert [(hit.query, hit.body) for hit in stored(log)] == [(b"v=2&en=a", b"")]


def test_the_path_may_have_a_folder_before_it(collector: Collector, log: EmbeddedLog) -> None:
    assert ask(collector, "GET", "/stats/g/collect?v=2").status == 204
    assert len(stored(log)) == 1


def test_every_hit_has_a_unique_id(collector: Collector, log: EmbeddedLog) -> None:
    async def many(application: AsgiCollector) -> list[Reply]:
        return await asyncio.gather(*(send(application) for _ in range(500)))

    assert {reply.status for reply in collecting(collector, many)} == {204}
    other = Collector(log)
    assert collecting(other, send).status == 204
    assert len({hit.id for hit in stored(log)}) == 501


def test_hits_that_arrive_together_share_a_batch(collector: Collector, log: EmbeddedLog) -> None:
    async def many(application: AsgiCollector) -> list[Reply]:
        return await asyncio.gather(*(send(application) for _ in range(500)))

    collecting(collector, many)
    assert "hitstream_accepted_total 500" in metrics(collector)
    appends = next(
        line for line in metrics(collector).splitlines() if line.startswith("hitstream_append_seconds_count")
    )
    assert int(appends.split()[1]) < 50


def test_no_answer_before_the_append_is_durable(collector: Collector, log: EmbeddedLog, folder: Path) -> None:
    async def while_another_process_writes(application: AsgiCollector) -> Reply:
        other = sqlite3.connect(folder / f"{0:020d}.log", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        request = asyncio.create_task(send(application))
        await asyncio.sleep(0.2)
        assert not request.done()
        other.execute("ROLLBACK")
        other.close()
        return await request

    assert collecting(collector, while_another_process_writes).status == 204
    assert len(stored(log)) == 1


def test_a_client_that_disconnects_does_not_affect_other_clients(collector: Collector, log: EmbeddedLog) -> None:
    async def one_leaves(application: AsgiCollector) -> list[object]:
        requests = [asyncio.create_task(send(application)) for _ in range(10)]
        await asyncio.sleep(0)
        requests[0].cancel()
        return await asyncio.gather(*requests, return_exceptions=True)

    replies = collecting(collector, one_leaves)[1:]
    assert [reply.status for reply in replies if isinstance(reply, Reply)] == [204] * 9
    assert len(stored(log)) == 10


def test_a_log_that_cannot_be_written_is_503_until_it_can(collector: Collector, log: EmbeddedLog, folder: Path) -> None:
    async def with_a_full_disk(application: AsgiCollector) -> list[Reply]:
        replies = [await send(application)]
        limit = (folder / f"{0:020d}.log-wal").stat().st_size
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            replies += [await send(application), await send(application, target="/readyz")]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return [*replies, await send(application), await send(application, target="/readyz")]

    replies = collecting(collector, with_a_full_disk)
    assert [reply.status for reply in replies] == [204, 503, 503, 204, 200]
    assert replies[1].headers["retry-after"] == "5"
    assert len(stored(log)) == 2
    assert 'refused_total{reason="log unavailable"} 1' in metrics(collector)


def test_no_error_of_an_append_ends_the_writer(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    class OnceWithoutMemory(EmbeddedLog):
        def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
            if not caplog.records:
                raise MemoryError
            super().append(hits)

    log = OnceWithoutMemory(folder)

    async def three(application: AsgiCollector) -> list[Reply]:
        return [await send(application), await send(application), await send(application, target="/healthz")]

    assert [reply.status for reply in collecting(Collector(log), three)] == [503, 204, 200]
    assert len(stored(log)) == 1
    log.close()


def test_a_full_queue_is_503(log: EmbeddedLog) -> None:
    collector = Collector(log, max_waiting_hits=10)

    async def flood(application: AsgiCollector) -> list[Reply]:
        return await asyncio.gather(*(send(application) for _ in range(100)))

    statuses = [reply.status for reply in collecting(collector, flood)]
    assert set(statuses) == {204, 503}
    assert statuses.count(204) == len(stored(log))


def test_accepted_hits_are_written_before_it_stops(collector: Collector, log: EmbeddedLog) -> None:
    async def stop_at_once(application: AsgiCollector) -> Reply:
        request = asyncio.create_task(send(application))
        await asyncio.sleep(0)
        await asyncio.to_thread(collector.close)
        refused = await send(application)
        assert refused.status == 503
        return await request

    assert collecting(collector, stop_at_once).status == 204
    assert len(stored(log)) == 1


@pytest.mark.parametrize(
    ("length", "status"), [(MAX_BODY_BYTES - 1, 204), (MAX_BODY_BYTES, 204), (MAX_BODY_BYTES + 1, 413)]
)
@pytest.mark.parametrize("declared", [True, False])
def test_the_longest_body(collector: Collector, length: int, status: int, declared: bool) -> None:
    headers = [("content-length", str(length))] if declared else []
    pieces = (b"x" * 1000, b"x" * (length - 1000))
    assert ask(collector, "POST", body=pieces, headers=headers).status == status


@pytest.mark.parametrize(("length", "status"), [(MAX_URL_BYTES, 204), (MAX_URL_BYTES + 1, 414)])
def test_the_longest_url(collector: Collector, length: int, status: int) -> None:
    assert ask(collector, "GET", "/g/collect?".ljust(length, "x")).status == status


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_405(collector: Collector, log: EmbeddedLog, method: str) -> None:
    reply = ask(collector, method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, POST, OPTIONS")
    assert stored(log) == []


@pytest.mark.parametrize("path", ["/", "/collect", "/g/collect/", "/g/collectx", "/healthz/x", "//readyz"])
def test_other_paths_are_404(collector: Collector, path: str) -> None:
    assert ask(collector, "GET", path).status == 404


@pytest.mark.parametrize(("declared", "disconnect"), [("10", False), ("10", True), (None, True)])
def test_an_incomplete_body_is_refused(
    collector: Collector, log: EmbeddedLog, declared: str | None, disconnect: bool
) -> None:
    headers = [("content-length", declared)] if declared else []
    assert ask(collector, "POST", body=(b"en=", b"a"), headers=headers, disconnect=disconnect).status == 400
    assert stored(log) == []


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_any_origin_may_send(collector: Collector, method: str) -> None:
    headers = ask(collector, method, headers=[("origin", "https://shop.example")]).headers
    assert headers["access-control-allow-origin"] == "https://shop.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["vary"] == "origin"


def test_a_preflight_names_methods_and_headers(collector: Collector, log: EmbeddedLog) -> None:
    reply = ask(collector, "OPTIONS", headers=[("origin", "https://shop.example")])
    assert reply.status == 204
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "content-type" in reply.headers["access-control-allow-headers"]
    assert stored(log) == []


@pytest.mark.parametrize("origin", ["", "https://a.b\r\nset-cookie: x", "https://\xe9", "x" * 301, "a b"])
def test_a_hostile_origin_is_not_repeated(collector: Collector, origin: str) -> None:
    headers = ask(collector, headers=[("origin", origin)]).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


def test_caches_must_not_store_the_answer(collector: Collector) -> None:
    assert ask(collector).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # not one of our proxies
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.9"], "198.51.100.9"),  # the client wrote the first itself
        ("10.0.0.1", ["198.51.100.9, 10.2.2.2"], "198.51.100.9"),  # through two of ours
        ("10.0.0.1", ["1.2.3.4", "198.51.100.9"], "198.51.100.9"),  # a header sent twice
        ("10.0.0.1", ["10.3.3.3"], "10.3.3.3"),
        ("10.0.0.1", ["198.51.100.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("fd00::1", ["2001:DB8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("", [], ""),
    ],
)
def test_the_address_is_the_nearest_that_is_not_a_trusted_proxy(
    collector: Collector, log: EmbeddedLog, peer: str, forwarded: list[str], address: str
) -> None:
    ask(collector, peer=peer, headers=[("x-forwarded-for", value) for value in forwarded])
    assert [hit.address for hit in stored(log)] == [address]


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_text_for_an_address(peer: str, forwarded: str) -> None:
    proxies = TrustedProxies(PROXIES)
    assert isinstance(proxies.client_address(peer, forwarded), str)
    assert isinstance(proxies.client_address("10.0.0.1", forwarded), str)


@given(st.binary(max_size=300), st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_have_a_partition_key(query: bytes, body: bytes, agent: str) -> None:
    assert isinstance(partition_key(query, body, "192.0.2.1", agent), bytes)


@pytest.mark.parametrize(
    ("query", "body", "key"),
    [
        (b"v=2&cid=7.8&en=a", b"", b"7.8"),
        (b"cid=7.8", b"", b"7.8"),
        (b"v=2", b"en=a&cid=7.8\r\nen=b", b"7.8"),
        (b"v=2&acid=7.8", b"", b"192.0.2.1 agent"),
        (b"v=2&cid=", b"", b"192.0.2.1 agent"),
    ],
)
def test_the_partition_key_is_the_client_id(query: bytes, body: bytes, key: bytes) -> None:
    assert partition_key(query, body, "192.0.2.1", "agent") == key


def test_health_and_readiness(collector: Collector) -> None:
    assert ask(collector, "GET", "/healthz").status == 200
    assert ask(collector, "POST", "/readyz").status == 405


def metrics(collector: Collector) -> str:
    return ask(collector, "GET", "/metrics").body.decode()


def test_metrics_name_what_was_accepted_and_refused(log: EmbeddedLog) -> None:
    collector = Collector(log, lags=lambda: {"reports": 3})

    async def some(application: AsgiCollector) -> None:
        for target, method in (("/g/collect", "GET"), ("/g/collect", "PUT"), ("/nothing", "GET")):
            await send(application, method, target)

    collecting(collector, some)
    text = metrics(collector)
    for line in (
        "hitstream_accepted_total 1",
        'hitstream_refused_total{reason="method"} 1',
        'hitstream_refused_total{reason="not found"} 1',
        'hitstream_append_seconds_bucket{le="+Inf"} 1',
        "hitstream_queue_hits 0",
        'hitstream_log_end{partition="0"} 1',
        'hitstream_lag_hits{subscription="reports"} 3',
    ):
        assert f"\n{line}\n" in text


def test_no_address_in_metrics(collector: Collector) -> None:
    ask(collector, "GET", "/198.51.100.77", peer="198.51.100.77")
    assert "198.51.100.77" not in metrics(collector)
