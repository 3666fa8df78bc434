"""Creates the topic, and warns of settings with which it keeps fewer promises than the log's port makes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError, for_code
from kafka.protocol.metadata import MetadataRequest

from collection.log.kafka.connection import Connection

MINUTE_MS: Final = 60_000
SEGMENT_MS: Final = 15 * MINUTE_MS  # trimmed hits leave the disk with their segment: full addresses must not stay
SEGMENT_BYTES: Final = 64 * 2**20
SAFE_COPIES: Final = 3


def topic_settings(copies: int) -> dict[str, str]:
    """Returns the settings of a topic that keeps this many copies of each partition."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1",  # only the worker deletes hits, after it has received them
        "retention.bytes": "-1",
        "segment.ms": str(SEGMENT_MS),
        "segment.bytes": str(SEGMENT_BYTES),
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": str(max(copies - 1, 1)),
        "flush.messages": "1" if copies == 1 else str(2**63 - 1),
    }


def create_or_update(connection: Connection, topic: str, partitions: int, copies: int) -> list[str]:
    """Creates the topic, or adds partitions and updates its settings. Returns the changes. Raises KafkaError."""
    try:
        settings = topic_settings(copies)
        connection.admin.create_topics(
            {topic: {"num_partitions": partitions, "replication_factor": copies, "configs": settings}}
        )
    except TopicAlreadyExistsError:
        changes = _add_partitions(connection, topic, partitions)
        _, current_copies = partitions_and_copies(connection, topic)
        return changes + _update_settings(connection, topic, current_copies)
    connection.admin.wait_for_topics([topic])
    return [f"Created the topic {topic}: {partitions} partitions, copies of each: {copies}."]


def partitions_and_copies(connection: Connection, topic: str) -> tuple[int, int]:
    """Returns the number of partitions, and the number of copies of the partition that has the fewest.

    Raises KafkaError.
    """
    topic_request = MetadataRequest.MetadataRequestTopic(name=topic)
    (described,) = connection.ask(MetadataRequest(topics=[topic_request], allow_auto_topic_creation=False)).topics
    if described.error_code:
        raise for_code(described.error_code)(f"topic {topic}")
    return len(described.partitions), min(len(part.replica_nodes) for part in described.partitions)


def warnings(connection: Connection, topic: str) -> Iterator[str]:
    """Yields one sentence for each way in which an acknowledged hit can be lost. Raises KafkaError."""
    _, copies = partitions_and_copies(connection, topic)
    settings = _settings(connection, topic)
    in_sync = int(settings["min.insync.replicas"])
    if copies == 1 and settings["flush.messages"] != "1":
        yield "it keeps one copy and does not flush it to the disk: a power cut loses acknowledged hits"
    if copies == 1:
        yield "it keeps one copy: a broken disk loses hits"
    elif in_sync < 2:
        yield f"it keeps {copies} copies, but min.insync.replicas=1 acknowledges hits that only one of them has"
    if in_sync >= copies > 1:
        yield f"it accepts no hits while one of its {copies} copies is unavailable: min.insync.replicas={in_sync}"
    if settings["unclean.leader.election.enable"] == "true":
        yield "unclean.leader.election.enable=true lets a copy that lags behind become the leader and lose hits"
    if settings["cleanup.policy"] != "delete":
        yield f"cleanup.policy={settings['cleanup.policy']} deletes a hit when a later hit has the same key"
    if settings["retention.ms"] != "-1" or settings["retention.bytes"] != "-1":
        yield "retention.ms or retention.bytes deletes hits, even if they have not been received"


def _add_partitions(connection: Connection, topic: str, partitions: int) -> list[str]:
    current, _ = partitions_and_copies(connection, topic)
    if current > partitions:
        return [f"The topic {topic} has {current} partitions; Kafka cannot reduce their number."]
    if current == partitions:
        return []
    connection.admin.create_partitions({topic: partitions})
    return [f"The topic {topic} has {partitions} partitions now, {current} before: visitors move to other partitions."]


def _update_settings(connection: Connection, topic: str, copies: int) -> list[str]:
    current = _settings(connection, topic)
    changed = {name: value for name, value in topic_settings(copies).items() if current[name] != value}
    if not changed:
        return [f"The topic {topic} is set up."]
    connection.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changed)], incremental=True)
    return [f"Set {name}={value} of the topic {topic}, {current[name]} before." for name, value in changed.items()]


def _settings(connection: Connection, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    configs: Mapping[str, Any] = connection.admin.describe_configs([resource], config_filter=ConfigFilterType.ALL)
    return {name: str(setting["value"]) for name, setting in configs["topic"][topic].items()}
