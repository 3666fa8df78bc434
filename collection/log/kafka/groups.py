"""Positions of subscriptions, kept by Kafka as committed offsets of consumer groups.

Who coordinates a group is asked every time: the driver remembers it for ever, and it moves.
"""

from typing import Any, Final, NamedTuple

from kafka.errors import for_code
from kafka.protocol.consumer import OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest

from collection.log.kafka.connection import Connection

NO_MEMBER: Final = -1  # of the group: a position is written down by whoever knows it
UNKNOWN: Final = -1
SEVERAL_GROUPS: Final = 8  # the version of the request that asks for several, as we do for one


class GroupOffset(NamedTuple):
    """`offset` is UNKNOWN where nothing was committed; `note` is what was committed with it."""

    offset: int
    note: str


def read_offset(connection: Connection, group: str, topic: str, partition: int) -> GroupOffset:
    """Raises KafkaError."""
    asked = OffsetFetchRequest.OffsetFetchRequestGroup
    topics = [asked.OffsetFetchRequestTopics(name=topic, partition_indexes=[partition])]
    request = OffsetFetchRequest(
        groups=[asked(group_id=group, topics=topics)], min_version=SEVERAL_GROUPS, max_version=SEVERAL_GROUPS
    )
    (found,) = _ask_coordinator(connection, group, request).groups
    _check(found.error_code, group)
    part = found.topics[0].partitions[0]
    _check(part.error_code, group)
    return GroupOffset(part.committed_offset, part.metadata or "")


def commit_offset(connection: Connection, group: str, topic: str, partition: int, place: GroupOffset) -> None:
    """Durable on return. Raises KafkaError, also where somebody has joined the group."""
    asked = OffsetCommitRequest.OffsetCommitRequestTopic
    part = asked.OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=place.offset, committed_leader_epoch=-1,
        committed_metadata=place.note,
    )  # fmt: skip
    request = OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=NO_MEMBER, member_id="", group_instance_id=None,
        retention_time_ms=-1, topics=[asked(name=topic, partitions=[part])], max_version=8,
    )  # fmt: skip
    answer = _ask_coordinator(connection, group, request)
    _check(answer.topics[0].partitions[0].error_code, group)


def _ask_coordinator(connection: Connection, group: str, request: Any) -> Any:
    key_type = CoordinatorType.GROUP.value
    found = connection.ask(FindCoordinatorRequest(key=group, key_type=key_type, max_version=3))
    _check(found.error_code, group)
    return connection.ask(request, found.node_id)


def _check(code: int, group: str) -> None:
    if code:
        raise for_code(code)(f"group {group}")
