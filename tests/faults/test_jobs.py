"""Workers, dispatchers and the broker die under load, or say everything twice: every accepted hit counts once."""

import time
from collections.abc import Iterator

import pytest

from tests.services.redis_server import Redis
from tests.support.cluster import ClusterSite, check, under_load

pytestmark = [pytest.mark.redis, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    folder = tmp_path_factory.mktemp("jobs")
    with ClusterSite(folder, {"BROKER_URL": redis.address}, receivers=2) as site:
        yield site


def test_it_works(site: ClusterSite) -> None:
    check(site, under_load(site, lambda: None))
    assert "no problems" in site.manage("fsck")


@pytest.mark.parametrize("part", ["receive-1", "seal-1", "dispatch", "beat", "collector"])
def test_a_process_that_is_killed_repeatedly(site: ClusterSite, part: str) -> None:
    def trouble() -> None:
        for pause in (0.1, 0.4, 0.9, 2.0):
            time.sleep(pause)
            site.kill(part)

    check(site, under_load(site, trouble))


def test_redis_loses_all_jobs(site: ClusterSite, redis: Redis) -> None:
    def trouble() -> None:
        for pause in (1.0, 0.2, 0.5, 0.1, 0.8, 0.3):
            redis.lose_all()
            redis.start()
            time.sleep(pause)

    check(site, under_load(site, trouble))


def test_jobs_that_are_delivered_repeatedly(site: ClusterSite) -> None:
    def trouble() -> None:
        site.manage("shell", "-v", "0", "-c", SEND_ALL_AGAIN)

    check(site, under_load(site, trouble))


def test_a_second_dispatcher_waits_and_takes_over(site: ClusterSite) -> None:
    site.start("dispatch-2", "-m", "tests.faults.eager_dispatcher")
    try:
        check(site, under_load(site, lambda: site.kill("dispatch")))
        check(site, under_load(site, lambda: site.kill("dispatch-2")))
    finally:
        site.end("dispatch-2")


def test_metrics_show_waiting_hits(site: ClusterSite) -> None:
    check(site, under_load(site, lambda: None))
    assert site.figure(site.port, "hitstream_lag_hits") == 0
    assert site.figure(site.port, "hitstream_waiting_jobs") >= 0


SEND_ALL_AGAIN = """
import random
import analytics_site.celery
from processing import tasks
from processing.models import Range
from configuration.models import Property
numbers = list(Range.objects.values_list("pk", flat=True)) * 3
random.shuffle(numbers)
for number in numbers[:1500]:
    tasks.receive.apply_async((number,))
for property in list(Property.objects.values_list("pk", flat=True)) * 10:
    tasks.seal.apply_async((property,))
"""
