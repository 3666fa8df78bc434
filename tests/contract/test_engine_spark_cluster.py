"""The engine on a Spark cluster of a master and two workers, one of which is killed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from processing.engine import Engine, Stopped
from tests.contract import engine_tasks
from tests.contract.engine_contract import EngineContract, WorkersContract
from tests.contract.engine_tasks import attempts, await_that, jobs
from tests.contract.spark_engines import Engines
from tests.services.spark_cluster import SparkCluster, spark_cluster

pytest.importorskip("pyspark", reason="an extra")

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    with spark_cluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def engines(cluster: SparkCluster) -> Iterator[Engines]:
    engines = Engines(cluster.url)
    yield engines
    engines.close()


@pytest.fixture
def engine(engines: Engines) -> Engine:
    return engines.get()


class TestSparkCluster(EngineContract, WorkersContract):
    ROOM = 2


def test_it_works(cluster: SparkCluster, engine: Engine) -> None:
    assert cluster.alive() == 2
    assert dict(engine.run(engine_tasks.square, range(5))) == {number: number**2 for number in range(5)}


def test_a_worker_is_killed(cluster: SparkCluster, engine: Engine, tmp_path: Path) -> None:
    run = engine.run(engine_tasks.wait_for_go, jobs(tmp_path, 8))
    assert next(run) == (0, 0)
    await_that(lambda: len(attempts(tmp_path)) == 3, "there are not two at work")
    cluster.kill9(0)
    (tmp_path / "go").touch()
    assert sorted(run) == [(number, number) for number in range(1, 8)]
    cluster.start_worker(0)


def test_no_worker_is_left(cluster: SparkCluster, engine: Engine, tmp_path: Path) -> None:
    for number in (0, 1):
        cluster.kill9(number)
    await_that(lambda: cluster.alive() == 0, "the master does not notice")
    polls = itertools.count()
    with pytest.raises(Stopped):
        list(engine.run(engine_tasks.hold, jobs(tmp_path, 3)[1:], lambda: next(polls) > 10))
    cluster.start_worker(0)
    assert list(engine.run(engine_tasks.square, [3])) == [(0, 9)]
