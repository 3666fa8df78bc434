"""Creates the topic that the address of a log names, or brings it up to date."""

from contextlib import closing

from collection.log.kafka.connection import Connection, security, unavailable
from collection.log.kafka.topic import SAFE_COPIES, create_or_update, warnings
from collection.log.port import LogUnavailable
from configuration.addresses import Address
from configuration.numbers import how_many

TIMEOUT_S = 10.0


def check(address: Address, topic: str, copies: int | None) -> None:
    """Raises LogUnavailable if no broker answers, or if there are fewer brokers than copies of a topic to be made."""
    with unavailable("cannot be set up", is_used_again=False), closing(_connection(address)) as connection:
        brokers = connection.brokers()
        if copies and copies > brokers and not connection.has(topic):
            raise LogUnavailable(
                f"the log cannot be set up with {how_many(copies, 'copy', 'copies')} of each partition: Kafka has"
                f" {how_many(brokers, 'broker')}, and each copy needs one. Start more, or give --copies {brokers}"
            )


def known_id(address: Address, topic: str) -> str:
    """Returns the id of the topic, "" if it is not there. Raises LogUnavailable."""
    with unavailable("cannot be reached", is_used_again=False), closing(_connection(address)) as connection:
        return connection.topic(topic).id if connection.has(topic) else ""


def set_up(address: Address, topic: str, partitions: int, copies: int | None) -> list[str]:
    """Creates or updates the topic. Returns sentences: changes made, and what is not safe. Raises LogUnavailable."""
    check(address, topic, copies)
    with unavailable("cannot be set up", is_used_again=False), closing(_connection(address)) as connection:
        done = create_or_update(connection, topic, partitions, copies or min(connection.brokers(), SAFE_COPIES))
        return [*done, *(f"Not safe: {sentence}." for sentence in warnings(connection, topic))]


def _connection(address: Address) -> Connection:
    return Connection(",".join(map(str, address.hosts)), TIMEOUT_S, security(address))
