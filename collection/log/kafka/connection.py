"""A connection to a Kafka cluster: requests to brokers, metadata of the topic, and how failures are retried."""

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
from configuration.addresses import Address
from configuration.outages import OUTAGES

RECONNECT_MS: Final = 50
RECONNECT_MAX_MS: Final = 1000
MAX_ANSWER_BYTES: Final = 64 * 2**20
RETRY_S: Final = 0.1

NO_SECURITY: Final[Mapping[str, Any]] = {"security_protocol": "PLAINTEXT"}
SASL: Final = "SCRAM-SHA-512"  # never sends the password

T = TypeVar("T")


def security(address: Address) -> dict[str, Any]:
    """Returns the driver's settings for what the address says about TLS and SASL."""
    tls = address.tls()
    settings: dict[str, Any] = {"security_protocol": "SSL", "ssl_context": tls} if tls else dict(NO_SECURITY)
    if address.user:
        settings |= {
            "security_protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
            "sasl_mechanism": address.options.get("sasl", SASL),
            "sasl_plain_username": address.user,
            "sasl_plain_password": address.password,
        }
    return settings


class Topic(NamedTuple):
    """`leaders`: the broker that leads each partition, -1 while none is elected."""

    id: str
    leaders: Mapping[int, int]


class Connection:
    """Sends requests of any thread. The driver reconnects to an unavailable broker by itself."""

    def __init__(self, servers: str, timeout_s: float, security: Mapping[str, Any] = NO_SECURITY) -> None:
        """Raises KafkaError if no broker answers within `timeout_s`, which limits each later request, too."""
        settings = {
            "bootstrap_servers": servers.split(","),
            "client_id": "hitstream",
            "receive_message_max_bytes": MAX_ANSWER_BYTES,
            "request_timeout_ms": int(timeout_s * 1000),
            "bootstrap_timeout_ms": int(timeout_s * 1000),
            "socket_connection_setup_timeout_ms": int(timeout_s * 1000),
            "reconnect_backoff_ms": RECONNECT_MS,
            "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
            **security,
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
        """Asks the cluster for the topic. Raises UnknownTopicOrPartitionError if it does not exist, else KafkaError."""
        (topic,) = self._manager.run(self._request_metadata, name).topics
        if error := topic.error_code:
            raise for_code(error)(f"topic {name}")
        return Topic(topic.topic_id.hex, {part.partition_index: part.leader_id for part in topic.partitions})

    def has(self, topic: str) -> bool:
        """Raises KafkaError if that cannot be told."""
        try:
            self.topic(topic)
        except UnknownTopicOrPartitionError:
            return False
        return True

    def brokers(self) -> int:
        """Returns the number of brokers in the cluster. Raises KafkaError."""
        return len(self.ask(MetadataRequest(topics=[], allow_auto_topic_creation=False)).brokers)

    def ask(self, request: Any, broker: int | None = None) -> Any:
        """Sends the request to this broker, or to any. Returns its answer. Raises KafkaError."""
        return self._manager.run(self._send, request, broker)

    def ask_each(self, requests: Mapping[int, Any]) -> dict[int, Any]:
        """Sends all requests at once, keyed by broker. Returns each broker's answer, or the KafkaError in its place."""
        answers: dict[int, Any] = self._manager.run(self._send_each, requests)
        return answers

    def close(self) -> None:
        self.admin.close()

    async def _request_metadata(self, name: str) -> Any:
        topic = MetadataRequest.MetadataRequestTopic(name=name)
        answer = await self._manager.send(MetadataRequest(topics=[topic], allow_auto_topic_creation=False))
        # The driver updates its list of brokers every few minutes only: without this it cannot reach a new leader.
        if any(self._manager.cluster.broker_metadata(broker.node_id) is None for broker in answer.brokers):
            self._manager.cluster.update_metadata(answer)
        return answer

    async def _send(self, request: Any, broker: int | None) -> Any:
        return await self._manager.send(request, node_id=broker)

    async def _send_each(self, requests: Mapping[int, Any]) -> dict[int, Any]:
        answers: dict[int, Any] = {}
        futures: dict[int, Any] = {}
        for broker, request in requests.items():  # all are sent before the first answer is awaited
            try:
                futures[broker] = self._manager.send(request, node_id=broker)
            except KafkaError as error:
                answers[broker] = error
        for broker, future in futures.items():
            try:
                answers[broker] = await future
            except KafkaError as error:
                answers[broker] = error
        return {broker: answers[broker] for broker in requests}


def retry_until(timeout_s: float, operation: Callable[[], T], on_failure: Callable[[], None] = lambda: None) -> T:
    """Repeats the operation until it succeeds, fails for good, or `timeout_s` is over; then raises its KafkaError.

    `on_failure` is called after every failed attempt.
    """
    give_up = time.monotonic() + timeout_s
    while True:
        try:
            return operation()
        except KafkaError as error:
            on_failure()
            if not is_transient(error) or time.monotonic() > give_up:
                raise
        time.sleep(RETRY_S)


def is_transient(error: KafkaError) -> bool:
    """Returns whether a retry may succeed: a leader moves, a coordinator loads, the driver has yet to learn of a new
    broker.
    """
    return bool(error.retriable) or isinstance(error, UnknownBrokerIdError)


@contextmanager
def unavailable(problem: str, *, is_used_again: bool = True) -> Iterator[None]:
    """Turns a KafkaError into LogUnavailable: "the log <problem>: …". Notes when Kafka goes away and comes back, if the
    process uses it again and again.
    """
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise LogUnavailable(f"the log {problem}: {error}; create the topic with manage.py setup_log") from error
    except KafkaError as error:
        if is_used_again:
            OUTAGES.began("log", f"{type(error).__name__}: {error}")
        raise LogUnavailable(f"the log {problem}: {type(error).__name__}: {error}") from error
    OUTAGES.ended("log")
