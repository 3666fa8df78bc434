"""A reporting process answers health checks, accepts no hits, and passes everything else on."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from analytics_site.pages import AsgiPages, check_database
from collection.collector.asgi import Receive, Scope, Send
from collection.collector.metrics import Gauge, Sample
from collection.log import LogUnavailable
from processing.store.port import StoreUnavailable


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


async def send(pages: AsgiPages, path: str, method: str = "GET") -> tuple[int, str]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def collect(message: Any) -> None:
        sent.append(message)

    await pages({"type": "http", "method": method, "path": path, "headers": []}, receive, collect)
    return sent[0]["status"], sent[1]["body"].decode()


def ask(pages: AsgiPages, path: str, method: str = "GET") -> tuple[int, str]:
    return asyncio.run(send(pages, path, method))


def failing(error: Exception) -> Callable[[], list[Sample]]:
    def fail() -> list[Sample]:
        raise error

    return fail


def test_it_works() -> None:
    pages = AsgiPages(page, {"database": lambda: None})
    assert ask(pages, "/101/") == (200, "page")
    assert ask(pages, "/healthz") == (200, "ok\n")
    assert ask(pages, "/readyz") == (200, "ready\n")


@pytest.mark.parametrize("path", ["/g/collect", "/stats/g/collect", "/hs.js"])
def test_hits_are_not_accepted(path: str) -> None:
    assert ask(AsgiPages(page, {}), path, "POST")[0] == 404


@pytest.mark.parametrize("error", [OperationalError("gone"), StoreUnavailable("gone"), LogUnavailable("gone")])
def test_readiness_names_the_unavailable_service(error: Exception) -> None:
    pages = AsgiPages(page, {"database": lambda: None, "store": failing(error)})
    assert ask(pages, "/readyz") == (503, "the store cannot be reached\n")


def test_requests_during_a_check_share_its_answer() -> None:
    checks, answer = [0], threading.Event()

    def slow() -> None:
        checks[0] += 1
        assert answer.wait(30)

    async def many() -> list[tuple[int, str]]:
        pages = AsgiPages(page, {"store": slow})
        requests = [asyncio.create_task(send(pages, "/readyz")) for _ in range(20)]
        await asyncio.sleep(0)
        answer.set()
        return await asyncio.gather(*requests)

    assert asyncio.run(many()) == [(200, "ready\n")] * 20
    assert checks == [1]


def test_an_unavailable_gauge_does_not_hide_the_others() -> None:
    gauges = [
        Gauge("one", "One.", failing(StoreUnavailable("gone"))),
        Gauge("two", "Two.", lambda: [({"kind": "any"}, 2)]),
    ]
    status, text = ask(AsgiPages(page, {}, gauges), "/metrics")
    assert status == 200
    assert "# hitstream_one is unknown: its source cannot be read\n" in text
    assert 'hitstream_two{kind="any"} 2\n' in text


@pytest.mark.django_db(transaction=True)  # it closes the connection
def test_the_database_answers() -> None:
    check_database()
