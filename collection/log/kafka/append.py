"""Appending to Kafka: idempotent, acknowledged by all copies in sync, one batch at a time for each partition.

A batch is stored whole or not at all, and the next one of its partition is sent when it is acknowledged. So an append
that fails leaves a beginning of its hits in each partition. A batch that may or may not have arrived is sent again as
the same bytes, with the same number: the broker keeps one of them.
"""

import time
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

from collection.log.kafka.connection import RETRY_S, Connection, Topic, may_pass, retry_until

BATCH_BYTES: Final = 900_000  # brokers and topics take 1 MiB where nobody said otherwise
RECORD_BYTES: Final = 64  # at most, beside key and value
MOST_NUMBERS: Final = 2**31
MINUTE_MS: Final = 60_000
ALL_COPIES: Final = -1
MAGIC: Final = 2

Hit = tuple[bytes, bytes]


class Producer(NamedTuple):
    """Who the broker thinks we are; numbers of batches count for one of them."""

    id: int
    epoch: int


class ProducerBatch(NamedTuple):
    partition: int
    hits: int
    data: bytes


def partition_of(key: bytes, partitions: int) -> int:
    """The same as librdkafka's `consistent` partitioner."""
    return zlib.crc32(key) % partitions


class Appender:
    """Used from one thread at a time."""

    def __init__(self, connection: Connection, name: str, limit_s: float) -> None:
        """`limit_s`: how long a batch is tried."""
        self._connection, self._name, self._limit_s = connection, name, limit_s
        self._topic: Topic | None = None
        self._producer: Producer | None = None
        self._numbers: dict[int, int] = {}

    def append(self, hits: Sequence[Hit]) -> None:
        """All are stored on return. Raises KafkaError; then those of each partition may be stored up to some hit."""
        try:
            for chunks in rounds(hits, len(self._known_topic().leaders)):
                self._store(chunks)
        except BaseException:
            self._topic = self._producer = None
            self._numbers.clear()
            raise

    def _store(self, chunks: Mapping[int, Sequence[Hit]]) -> None:
        """One batch for each partition, until all are acknowledged."""
        give_up = time.monotonic() + self._limit_s
        waiting = {partition: self._batch(partition, hits) for partition, hits in chunks.items()}
        while True:
            failed = self._send(waiting)
            waiting = {partition: waiting[partition] for partition in failed}
            if not waiting:
                return
            error = next(iter(failed.values()))
            if not may_pass(error) or time.monotonic() > give_up:
                raise error
            time.sleep(RETRY_S)
            self._look_again()

    def _send(self, batches: Mapping[int, ProducerBatch]) -> dict[int, Any]:
        """By partition, why it was not acknowledged."""
        topic = self._known_topic()
        by_leader: dict[int, list[ProducerBatch]] = {}
        for batch in batches.values():
            by_leader.setdefault(topic.leaders[batch.partition], []).append(batch)
        failed = {batch.partition: errors.LeaderNotAvailableError() for batch in by_leader.pop(-1, [])}
        requests = {leader: self._request(topic, group) for leader, group in by_leader.items()}
        for leader, answer in self._connection.ask_each(requests).items():
            failed |= self._judge(by_leader[leader], answer)
        return failed

    def _request(self, topic: Topic, batches: Sequence[ProducerBatch]) -> Any:
        data = ProduceRequest.TopicProduceData
        parts = [data.PartitionProduceData(index=batch.partition, records=batch.data) for batch in batches]
        whole = data(name=self._name, topic_id=uuid.UUID(topic.id), partition_data=parts)
        return ProduceRequest(acks=ALL_COPIES, timeout_ms=int(self._limit_s * 1000), topic_data=[whole])

    def _judge(self, batches: Sequence[ProducerBatch], answer: Any) -> dict[int, Any]:
        if isinstance(answer, errors.KafkaError):
            return {batch.partition: answer for batch in batches}
        counts = {batch.partition: batch.hits for batch in batches}
        failed = {}
        for part in answer.responses[0].partition_responses:
            error = errors.for_code(part.error_code)
            if error in (errors.NoError, errors.DuplicateSequenceNumberError):
                self._numbers[part.index] = (self._numbers.get(part.index, 0) + counts[part.index]) % MOST_NUMBERS
            else:
                failed[part.index] = error(part.error_message or self._name)
        return failed

    def _batch(self, partition: int, hits: Sequence[Hit]) -> ProducerBatch:
        producer, now = self._known_producer(), time.time_ns() // 1_000_000
        number = self._numbers.get(partition, 0)
        builder = DefaultRecordBatchBuilder(MAGIC, 0, False, producer.id, producer.epoch, number, 2 * BATCH_BYTES)
        for offset, (key, value) in enumerate(hits):
            builder.append(offset, now, key, value, [])
        return ProducerBatch(partition, len(hits), bytes(builder.build()))

    def _known_topic(self) -> Topic:
        if self._topic is None:
            self._topic = retry_until(self._limit_s, lambda: self._connection.topic(self._name))
        return self._topic

    def _look_again(self) -> None:
        """Leaders move; while nobody can be asked, the old ones are tried."""
        try:
            self._topic = self._connection.topic(self._name)
        except errors.KafkaError as error:
            if not may_pass(error):
                raise

    def _known_producer(self) -> Producer:
        if self._producer is None:
            self._producer = retry_until(self._limit_s, self._new_producer)
        return self._producer

    def _new_producer(self) -> Producer:
        answer = self._connection.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=MINUTE_MS))
        if answer.error_code:
            raise errors.for_code(answer.error_code)(answer.error_code)
        return Producer(answer.producer_id, answer.producer_epoch)


def rounds(hits: Sequence[Hit], partitions: int) -> Iterator[dict[int, list[Hit]]]:
    """The hits in order, by partition, as much as fits into one batch; then what is left."""
    chunks: dict[int, list[list[Hit]]] = {}
    sizes: dict[int, int] = {}
    for hit in hits:
        partition, size = partition_of(hit[0], partitions), len(hit[0]) + len(hit[1]) + RECORD_BYTES
        if sizes.get(partition, BATCH_BYTES) + size > BATCH_BYTES:
            chunks.setdefault(partition, []).append([])
            sizes[partition] = 0
        chunks[partition][-1].append(hit)
        sizes[partition] += size
    for number in range(max(map(len, chunks.values()), default=0)):
        yield {partition: parts[number] for partition, parts in chunks.items() if number < len(parts)}
