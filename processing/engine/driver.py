"""Spark's driver: a Java virtual machine beside this process, its context, and our code for the executors.

Spark allows one in a process.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway

from processing.engine.port import MOST_ATTEMPTS

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("collection", "configuration", "processing", "reporting")
TIMEOUT_S: Final = 20.0
GONE: Final = (Py4JError, OSError, AttributeError)  # raised by calls when Spark was stopped, or Java has ended
SETTINGS: Final = {
    "spark.app.name": "hitstream",
    "spark.task.maxFailures": str(MOST_ATTEMPTS),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "512m",  # it only sends tasks and collects small results
    "spark.python.task.killTimeout": "100ms",  # tasks may be cut off anywhere: they are idempotent
    "spark.executorEnv.POLARS_MAX_THREADS": "1",  # an executor runs as many tasks as it has cores
}


class Driver:
    """`address` is where executors reach this process; `packages` are those of the project that they get.

    Must not be made in the main thread: there Spark takes over the handling of Ctrl-C.
    """

    def __init__(self, master: str, address: str, settings: Mapping[str, str], packages: Sequence[str]) -> None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", address)
        conf = SparkConf().setMaster(master)
        conf.setAll({**SETTINGS, "spark.driver.host": address, "spark.driver.bindAddress": address, **settings}.items())
        logging.getLogger("py4j").setLevel(logging.WARNING)  # it logs each connection
        _check_reachable(master)
        self._folder = TemporaryDirectory(prefix="hitstream-")  # executors that come later fetch our code as well
        self._gateway = launch_gateway(conf, {"process_group": 0})  # Ctrl-C is for this process
        try:
            with _keep_search_path():
                self.context = SparkContext(conf=conf, gateway=self._gateway)
                self.context.addPyFile(str(_zip(packages, Path(self._folder.name) / "hitstream.zip")))
        except BaseException:
            self._end_java()
            raise

    def lost(self) -> bool:
        """Returns whether the cluster gave the driver up, or the Java machine has ended."""
        try:
            return bool(self.context._jsc.sc().isStopped())
        except GONE:
            return True

    def close(self) -> None:
        if self._gateway.proc.poll() is not None:
            self.context._jsc = None  # else stopping logs an error
        self.context.stop()
        self._end_java()

    def _end_java(self) -> None:
        with suppress(*GONE):
            self._gateway.shutdown()
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        self._gateway.proc.stdin.close()  # the sign to end
        self._gateway.proc.wait(TIMEOUT_S)
        self._folder.cleanup()


def _check_reachable(master: str) -> None:
    """Raises ConnectionError if no master listens: Spark would try for a minute, and is hard to stop meanwhile."""
    masters = master.removeprefix("spark://").split(",") if master.startswith("spark://") else []
    refusals = [refusal for address in masters if (refusal := _refusal(address))]
    if masters and len(refusals) == len(masters):
        raise ConnectionError(", ".join(refusals))


def _refusal(address: str) -> str:
    """Returns why a host and port cannot be reached; empty text if a master listens there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), TIMEOUT_S).close()
    except OSError as error:
        return f"{address}: {error}"
    return ""


@contextmanager
def _keep_search_path() -> Iterator[None]:
    """Undoes that Spark puts its copy of our code in front of the original."""
    before = set(sys.path)
    try:
        yield
    finally:
        sys.path[:] = [entry for entry in sys.path if entry in before]


def _zip(packages: Sequence[str], path: Path) -> Path:
    """Zips the packages. Folders get entries, or Python does not find packages without an `__init__.py`."""
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for package in packages:
            for found in [ROOT / package, *sorted((ROOT / package).rglob("*"))]:
                if "__pycache__" not in found.parts:
                    file.write(found, found.relative_to(ROOT))
    return path
