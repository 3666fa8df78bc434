"""Each server of a cluster goes away for a while: every process goes on, says so once, and says once that it is back;
what is asked meanwhile is answered soon, with the name of the server.
"""

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.journey.test_copy_database import new_database
from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.redis_server import Redis
from tests.support.cluster import ClusterSite

pytestmark = [
    *(pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.redis, pytest.mark.postgres),
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

AWAY_S: Final = 25.0
SOON_S: Final = 30.0  # a hang would be minutes; on a busy machine an answer takes a few seconds
PATIENCE_S: Final = 120.0
BEGAN: Final = "the {} does not answer,"
ENDED: Final = "the {} answers again, after"


class Server(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture(scope="module")
def site(
    kafka: Kafka, cassandra: Cassandra, redis: Redis, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterSite]:
    folder = tmp_path_factory.mktemp("outages")
    urls = {
        "LOG_URL": f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}",
        "STORE_URL": cassandra.url(f"k{uuid.uuid4().hex}"),
        "BROKER_URL": redis.address,
        "DATABASE_URL": new_database(postgres),
    }
    with ClusterSite(folder, urls, eager=False) as site:
        yield site


@pytest.fixture(scope="module")
def number(site: ClusterSite) -> int:
    return site.add_property()[0]


@pytest.mark.parametrize("name", ["broker", "log", "store", "database"])
def test_it_works(site: ClusterSite, number: int, name: str, request: pytest.FixtureRequest) -> None:
    fixture = {"broker": "redis", "log": "kafka", "store": "cassandra", "database": "postgres"}[name]
    server: Server = request.getfixturevalue(fixture)
    wait_until(lambda: status(site, number)[0] == 200)
    before, processes = {part: len(site.said(part)) for part in site.processes}, dict(site.processes)
    server.stop()
    gone_at = time.monotonic()
    code, answer, took = status(site, number)
    assert took < SOON_S
    if name == "log":
        assert (code, answer["pending"]) == (200, None)
    elif name == "broker":
        assert code == 200
    else:
        assert code == 503
        assert name in str(answer)
        assert f"the {name} cannot be reached" in ask(site, "/readyz")[1]
    time.sleep(max(gone_at + AWAY_S - time.monotonic(), 0))
    server.start()
    wait_until(lambda: status(site, number)[0] == 200 and status(site, number)[1]["pending"] is not None)
    said = {part: site.said(part)[before[part] :] for part in site.processes}
    wait_until(lambda: not [part for part in said if is_out(site.said(part)[before[part] :], name)])
    said = {part: site.said(part)[before[part] :] for part in site.processes}
    counts = {part: (text.count(BEGAN.format(name)), text.count(ENDED.format(name))) for part, text in said.items()}
    assert all(began == ended <= 1 for began, ended in counts.values()), (counts, said)
    assert any(began for began, _ in counts.values()), said
    assert site.processes == processes
    assert all(process.poll() is None for process in processes.values()), said
    others = {part: lines for part, text in said.items() if (lines := unexpected(text))}
    assert others == {}


def is_out(text: str, name: str) -> bool:
    return text.count(BEGAN.format(name)) > text.count(ENDED.format(name))


def unexpected(text: str) -> list[str]:
    """Lines that are neither about the outage nor mere information."""
    lines = [line for line in text.splitlines() if not re.search(r"does not answer|answers again| INFO ", line)]
    return [line for line, _ in Counter(lines).most_common(8)]


def status(site: ClusterSite, number: int) -> tuple[int, dict[str, Any], float]:
    began = time.monotonic()
    code, text = ask(site, f"/api/properties/{number}/status/")
    with suppress(ValueError):
        return code, json.loads(text), time.monotonic() - began
    return code, {"text": text}, time.monotonic() - began


def ask(site: ClusterSite, path: str) -> tuple[int, str]:
    asked = Request(f"http://127.0.0.1:{site.port}{path}", headers={"Authorization": f"Bearer {site.token}"})
    try:
        with urlopen(asked, timeout=PATIENCE_S) as reply:  # noqa: S310 - our own
            return reply.status, reply.read().decode()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()
    except (URLError, OSError) as error:
        return 0, str(error)


def wait_until(true: Any) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.5)
