"""The log as a topic of Kafka: any number of collectors and workers, on any number of machines.

The log's id is the topic's, so a topic that is deleted and made anew is another log. Connects when it is first used.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Final, TypeVar

from kafka import TopicPartition
from kafka.errors import KafkaError, LeaderNotAvailableError
from kafka.errors import OffsetOutOfRangeError as OutOfRange

from collection.log.kafka.append import Appender
from collection.log.kafka.connection import Connection, Topic, retry_until, unavailable
from collection.log.kafka.groups import GroupOffset, commit_offset, read_offset
from collection.log.kafka.read import EARLIEST, LATEST, FetchedRange, TopicReader, entries
from collection.log.kafka.topic import SAFE_COPIES, make, warnings
from collection.log.port import BeyondEnd, CorruptLog, LogEntry, LogUnavailable, Trimmed

LIMIT_S: Final = 10.0
VERIFIED_AT_ONCE: Final = 10_000
GROUP: Final = "hitstream.{}"

T = TypeVar("T")

logger = logging.getLogger(__name__)


class KafkaLog:
    """See `collection.log.port.Log`. A subscription is the consumer group `hitstream.<name>`."""

    def __init__(self, servers: str, topic: str, *, limit_s: float = LIMIT_S) -> None:
        """`servers` as `host:port,host:port`; `limit_s`: how long a request, or a batch, is tried."""
        self._servers, self._name, self._limit_s = servers, topic, limit_s
        self._appending, self._connecting = threading.Lock(), threading.Lock()
        self._connection: Connection | None = None
        self._appender: Appender | None = None
        self._id: str | None = None
        self._topic: Topic | None = None

    @property
    def id(self) -> str:
        return self._patiently("cannot be reached", self._known_id)

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        if not hits:
            return
        with self._appending, unavailable("cannot be written"):
            if self._appender is None:
                self._appender = Appender(self._connected(), self._name, self._limit_s)
            self._appender.append(hits)

    def partitions(self) -> list[int]:
        return self._patiently("cannot be reached", lambda: sorted(self._look().leaders))

    def starts(self) -> dict[int, int]:
        return self._patiently("cannot be read", lambda: self._offsets(EARLIEST))

    def ends(self) -> dict[int, int]:
        return self._patiently("cannot be read", lambda: self._offsets(LATEST))

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        found: list[LogEntry] = []
        while len(found) <= last - first:
            found += self._stretch(partition, first + len(found), last)
        return found

    def position(self, name: str, partition: int) -> int:
        place = self._patiently("cannot be read", lambda: self._place(name, partition))
        return max(place.offset, 0) if place.note in ("", self.id) else 0

    def commit(self, name: str, partition: int, offset: int) -> None:
        """The log's id goes with it: a position in a topic that was deleted since says nothing about this one."""
        self._patiently("cannot be written", lambda: self._put(name, partition, GroupOffset(offset, self._known_id())))

    def seek(self, partition: int, at_us: int) -> int:
        """To the millisecond: a hit that was appended in the same one is not passed over."""
        return self._patiently("cannot be read", lambda: self._found(partition, max(at_us // 1000, 0)))

    def trim(self, partition: int, before: int) -> None:
        self._patiently("cannot be trimmed", lambda: self._delete(partition, before))

    def verify(self) -> list[str]:
        starts, ends = self.starts(), self.ends()
        return [fault for partition, end in ends.items() for fault in self._faults(partition, starts[partition], end)]

    def close(self) -> None:
        with self._appending, self._connecting:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._appender = None

    def _patiently(self, what: str, do: Callable[[], T]) -> T:
        """What is known of leaders is forgotten where it may be wrong."""
        with unavailable(what):
            return retry_until(self._limit_s, do, again=self._forget)

    def _stretch(self, partition: int, first: int, last: int) -> list[LogEntry]:
        """A beginning of what is asked for, one entry at least."""
        stretch = self._patiently("cannot be read", lambda: self._fetch(partition, first))
        if first < stretch.start:
            raise Trimmed(f"partition {partition} begins at offset {stretch.start}, asked for {first}")
        if last >= stretch.end:
            raise BeyondEnd(f"partition {partition} ends before offset {stretch.end}, asked for {last}")
        return list(entries(partition, stretch.records, first, last))

    def _fetch(self, partition: int, offset: int) -> FetchedRange:
        reader = self._reader(partition)
        try:
            return reader.fetch(partition, offset)
        except OutOfRange:
            start, end = self._offsets(EARLIEST)[partition], self._offsets(LATEST)[partition]
            if start <= offset < end:
                raise LeaderNotAvailableError("the offset was there a moment later") from None
            return FetchedRange(start, end, b"")

    def _place(self, name: str, partition: int) -> GroupOffset:
        self._reader(partition)
        return read_offset(self._connected(), GROUP.format(name), self._name, partition)

    def _put(self, name: str, partition: int, where: GroupOffset) -> None:
        self._reader(partition)
        commit_offset(self._connected(), GROUP.format(name), self._name, partition, where)

    def _found(self, partition: int, at_ms: int) -> int:
        found = self._reader(partition).offsets({partition: at_ms})[partition]
        self._look()
        return found if found >= 0 else self._offsets(LATEST)[partition]

    def _delete(self, partition: int, before: int) -> None:
        self._reader(partition)
        end = self._offsets(LATEST)[partition]
        self._connected().admin.delete_records({TopicPartition(self._name, partition): min(before, end)})

    def _offsets(self, which: int) -> dict[int, int]:
        """The topic is looked at afterwards: if it is still ours, it was when the offsets were told."""
        partitions = self._known_topic().leaders
        found = self._reader().offsets(dict.fromkeys(partitions, which))
        if self._look().leaders.keys() != found.keys():
            raise LeaderNotAvailableError("there are new partitions")
        return dict(sorted(found.items()))

    def _faults(self, partition: int, start: int, end: int) -> list[str]:
        faults, first = [], start
        while first < end:
            last = min(first + VERIFIED_AT_ONCE, end) - 1
            try:
                self.read(partition, first, last)
            except CorruptLog as error:
                faults.append(str(error))
                last = error.last
            first = last + 1
        return faults

    def _reader(self, partition: int | None = None) -> TopicReader:
        """Raises ValueError if there is no such partition."""
        topic = self._known_topic()
        if partition is not None and partition not in topic.leaders and partition not in self._look().leaders:
            raise ValueError(f"the topic {self._name} has no partition {partition}")
        return TopicReader(self._connected(), self._name, self._known_topic())

    def _known_topic(self) -> Topic:
        return self._topic or self._look()

    def _look(self) -> Topic:
        """What the cluster says of the topic now. Raises LogUnavailable if it is another one."""
        topic = self._connected().topic(self._name)
        self._id = self._id or topic.id
        if topic.id != self._id:
            raise LogUnavailable(
                f"the topic {self._name} was deleted and made anew: start everything that uses it again"
            )
        self._topic = topic
        return topic

    def _forget(self) -> None:
        self._topic = None

    def _known_id(self) -> str:
        return self._id or self._look().id

    def _connected(self) -> Connection:
        with self._connecting:
            if self._connection is None:
                self._connection = Connection(self._servers, self._limit_s)
                self._warn(self._connection)
            return self._connection

    def _warn(self, connection: Connection) -> None:
        """Once, at the start. Where there is no topic yet, whatever needs it says so."""
        with suppress(KafkaError):
            for sentence in warnings(connection, self._name):
                logger.warning("the log is not safe in topic %s: %s; see manage.py setup_log", self._name, sentence)


def set_up(servers: str, topic: str, partitions: int, copies: int | None) -> list[str]:
    """Make the topic or bring it up to date; says what was done, and what is not safe. Raises LogUnavailable."""
    with unavailable("cannot be set up"), closing(Connection(servers, LIMIT_S)) as connection:
        done = make(connection, topic, partitions, copies or min(connection.brokers(), SAFE_COPIES))
        return [*done, *(f"Not safe: {sentence}." for sentence in warnings(connection, topic))]
