"""A whole cluster under load whose servers and processes die: every accepted hit counts once."""

import signal
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.journey.test_copy_database import new_database
from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.redis_server import Redis
from tests.support.cluster import ClusterSite, check, under_load

pytestmark = [
    *(pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.redis, pytest.mark.postgres),
    pytest.mark.timeout(900),
]

AWAY_S = 60.0


@pytest.fixture(scope="module")
def site(
    kafka: Kafka, cassandra: Cassandra, redis: Redis, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterSite]:
    urls = {
        "LOG_URL": f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}",
        "STORE_URL": cassandra.url(f"k{uuid.uuid4().hex}"),
        "BROKER_URL": redis.address,
        "DATABASE_URL": new_database(postgres),
    }
    with ClusterSite(tmp_path_factory.mktemp("cluster"), urls, receivers=2) as site:
        yield site


def test_it_works(site: ClusterSite) -> None:
    check(site, under_load(site, lambda: None))
    assert "no problems" in site.manage("fsck")


@pytest.mark.parametrize("part", ["collector", "receive-1", "seal-1", "dispatch"])
def test_a_process_is_killed(site: ClusterSite, part: str) -> None:
    check(site, under_load(site, lambda: again_and_again(lambda: site.kill(part))))


def test_redis_is_killed_and_loses_everything(site: ClusterSite, redis: Redis) -> None:
    def lose() -> None:
        redis.lose_all()
        time.sleep(1)
        redis.start()

    check(site, under_load(site, lambda: again_and_again(lose)))


def test_kafka_is_killed_while_hits_are_sent(site: ClusterSite, kafka: Kafka) -> None:
    def kill() -> None:
        kafka.kill9()
        kafka.start()

    check(site, under_load(site, lambda: again_and_again(kill, times=2)))


def test_kafka_is_unavailable_for_a_minute(site: ClusterSite, kafka: Kafka) -> None:
    def go_away() -> None:
        kafka.stop()
        time.sleep(AWAY_S)
        assert site.spilled() > 0
        kafka.start()

    check(site, under_load(site, go_away))


def test_cassandra_is_killed_while_it_writes(site: ClusterSite, cassandra: Cassandra) -> None:
    def kill() -> None:
        cassandra.kill9(1)
        cassandra.start()

    check(site, under_load(site, lambda: again_and_again(kill, times=2)))


def test_postgres_is_killed(site: ClusterSite, postgres: Postgres) -> None:
    def kill() -> None:
        postgres.kill9()
        time.sleep(1)
        postgres.start()

    check(site, under_load(site, lambda: again_and_again(kill)))


def test_in_the_end_everything_is_in_order(site: ClusterSite) -> None:
    """After all that; and each part ends when it is told to."""
    assert "no problems" in site.manage("fsck")
    for name, process in site.processes.items():
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, site.said(name)
        site.start(name, *site.commands[name])


def again_and_again(trouble: Callable[[], object], times: int = 3) -> None:
    for number in range(times):
        time.sleep(0.3 + number)
        trouble()
