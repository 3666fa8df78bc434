"""Reads a Kafka topic. Hits are requested by the topic's id: a new topic of the same name must never answer."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest
from kafka.record import MemoryRecords

from collection.log.kafka.connection import Connection, Topic
from collection.log.port import CorruptLog, LogEntry

ANSWER_BYTES: Final = 4 * 2**20
BY_TOPIC_ID: Final = 13  # the first version that names the topic by its id
NO_SESSION: Final = -1
EARLIEST: Final = -2  # instead of a time
LATEST: Final = -1
BY_NEGATIVE_TIME: Final = 1  # the first version that takes EARLIEST and LATEST


class FetchedRange(NamedTuple):
    """The partition's first offset and its end, and whole batches; the first one holds the requested offset."""

    start: int
    end: int
    records: bytes


class TopicReader:
    """Reads one topic. It keeps no state: any number of threads may use it."""

    def __init__(self, connection: Connection, name: str, topic: Topic) -> None:
        self._connection, self._name, self._topic = connection, name, topic

    def fetch(self, partition: int, offset: int) -> FetchedRange:
        """Fetches up to 4 MiB from this offset on. Raises OffsetOutOfRangeError or another KafkaError."""
        answer = self._connection.ask(self._request(partition, offset), self._leader(partition))
        _check(answer.error_code, "the topic's id")
        part = answer.responses[0].partitions[0]
        _check(part.error_code, f"partition {partition}, offset {offset}")
        return FetchedRange(part.log_start_offset, part.high_watermark, bytes(part.records or b""))

    def offsets(self, at: Mapping[int, int]) -> dict[int, int]:
        """Returns the first offset of a time (ms, or EARLIEST, LATEST) by partition, -1 if there is none.

        The request names the topic, not its id: the caller must check the id afterwards. Raises KafkaError.
        """
        by_leader: dict[int, dict[int, int]] = {}
        for partition, time_ms in at.items():
            by_leader.setdefault(self._leader(partition), {})[partition] = time_ms
        requests = {leader: self._offsets_request(times) for leader, times in by_leader.items()}
        return {
            part.partition_index: part.offset
            for answer in self._connection.ask_each(requests).values()
            for part in self._partitions(answer)
        }

    def _partitions(self, answer: Any) -> Any:
        if isinstance(answer, errors.KafkaError):
            raise answer
        for part in answer.topics[0].partitions:
            _check(part.error_code, f"partition {part.partition_index}")
        return answer.topics[0].partitions

    def _leader(self, partition: int) -> int:
        leader = self._topic.leaders[partition]
        if leader < 0:
            raise errors.LeaderNotAvailableError(f"partition {partition}")
        return leader

    def _offsets_request(self, at: Mapping[int, int]) -> Any:
        topic = ListOffsetsRequest.ListOffsetsTopic
        parts = [topic.ListOffsetsPartition(partition_index=part, timestamp=time_ms) for part, time_ms in at.items()]
        return ListOffsetsRequest(
            isolation_level=0, topics=[topic(name=self._name, partitions=parts)], min_version=BY_NEGATIVE_TIME
        )

    def _request(self, partition: int, offset: int) -> Any:
        part = FetchRequest.FetchTopic.FetchPartition(
            partition=partition, fetch_offset=offset, partition_max_bytes=ANSWER_BYTES, current_leader_epoch=-1
        )
        topic = FetchRequest.FetchTopic(topic_id=uuid.UUID(self._topic.id), partitions=[part])
        return FetchRequest(
            max_wait_ms=0, min_bytes=1, max_bytes=ANSWER_BYTES, isolation_level=0, session_id=0,
            session_epoch=NO_SESSION, topics=[topic], forgotten_topics_data=[], rack_id="", min_version=BY_TOPIC_ID,
        )  # fmt: skip


def _check(code: int, subject: str) -> None:
    if code:
        raise errors.for_code(code)(subject)


def entries(partition: int, records: bytes, first: int, last: int) -> Iterator[LogEntry]:
    """Yields the entries from `first` to `last` that are in these batches, at least the first. Raises CorruptLog."""
    due = seen = first
    for batch in MemoryRecords(records):
        if batch.last_offset < due or due > last:
            continue
        seen = batch.last_offset
        for offset, value in checked(partition, batch, due, last):
            if due <= offset <= last:
                if offset > due:
                    raise CorruptLog(partition, due, offset - 1, "offsets are missing")
                yield LogEntry(offset, value)
                due = offset + 1
    if due == first:
        raise CorruptLog(partition, first, min(seen, last), "offsets are missing")


def checked(partition: int, batch: Any, due: int, last: int) -> list[tuple[int, bytes]]:
    """Returns offset and value of every hit of a batch; control batches hold none. Raises CorruptLog."""
    first, end = max(due, batch.base_offset), min(last, batch.last_offset)
    try:
        if not batch.validate_crc():
            raise CorruptLog(partition, first, end, "the checksum does not match")
        return [] if batch.is_control_batch else [(record.offset, record.value or b"") for record in batch]
    except CorruptRecordError as error:
        raise CorruptLog(partition, first, end, str(error)) from error
