"""A connection to a Kafka cluster, and what it says of the topic."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, UnknownBrokerIdError, UnknownTopicOrPartitionError, for_code
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import MetadataRequest

from collection.log.port import LogUnavailable

RECONNECT_MS: Final = 50
RECONNECT_MOST_MS: Final = 1000
LARGEST_ANSWER: Final = 64 * 2**20
RETRY_S: Final = 0.1

T = TypeVar("T")


class Topic(NamedTuple):
    """`leaders` gives the broker of each partition, -1 where none is elected."""

    id: str
    leaders: Mapping[int, int]


class Connection:
    """Requests of any thread go through it; a broker that is away is tried again by itself."""

    def __init__(self, servers: str, limit_s: float) -> None:
        """`limit_s`: how long one request may take. Raises KafkaError if no broker answers in that time."""
        settings = {
            "bootstrap_servers": servers.split(","),
            "client_id": "hitstream",
            "receive_message_max_bytes": LARGEST_ANSWER,
            "request_timeout_ms": int(limit_s * 1000),
            "bootstrap_timeout_ms": int(limit_s * 1000),
            "socket_connection_setup_timeout_ms": int(limit_s * 1000),
            "reconnect_backoff_ms": RECONNECT_MS,
            "reconnect_backoff_max_ms": RECONNECT_MOST_MS,
        }
        self._net = NetworkSelector(**settings)
        self._manager = KafkaConnectionManager(self._net, **settings)
        client = KafkaNetClient(self._net, self._manager)
        administrator = {name: value for name, value in settings.items() if name in KafkaAdminClient.DEFAULT_CONFIG}
        try:
            self.admin = KafkaAdminClient(**administrator, kafka_client=lambda **_: client)
        except BaseException:
            self._manager.close()
            self._net.close()
            raise

    def topic(self, name: str) -> Topic:
        """What the cluster says of it now. Raises KafkaError, UnknownTopicOrPartitionError if there is none."""
        (found,) = self._manager.run(self._described, name).topics
        if error := found.error_code:
            raise for_code(error)(f"topic {name}")
        return Topic(found.topic_id.hex, {part.partition_index: part.leader_id for part in found.partitions})

    def brokers(self) -> int:
        """How many there are. Raises KafkaError."""
        return len(self.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False)).brokers)

    def ask(self, request: Any, broker: int | None = None) -> Any:
        """The answer of a broker, or of any. Raises KafkaError."""
        return self._manager.run(self._ask, request, broker)

    def ask_each(self, requests: Mapping[int, Any]) -> dict[int, Any]:
        """By broker, its answer or the KafkaError that came instead; all are asked at the same time."""
        found: dict[int, Any] = self._manager.run(self._ask_each, requests)
        return found

    def close(self) -> None:
        self.admin.close()

    async def _described(self, name: str) -> Any:
        """The driver is told of brokers that are new to it: it looks for itself every few minutes only."""
        asked = MetadataRequest.MetadataRequestTopic(name=name)
        answer = await self._manager.send(MetadataRequest(topics=[asked], allow_auto_topic_creation=False))
        if any(self._manager.cluster.broker_metadata(broker.node_id) is None for broker in answer.brokers):
            self._manager.cluster.update_metadata(answer)
        return answer

    async def _ask(self, request: Any, broker: int | None) -> Any:
        return await self._manager.send(request, node_id=broker)

    async def _ask_each(self, requests: Mapping[int, Any]) -> dict[int, Any]:
        futures = {broker: self._sent(request, broker) for broker, request in requests.items()}
        return {broker: await outcome(future) for broker, future in futures.items()}

    def _sent(self, request: Any, broker: int) -> Any:
        try:
            return self._manager.send(request, node_id=broker)
        except KafkaError as error:
            return error


async def outcome(future: Any) -> Any:
    if isinstance(future, KafkaError):
        return future
    try:
        return await future
    except KafkaError as error:
        return error


def retry_until(limit_s: float, what: Callable[[], T], again: Callable[[], None] = lambda: None) -> T:
    """Tries while it may pass: leaders move, coordinators load. `again` is called in between. Raises KafkaError."""
    give_up = time.monotonic() + limit_s
    while True:
        try:
            return what()
        except KafkaError as error:
            again()
            if not may_pass(error) or time.monotonic() > give_up:
                raise
        time.sleep(RETRY_S)


def may_pass(error: KafkaError) -> bool:
    """Whether to try again. A broker that the driver does not know yet is one that has just come."""
    return bool(error.retriable) or isinstance(error, UnknownBrokerIdError)


@contextmanager
def unavailable(what: str) -> Iterator[None]:
    """Kafka's complaints, in the words of the port."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise LogUnavailable(f"the log {what}: {error}; manage.py setup_log makes the topic") from error
    except KafkaError as error:
        raise LogUnavailable(f"the log {what}: {type(error).__name__}: {error}") from error
