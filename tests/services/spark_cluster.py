"""A Spark cluster on 127.0.0.1: a master and workers of one core each, as processes of their own."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from tests.support.servers import free_port

MASTER: Final = "org.apache.spark.deploy.master.Master"
WORKER: Final = "org.apache.spark.deploy.worker.Worker"
HOST: Final = "127.0.0.1"
START_LIMIT_S: Final = 180
STOP_LIMIT_S: Final = 30
LOST_AFTER_S: Final = 5  # a worker that says nothing


class SparkCluster:
    """Logs are in `folder`. Workers are numbered from 0."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self._folder, self._wanted = folder, workers
        self._port, self._page = free_port(), free_port()
        self._master: subprocess.Popen[bytes] | None = None
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        return f"spark://{HOST}:{self._port}"

    def start(self) -> None:
        """One after the other: each start keeps a core busy for seconds."""
        self._master = self._spawn("master", MASTER, "--port", str(self._port), "--webui-port", str(self._page))
        _await(lambda: self.alive() == 0, "the master does not start")
        for number in range(self._wanted):
            self.start_worker(number)

    def start_worker(self, number: int) -> None:
        before = self.alive()
        options = ["--port", "0", "--webui-port", str(free_port()), "--work-dir", str(self._folder / f"work{number}")]
        self._workers[number] = self._spawn(
            f"worker{number}", WORKER, *options, "--cores", "1", "--memory", "1g", self.url
        )
        _await(lambda: self.alive() == before + 1, "the worker does not arrive")

    def alive(self) -> int:
        """How many workers the master believes in; -1 while there is no master."""
        with suppress(OSError), urlopen(f"http://{HOST}:{self._page}/json/", timeout=5) as reply:
            state: dict[str, Any] = json.load(reply)
            return int(state["aliveworkers"])
        return -1

    def kill9(self, number: int) -> None:
        """The worker; its executor notices and ends."""
        worker = self._workers.pop(number)
        worker.kill()
        worker.wait(STOP_LIMIT_S)

    def stop(self) -> None:
        for number in list(self._workers):
            _end(self._workers.pop(number))
        if self._master is not None:
            _end(self._master)

    def _spawn(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "SPARK_LOCAL_IP": HOST,
            "SPARK_DAEMON_MEMORY": "384m",
            "SPARK_MASTER_OPTS": f"-Dspark.worker.timeout={LOST_AFTER_S}",
            "SPARK_WORKER_OPTS": f"-Dspark.worker.timeout={LOST_AFTER_S}",
        }
        arguments = [str(_spark_class()), command[0], "--host", HOST, *command[1:]]
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, cwd=self._folder)


@contextmanager
def spark_cluster(folder: Path) -> Iterator[SparkCluster]:
    cluster = SparkCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _spark_class() -> Path:
    import pyspark  # an extra

    return Path(pyspark.__file__).parent / "bin" / "spark-class"


def _await(condition: Callable[[], bool], otherwise: str) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while not condition():
        assert time.monotonic() < give_up, otherwise
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
