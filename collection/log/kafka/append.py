"""Appends to Kafka: idempotent, acknowledged by all in-sync replicas, one batch at a time for each partition.

A batch is stored whole or not at all, and the next batch of its partition is sent after it is acknowledged. So a failed
append leaves a prefix of its hits in each partition. A batch that may or may not have arrived is sent again as the same
bytes with the same sequence number: the broker keeps one of them.
"""

import time
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

from collection.log.kafka.connection import RETRY_S, Connection, Topic, is_transient, retry_until

BATCH_BYTES: Final = 900_000  # brokers and topics accept 1 MiB by default
RECORD_OVERHEAD_BYTES: Final = 64  # at most, beside key and value
SEQUENCE_NUMBERS: Final = 2**31  # then they start at 0 again
MINUTE_MS: Final = 60_000
ALL_REPLICAS: Final = -1
MAGIC: Final = 2

Hit = tuple[bytes, bytes]


class Producer(NamedTuple):
    """The identity that the broker gave us. Sequence numbers of batches belong to one producer."""

    id: int
    epoch: int


class ProducerBatch(NamedTuple):
    partition: int
    hits: int
    data: bytes


def partition_of(key: bytes, partitions: int) -> int:
    """Chooses the partition of a key as librdkafka's `consistent` partitioner does."""
    return zlib.crc32(key) % partitions


class Appender:
    """Appends hits to one topic. Use it from one thread at a time."""

    def __init__(self, connection: Connection, name: str, timeout_s: float) -> None:
        """`timeout_s`: how long a batch is retried."""
        self._connection, self._name, self._timeout_s = connection, name, timeout_s
        self._topic: Topic | None = None
        self._producer: Producer | None = None
        self._next_sequence: dict[int, int] = {}  # by partition

    def append(self, hits: Sequence[Hit]) -> None:
        """Returns when all hits are stored. Raises KafkaError; then each partition may hold a prefix of its hits."""
        try:
            for chunks in rounds(hits, len(self._known_topic().leaders)):
                self._store(chunks)
        except BaseException:  # a gap in the sequence numbers would be refused: start again as a new producer
            self._topic = self._producer = None
            self._next_sequence.clear()
            raise

    def _store(self, chunks: Mapping[int, Sequence[Hit]]) -> None:
        """Sends one batch to each partition, and again until all are acknowledged."""
        give_up = time.monotonic() + self._timeout_s
        pending = {partition: self._batch(partition, hits) for partition, hits in chunks.items()}
        while True:
            failed = self._send(pending)
            pending = {partition: pending[partition] for partition in failed}
            if not pending:
                return
            error = next(iter(failed.values()))
            if not is_transient(error) or time.monotonic() > give_up:
                raise error
            time.sleep(RETRY_S)
            self._refresh_topic()

    def _send(self, batches: Mapping[int, ProducerBatch]) -> dict[int, Any]:
        """Returns the error of every batch that was not acknowledged, by partition."""
        topic = self._known_topic()
        by_leader: dict[int, list[ProducerBatch]] = {}
        for batch in batches.values():
            by_leader.setdefault(topic.leaders[batch.partition], []).append(batch)
        failed = {batch.partition: errors.LeaderNotAvailableError() for batch in by_leader.pop(-1, [])}
        requests = {leader: self._request(topic, group) for leader, group in by_leader.items()}
        for leader, answer in self._connection.ask_each(requests).items():
            failed |= self._failures(by_leader[leader], answer)
        return failed

    def _request(self, topic: Topic, batches: Sequence[ProducerBatch]) -> Any:
        data = ProduceRequest.TopicProduceData
        partitions = [data.PartitionProduceData(index=batch.partition, records=batch.data) for batch in batches]
        topic_data = data(name=self._name, topic_id=uuid.UUID(topic.id), partition_data=partitions)
        return ProduceRequest(acks=ALL_REPLICAS, timeout_ms=int(self._timeout_s * 1000), topic_data=[topic_data])

    def _failures(self, batches: Sequence[ProducerBatch], answer: Any) -> dict[int, Any]:
        """Returns the errors in a leader's answer, by partition, and counts the hits of the others as sent."""
        if isinstance(answer, errors.KafkaError):
            return {batch.partition: answer for batch in batches}
        counts = {batch.partition: batch.hits for batch in batches}
        failed = {}
        for part in answer.responses[0].partition_responses:
            error = errors.for_code(part.error_code)
            if error in (errors.NoError, errors.DuplicateSequenceNumberError):
                sequence = self._next_sequence.get(part.index, 0) + counts[part.index]
                self._next_sequence[part.index] = sequence % SEQUENCE_NUMBERS
            else:
                failed[part.index] = error(part.error_message or self._name)
        return failed

    def _batch(self, partition: int, hits: Sequence[Hit]) -> ProducerBatch:
        if self._producer is None:
            self._producer = retry_until(self._timeout_s, self._new_producer)
        producer = self._producer
        now = time.time_ns() // 1_000_000  # noqa: TID251 - brokers refuse other times
        sequence = self._next_sequence.get(partition, 0)
        builder = DefaultRecordBatchBuilder(MAGIC, 0, False, producer.id, producer.epoch, sequence, 2 * BATCH_BYTES)
        for offset, (key, value) in enumerate(hits):
            builder.append(offset, now, key, value, [])
        return ProducerBatch(partition, len(hits), bytes(builder.build()))

    def _known_topic(self) -> Topic:
        if self._topic is None:
            self._topic = retry_until(self._timeout_s, lambda: self._connection.topic(self._name))
        return self._topic

    def _refresh_topic(self) -> None:
        """Learns the leaders again, since they move. While no broker answers, the known ones stay."""
        try:
            self._topic = self._connection.topic(self._name)
        except errors.KafkaError as error:
            if not is_transient(error):
                raise

    def _new_producer(self) -> Producer:
        answer = self._connection.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=MINUTE_MS))
        if answer.error_code:
            raise errors.for_code(answer.error_code)(answer.error_code)
        return Producer(answer.producer_id, answer.producer_epoch)


def rounds(hits: Sequence[Hit], partitions: int) -> Iterator[dict[int, list[Hit]]]:
    """Splits the hits into rounds of one batch for each partition, in order.

    With a, b, c of partition 0, x of partition 1 and batches that hold two hits:
    `a x b c` -> `{0: [a, b], 1: [x]}`, then `{0: [c]}`.
    """
    chunks: dict[int, list[list[Hit]]] = {}
    sizes: dict[int, int] = {}  # bytes in the last chunk of the partition
    for hit in hits:
        partition, size = partition_of(hit[0], partitions), len(hit[0]) + len(hit[1]) + RECORD_OVERHEAD_BYTES
        if sizes.get(partition, BATCH_BYTES) + size > BATCH_BYTES:
            chunks.setdefault(partition, []).append([])
            sizes[partition] = 0
        chunks[partition][-1].append(hit)
        sizes[partition] += size
    for number in range(max(map(len, chunks.values()), default=0)):
        yield {partition: parts[number] for partition, parts in chunks.items() if number < len(parts)}
