"""Engines on Spark for many tests."""

from processing.engine import Engine
from tests.contract import engine_tasks


class Engines:
    """One engine for all of them, since a start takes 10 s and more; a new one where a test closed it."""

    def __init__(self, master: str) -> None:
        self._master = master
        self._engine = self._make()

    def get(self) -> Engine:
        try:
            self._engine.run(engine_tasks.square, [])
        except ValueError:
            self._engine = self._make()
        return self._engine

    def close(self) -> None:
        self._engine.close()

    def _make(self) -> Engine:
        from processing.engine.driver import PACKAGES  # an extra, as is the next
        from processing.engine.spark import SparkEngine

        return SparkEngine(self._master, settings={"spark.executor.memory": "512m"}, packages=[*PACKAGES, "tests"])
