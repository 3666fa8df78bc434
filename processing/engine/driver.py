"""Spark's driver: the Java machine beside this process, its context, and our code for the executors.

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
PATIENCE_S: Final = 20.0
GONE: Final = (Py4JError, OSError, AttributeError)  # what calls raise when Spark was stopped, or Java is no more
SETTINGS: Final = {
    "spark.app.name": "hitstream",
    "spark.task.maxFailures": str(MOST_ATTEMPTS),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "512m",  # it hands out tasks and gathers small results
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
        logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection
        _knock(master)
        self._folder = TemporaryDirectory(prefix="hitstream-")  # executors that come later fetch our code as well
        self._gateway = launch_gateway(conf, {"process_group": 0})  # Ctrl-C is for this process
        try:
            with _search_path_kept():
                self.context = SparkContext(conf=conf, gateway=self._gateway)
                self.context.addPyFile(str(_zipped(packages, Path(self._folder.name) / "hitstream.zip")))
        except BaseException:
            self._end_java()
            raise

    def lost(self) -> bool:
        """The cluster gave it up, or the Java machine is gone."""
        try:
            return bool(self.context._jsc.sc().isStopped())
        except GONE:
            return True

    def close(self) -> None:
        if self._gateway.proc.poll() is not None:
            self.context._jsc = None  # else it complains that there is nothing to stop
        self.context.stop()
        self._end_java()

    def _end_java(self) -> None:
        with suppress(*GONE):
            self._gateway.shutdown()
        SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
        self._gateway.proc.stdin.close()  # the sign to end
        self._gateway.proc.wait(PATIENCE_S)
        self._folder.cleanup()


def _knock(master: str) -> None:
    """Raises ConnectionError where nobody listens: Spark would try for a minute, and it is hard to stop meanwhile."""
    places = master.removeprefix("spark://").split(",") if master.startswith("spark://") else []
    refusals = [refusal for place in places if (refusal := _refusal(place))]
    if places and len(refusals) == len(places):
        raise ConnectionError(", ".join(refusals))


def _refusal(place: str) -> str:
    """Empty: somebody listens."""
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE_S).close()
    except OSError as error:
        return f"{place}: {error}"
    return ""


@contextmanager
def _search_path_kept() -> Iterator[None]:
    """Spark puts its copy of our code in front of the original."""
    before = set(sys.path)
    try:
        yield
    finally:
        sys.path[:] = [entry for entry in sys.path if entry in before]


def _zipped(packages: Sequence[str], path: Path) -> Path:
    """Folders have entries of their own: without them Python finds no package that lacks an `__init__.py`."""
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for package in packages:
            for found in [ROOT / package, *sorted((ROOT / package).rglob("*"))]:
                if "__pycache__" not in found.parts:
                    file.write(found, found.relative_to(ROOT))
    return path
