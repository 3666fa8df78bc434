"""Reading ranges of a Kafka topic: asked for by the topic's id, so that another topic of that name never answers."""

import uuid
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import FetchRequest
from kafka.record import MemoryRecords

from collection.log.kafka_connection import Connection
from collection.log.port import CorruptLog, Entry

ANSWER_BYTES: Final = 4 * 2**20
BY_TOPIC_ID: Final = 13  # the first version that names the topic by its id
NO_SESSION: Final = -1


class Stretch(NamedTuple):
    """What came back: whole batches from the one on that holds the offset asked for, and the partition's ends."""

    start: int
    end: int
    records: bytes


class Reader:
    """Stateless: any number of threads may use it."""

    def __init__(self, connection: Connection, topic_id: str) -> None:
        self._connection, self._topic_id = connection, uuid.UUID(topic_id)

    def fetch(self, partition: int, leader: int, offset: int) -> Stretch:
        """Raises KafkaError, OffsetOutOfRangeError among them."""
        answer = self._connection.ask(self._request(partition, offset), leader)
        if answer.error_code:
            raise errors.for_code(answer.error_code)()
        part = answer.responses[0].partitions[0]
        if part.error_code:
            raise errors.for_code(part.error_code)(f"partition {partition}, offset {offset}")
        return Stretch(part.log_start_offset, part.high_watermark, bytes(part.records or b""))

    def _request(self, partition: int, offset: int) -> Any:
        part = FetchRequest.FetchTopic.FetchPartition(
            partition=partition, fetch_offset=offset, partition_max_bytes=ANSWER_BYTES, current_leader_epoch=-1
        )
        topic = FetchRequest.FetchTopic(topic_id=self._topic_id, partitions=[part])
        return FetchRequest(
            max_wait_ms=0, min_bytes=1, max_bytes=ANSWER_BYTES, isolation_level=0, session_id=0,
            session_epoch=NO_SESSION, topics=[topic], forgotten_topics_data=[], rack_id="", min_version=BY_TOPIC_ID,
        )  # fmt: skip


def entries(partition: int, records: bytes, first: int, last: int) -> Iterator[Entry]:
    """The entries from `first` to `last` that are in these batches: the first of them at least. Raises CorruptLog."""
    due = seen = first
    for batch in MemoryRecords(records):
        if batch.last_offset < due or due > last:
            continue
        seen = batch.last_offset
        for offset, value in checked(partition, batch, due, last):
            if due <= offset <= last:
                if offset > due:
                    raise CorruptLog(partition, due, offset - 1, "offsets are missing")
                yield Entry(offset, value)
                due = offset + 1
    if due == first:
        raise CorruptLog(partition, first, min(seen, last), "offsets are missing")


def checked(partition: int, batch: Any, due: int, last: int) -> list[tuple[int, bytes]]:
    """Offset and value of all of a batch's hits; the marks of transactions are none. Raises CorruptLog."""
    first, end = max(due, batch.base_offset), min(last, batch.last_offset)
    try:
        if not batch.validate_crc():
            raise CorruptLog(partition, first, end, "the checksum does not match")
        return [] if batch.is_control_batch else [(record.offset, record.value or b"") for record in batch]
    except CorruptRecordError as error:
        raise CorruptLog(partition, first, end, str(error)) from error
