"""The engine on Spark keeps the promises of the port: in this machine alone, and on a cluster that loses a worker."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from processing.engine import Engine, EngineFailed, open_engine
from tests.contract import engine_tasks
from tests.contract.engine_contract import EngineContract, WorkersContract
from tests.contract.engine_tasks import await_end_of_holders, jobs, kill, kill_a_parent
from tests.contract.spark_engines import Engines
from tests.support.servers import free_port

pytest.importorskip("pyspark", reason="an extra")

pytestmark = [pytest.mark.spark, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def local() -> Iterator[Engines]:
    engines = Engines("local[2,3]")
    yield engines
    engines.close()


@pytest.fixture
def engine(local: Engines) -> Engine:
    return local.get()


class TestSparkLocal(EngineContract, WorkersContract):
    ROOM = 2


def test_it_works(engine: Engine) -> None:
    assert sorted(engine.run(engine_tasks.square, [3, 4])) == [(0, 9), (1, 16)]


def test_the_executors_have_this_python_and_one_thread_of_polars(engine: Engine) -> None:
    [(_, worker)] = engine.run(engine_tasks.surroundings, [1])
    assert worker.process != os.getpid()
    assert worker.polars_threads == 1


def test_control_c_stays_ours(engine: Engine) -> None:
    list(engine.run(engine_tasks.square, [1]))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_java_is_killed(engine: Engine, tmp_path: Path) -> None:
    run = engine.run(engine_tasks.hold, jobs(tmp_path, 3))
    next(run)
    drivers = ["pgrep", "-P", str(os.getpid()), "-f", "deploy.SparkSubmit"]  # servers of other tests are Java as well
    [java] = map(int, subprocess.check_output(drivers).split())
    kill(java)
    with pytest.raises(EngineFailed):
        next(run)
    await_end_of_holders(tmp_path)
    assert list(engine.run(engine_tasks.square, [3])) == [(0, 9)]


def test_everything_ends_when_the_parent_is_killed(local: Engines, tmp_path: Path) -> None:
    local.close()
    kill_a_parent("spark-local://2", tmp_path)
    await_end_of_holders(tmp_path)


def test_an_address_opens_it(local: Engines) -> None:
    local.close()
    engine = open_engine("spark-local://1")
    assert list(engine.run(engine_tasks.square, [3])) == [(0, 9)]
    engine.close()


def test_no_master() -> None:
    engine = open_engine(f"spark://127.0.0.1:{free_port()},localhost:{free_port()}")
    for _ in range(2):
        with pytest.raises(EngineFailed, match="refused.*refused"):
            list(engine.run(engine_tasks.square, [3]))
    engine.close()
