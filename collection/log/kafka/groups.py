"""Positions of subscriptions, kept by Kafka as committed offsets of consumer groups.

Every call looks up the group's coordinator: coordinators move, and the driver would remember the first one for ever.
"""

from typing import Any, Final, NamedTuple

from kafka.errors import for_code
from kafka.protocol.consumer import OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest

from collection.log.kafka.connection import Connection

NO_MEMBER: Final = -1  # commits without joining the group
UNKNOWN: Final = -1
BY_GROUPS: Final = 8  # the first version of the request that takes a list of groups


class GroupOffset(NamedTuple):
    """`offset` is UNKNOWN if nothing was committed; `note` is the text that was committed with it."""

    offset: int
    note: str


def read_offset(connection: Connection, group: str, topic: str, partition: int) -> GroupOffset:
    """Raises KafkaError."""
    group_request = OffsetFetchRequest.OffsetFetchRequestGroup
    topics = [group_request.OffsetFetchRequestTopics(name=topic, partition_indexes=[partition])]
    request = OffsetFetchRequest(
        groups=[group_request(group_id=group, topics=topics)], min_version=BY_GROUPS, max_version=BY_GROUPS
    )
    (answer,) = _ask_coordinator(connection, group, request).groups
    _check(answer.error_code, group)
    part = answer.topics[0].partitions[0]
    _check(part.error_code, group)
    return GroupOffset(part.committed_offset, part.metadata or "")


def commit_offset(connection: Connection, group: str, topic: str, partition: int, position: GroupOffset) -> None:
    """Commits the position, durable on return. Raises KafkaError, also if a consumer has joined the group."""
    topic_request = OffsetCommitRequest.OffsetCommitRequestTopic
    part = topic_request.OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=position.offset, committed_leader_epoch=-1,
        committed_metadata=position.note,
    )  # fmt: skip
    request = OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=NO_MEMBER, member_id="", group_instance_id=None,
        retention_time_ms=-1, topics=[topic_request(name=topic, partitions=[part])], max_version=8,
    )  # fmt: skip
    answer = _ask_coordinator(connection, group, request)
    _check(answer.topics[0].partitions[0].error_code, group)


def _ask_coordinator(connection: Connection, group: str, request: Any) -> Any:
    key_type = CoordinatorType.GROUP.value
    coordinator = connection.ask(FindCoordinatorRequest(key=group, key_type=key_type, max_version=3))
    _check(coordinator.error_code, group)
    return connection.ask(request, coordinator.node_id)


def _check(code: int, group: str) -> None:
    if code:
        raise for_code(code)(f"group {group}")
