"""The log as a topic of Kafka, for any number of collectors and workers on any number of machines.

The id of the log is the topic's: a topic that is deleted and created again is another log. It connects at first use.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from kafka import TopicPartition
from kafka.errors import KafkaError, LeaderNotAvailableError
from kafka.errors import OffsetOutOfRangeError as OutOfRange

from collection.log.kafka.append import Appender
from collection.log.kafka.connection import NO_SECURITY, Connection, Topic, retry_until, unavailable
from collection.log.kafka.groups import GroupOffset, commit_offset, read_offset
from collection.log.kafka.read import EARLIEST, LATEST, FetchedRange, TopicReader, entries
from collection.log.kafka.topic import warnings
from collection.log.port import (
    BeyondEnd,
    CorruptLog,
    Expected,
    LogEntry,
    LogUnavailable,
    Trimmed,
    any_log,
    check_identity,
)

TIMEOUT_S: Final = 10.0
VERIFY_BATCH: Final = 10_000
GROUP: Final = "hitstream.{}"

T = TypeVar("T")

logger = logging.getLogger(__name__)


class KafkaLog:
    """See `collection.log.port.Log`. A subscription is the consumer group `hitstream.<name>`."""

    def __init__(
        self,
        servers: str,
        topic: str,
        *,
        security: Mapping[str, Any] = NO_SECURITY,
        expected: Expected = any_log,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`servers`: `host:port,host:port`. `security`: see `connection.security`. `expected`: see `port.Expected`.
        `timeout_s`: how long a request, or a batch of hits, is retried.
        """
        self._servers, self._name, self._timeout_s = servers, topic, timeout_s
        self._security, self._expected = security, expected
        self._appending, self._connecting = threading.Lock(), threading.Lock()
        self._connection: Connection | None = None
        self._appender: Appender | None = None
        self._id: str | None = None
        self._topic: Topic | None = None

    @property
    def id(self) -> str:
        return self._id or self._retry("cannot be reached", self._known_id)

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        if not hits:
            return
        with self._appending, unavailable("cannot be written"):
            if self._appender is None:
                self._appender = Appender(self._connected(), self._name, self._timeout_s)
            self._appender.append(hits)

    def partitions(self) -> list[int]:
        return sorted(self._retry("cannot be reached", self._refresh_topic).leaders)

    def starts(self) -> dict[int, int]:
        return self._retry("cannot be read", partial(self._offsets, EARLIEST))

    def ends(self) -> dict[int, int]:
        return self._retry("cannot be read", partial(self._offsets, LATEST))

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        read: list[LogEntry] = []
        while len(read) <= last - first:
            due = first + len(read)
            fetched = self._retry("cannot be read", partial(self._fetch, partition, due))
            if due < fetched.start:
                raise Trimmed(f"partition {partition} begins at offset {fetched.start}, asked for {due}")
            if last >= fetched.end:
                raise BeyondEnd(f"partition {partition} ends before offset {fetched.end}, asked for {last}")
            read += entries(partition, fetched.records, due, last)
        return read

    def position(self, name: str, partition: int) -> int:
        committed = self._retry("cannot be read", partial(self._read_offset, name, partition))
        return max(committed.offset, 0) if committed.note in ("", self.id) else 0

    def commit(self, name: str, partition: int, offset: int) -> None:
        """Commits the log's id as well, since Kafka keeps the group's position when the topic is created again."""
        self._retry("cannot be written", partial(self._commit_offset, name, partition, offset))

    def seek(self, partition: int, at_us: int) -> int:
        """Kafka keeps milliseconds: the result may be a hit that was appended earlier in the same millisecond."""
        return self._retry("cannot be read", partial(self._offset_at, partition, max(at_us // 1000, 0)))

    def trim(self, partition: int, before: int) -> None:
        self._retry("cannot be trimmed", partial(self._delete_before, partition, before))

    def verify(self) -> list[str]:
        faults, starts = [], self.starts()
        for partition, end in self.ends().items():
            first = starts[partition]
            while first < end:
                last = min(first + VERIFY_BATCH, end) - 1
                try:
                    self.read(partition, first, last)
                except CorruptLog as error:
                    faults.append(str(error))
                    last = error.last
                first = last + 1
        return faults

    def close(self) -> None:
        with self._appending, self._connecting:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._appender = None

    def _retry(self, problem: str, operation: Callable[[], T]) -> T:
        """Repeats the operation for up to `timeout_s`. Raises LogUnavailable."""
        with unavailable(problem):
            return retry_until(self._timeout_s, operation, on_failure=self._forget_topic)  # the leaders may have moved

    def _fetch(self, partition: int, offset: int) -> FetchedRange:
        """Returns the entries from `offset` on, at least one; no records if it is trimmed or beyond the end."""
        reader = self._reader(partition)
        try:
            return reader.fetch(partition, offset)
        except OutOfRange:
            start, end = self._offsets(EARLIEST)[partition], self._offsets(LATEST)[partition]
            if start <= offset < end:
                raise LeaderNotAvailableError("the offset has appeared since") from None  # retried
            return FetchedRange(start, end, b"")

    def _read_offset(self, name: str, partition: int) -> GroupOffset:
        self._reader(partition)
        return read_offset(self._connected(), GROUP.format(name), self._name, partition)

    def _commit_offset(self, name: str, partition: int, offset: int) -> None:
        self._reader(partition)
        position = GroupOffset(offset, self._known_id())
        commit_offset(self._connected(), GROUP.format(name), self._name, partition, position)

    def _offset_at(self, partition: int, at_ms: int) -> int:
        offset = self._reader(partition).offsets({partition: at_ms})[partition]
        self._refresh_topic()
        return offset if offset >= 0 else self._offsets(LATEST)[partition]

    def _delete_before(self, partition: int, before: int) -> None:
        self._reader(partition)
        end = self._offsets(LATEST)[partition]
        self._connected().admin.delete_records({TopicPartition(self._name, partition): min(before, end)})

    def _offsets(self, which: int) -> dict[int, int]:
        """Returns the EARLIEST or LATEST offset of every partition."""
        offsets = self._reader().offsets(dict.fromkeys(self._known_topic().leaders, which))
        # The request names the topic, not its id. A topic that still has our id now had it when the brokers answered.
        if self._refresh_topic().leaders.keys() != offsets.keys():
            raise LeaderNotAvailableError("there are new partitions")  # retried
        return dict(sorted(offsets.items()))

    def _reader(self, partition: int | None = None) -> TopicReader:
        """Raises ValueError if there is no such partition."""
        topic = self._known_topic()
        if partition is not None and partition not in topic.leaders and partition not in self._refresh_topic().leaders:
            raise ValueError(f"the topic {self._name} has no partition {partition}")
        return TopicReader(self._connected(), self._name, self._known_topic())

    def _known_topic(self) -> Topic:
        return self._topic or self._refresh_topic()

    def _refresh_topic(self) -> Topic:
        """Asks the cluster for the topic. Raises LogUnavailable if it was deleted and created again."""
        topic = self._connected().topic(self._name)
        if self._id is None:
            check_identity(topic.id, self._expected)
            self._id = topic.id
        if topic.id != self._id:
            raise LogUnavailable(
                f"the topic {self._name} was deleted and created again: restart every process that uses it"
            )
        self._topic = topic
        return topic

    def _forget_topic(self) -> None:
        self._topic = None

    def _known_id(self) -> str:
        return self._id or self._refresh_topic().id

    def _connected(self) -> Connection:
        with self._connecting:
            if self._connection is None:
                self._connection = Connection(self._servers, self._timeout_s, self._security)
                with suppress(KafkaError):  # a missing topic is reported by the operation that needs it
                    for sentence in warnings(self._connection, self._name):
                        logger.warning(
                            "the log is not safe in topic %s: %s; see manage.py setup_log", self._name, sentence
                        )
            return self._connection
