"""Each server is started when the first test asks for it, and stopped when the session ends, however it ends.

Three nodes stop with their module: their memory is needed by what comes after.
"""

import gc
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.process import LOG_NAME, Process
from tests.services.redis_server import Redis
from tests.services.service import Service


@contextmanager
def running(service: Service) -> Iterator[None]:
    try:
        service.start()
        yield
    finally:
        tell_of_ended(service.folder)
        service.stop()


def tell_of_ended(folder: Path) -> None:
    """Writes what the processes of a server said last that ended before it was stopped: failed tests show it.

    A server has one process in its folder, or one in each folder of that. Deeper ones may vanish while it runs.
    """
    for log in sorted([*folder.glob(LOG_NAME), *folder.glob(f"*/{LOG_NAME}")]):
        process = Process(log.parent.name, log.parent)
        if process.pid is None:
            sys.stderr.write(f"{process.name} ended:\n{process.last_words()}\n")


@contextmanager
def folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"hitstream-{name}-") as path:
        yield Path(path)


@contextmanager
def sockets_let_go() -> Iterator[None]:
    """Kafka's driver leaves the sockets of refused connections to the garbage collector, which warns of each; at the
    end of the session that would be an error of nobody's test.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    with sockets_let_go(), folder("kafka") as path, running(service := Kafka(path)):
        yield service


@pytest.fixture(scope="module")
def kafka_of_three() -> Iterator[Kafka]:
    with sockets_let_go(), folder("kafka3") as path, running(service := Kafka(path, nodes=3)):
        yield service


@pytest.fixture(scope="session")
def cassandra() -> Iterator[Cassandra]:
    with folder("cassandra") as path, running(service := Cassandra(path)):
        yield service


@pytest.fixture(scope="module")
def cassandra_of_three() -> Iterator[Cassandra]:
    with folder("cassandra3") as path, running(service := Cassandra(path, nodes=3)):
        yield service


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    with folder("redis") as path, running(service := Redis(path)):
        yield service


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with folder("postgres") as path:
        service = Postgres(path)
        with running(service):
            yield service
        service.forget()
