"""Making the topic, and saying where it promises less than the log does."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError, for_code
from kafka.protocol.metadata import MetadataRequest

from collection.log.kafka.connection import Connection

MINUTE_MS: Final = 60_000
SEGMENT_MS: Final = 15 * MINUTE_MS  # what is trimmed goes from the disk with its segment: addresses must not stay
SEGMENT_BYTES: Final = 64 * 2**20
SAFE_COPIES: Final = 3


def wanted(copies: int) -> dict[str, str]:
    """The settings of a topic that has this many copies of each partition."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1",  # the worker trims what it has received, and nothing else
        "retention.bytes": "-1",
        "segment.ms": str(SEGMENT_MS),
        "segment.bytes": str(SEGMENT_BYTES),
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": str(max(copies - 1, 1)),
        "flush.messages": "1" if copies == 1 else str(2**63 - 1),
    }


def make(connection: Connection, topic: str, partitions: int, copies: int) -> list[str]:
    """Make the topic, or bring it up to this; says in sentences what was done. Raises KafkaError."""
    try:
        settings = wanted(copies)
        connection.admin.create_topics(
            {topic: {"num_partitions": partitions, "replication_factor": copies, "configs": settings}}
        )
    except TopicAlreadyExistsError:
        return [*_grow(connection, topic, partitions), *_set(connection, topic, described(connection, topic)[1])]
    connection.admin.wait_for_topics([topic])
    return [f"Made the topic {topic}: {partitions} partitions, copies of each: {copies}."]


def described(connection: Connection, topic: str) -> tuple[int, int]:
    """How many partitions it has, and of the one with the fewest how many copies. Raises KafkaError."""
    asked = MetadataRequest.MetadataRequestTopic(name=topic)
    (found,) = connection.ask(MetadataRequest(topics=[asked], allow_auto_topic_creation=False)).topics
    if found.error_code:
        raise for_code(found.error_code)(f"topic {topic}")
    return len(found.partitions), min(len(part.replica_nodes) for part in found.partitions)


def warnings(connection: Connection, topic: str) -> Iterator[str]:
    """One sentence for each way in which an acknowledged hit can be lost. Raises KafkaError."""
    _, copies = described(connection, topic)
    settings = _settings(connection, topic)
    in_sync = int(settings["min.insync.replicas"])
    if copies == 1 and settings["flush.messages"] != "1":
        yield "it keeps one copy and is not written through to the disk: a power cut loses acknowledged hits"
    if copies == 1:
        yield "it keeps one copy: a broken disk loses hits"
    elif in_sync < 2:
        yield f"it keeps {copies} copies, but min.insync.replicas=1 acknowledges hits of which there is one"
    if in_sync >= copies > 1:
        yield f"it takes no hits while one of its {copies} copies is away: min.insync.replicas={in_sync}"
    if settings["unclean.leader.election.enable"] == "true":
        yield "unclean.leader.election.enable=true lets a copy that lags behind take over and forget hits"
    if settings["cleanup.policy"] != "delete":
        yield f"cleanup.policy={settings['cleanup.policy']} deletes hits that a later one of the same key follows"
    if settings["retention.ms"] != "-1" or settings["retention.bytes"] != "-1":
        yield "retention.ms and retention.bytes delete hits, received or not"


def _grow(connection: Connection, topic: str, partitions: int) -> list[str]:
    have, _ = described(connection, topic)
    if have > partitions:
        return [f"The topic {topic} has {have} partitions; their number cannot be made smaller."]
    if have == partitions:
        return []
    connection.admin.create_partitions({topic: partitions})
    return [f"The topic {topic} has {partitions} partitions now, {have} before: visitors move to other ones."]


def _set(connection: Connection, topic: str, copies: int) -> list[str]:
    have = _settings(connection, topic)
    changed = {name: value for name, value in wanted(copies).items() if have[name] != value}
    if not changed:
        return [f"The topic {topic} is set up."]
    connection.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, changed)], incremental=True)
    return [f"Set {name}={value} of the topic {topic}, {have[name]} before." for name, value in changed.items()]


def _settings(connection: Connection, topic: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    found: Mapping[str, Any] = connection.admin.describe_configs([resource], config_filter=ConfigFilterType.ALL)
    return {name: str(setting["value"]) for name, setting in found["topic"][topic].items()}
