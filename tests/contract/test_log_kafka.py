"""The log on Kafka keeps the promises of the port, and its own about topics."""

import uuid
from collections.abc import Iterator

import pytest

from collection.log import Log, open_log, set_up_log
from tests.contract.log_contract import LogContract
from tests.services.kafka_broker import Kafka

pytestmark = pytest.mark.kafka


def new_topic(kafka: Kafka, partitions: int = 1) -> str:
    """The address of a topic of its own."""
    url = f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}"
    set_up_log(url, partitions, 1)
    return url


class TestKafkaLog(LogContract):
    @pytest.fixture
    def log(self, kafka: Kafka) -> Iterator[Log]:
        log = open_log(new_topic(kafka))
        yield log
        log.close()


class TestKafkaLogOfManyPartitions(LogContract):
    @pytest.fixture
    def log(self, kafka: Kafka) -> Iterator[Log]:
        log = open_log(new_topic(kafka, 5))
        yield log
        log.close()
