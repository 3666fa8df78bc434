"""The log on Kafka while brokers die, come back, hang, or are missing."""

import signal
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from collection.log import Log, LogUnavailable, set_up_log
from collection.log.kafka.log import KafkaLog
from tests.contract.log_contract import everything, fill, numbered
from tests.services.kafka_broker import Kafka

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    # The driver leaves the sockets of refused connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PARTITIONS = 3
TIMEOUT_S = 5.0


def new_log(kafka: Kafka, copies: int = 1) -> Iterator[Log]:
    topic = f"hits-{uuid.uuid4().hex}"
    set_up_log(f"kafka://{kafka.servers}/{topic}", PARTITIONS, copies)
    log = KafkaLog(kafka.servers, topic, timeout_s=TIMEOUT_S)
    yield log
    log.close()


@pytest.fixture
def log(kafka: Kafka) -> Iterator[Log]:
    yield from new_log(kafka)
    kafka.start()  # the next test needs the broker


@pytest.fixture
def log_of_three(kafka_of_three: Kafka) -> Iterator[Log]:
    yield from new_log(kafka_of_three, 3)
    kafka_of_three.start()


class Appending:
    """A thread that appends small batches of seven visitors until `stop`, and records those that were acknowledged."""

    def __init__(self, log: Log) -> None:
        self.acknowledged: list[list[bytes]] = []
        self.refused = 0
        self.longest_s = 0.0
        self._log, self._stop = log, threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def wait_for(self, batches: int) -> None:
        """Wait until that many more batches are acknowledged."""
        target, give_up = len(self.acknowledged) + batches, time.monotonic() + 120
        while len(self.acknowledged) < target:
            assert self._thread.is_alive()
            assert time.monotonic() < give_up, "no more batches are acknowledged"
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        number, last = 0, time.monotonic()
        while not self._stop.is_set():
            key = b"visitor %d" % (number % 7)
            values = [b"%s hit %d %d" % (key, number, part) for part in range(20)]
            try:
                self._log.append([(key, value) for value in values])
                self.acknowledged.append(values)
                self.longest_s, last = max(self.longest_s, time.monotonic() - last), time.monotonic()
            except LogUnavailable:
                self.refused += 1
            number += 1


def check(log: Log, acknowledged: list[list[bytes]]) -> None:
    """Check that no acknowledged hit is lost, no hit is stored twice, and each visitor's hits are in order."""
    values = everything(log)
    assert len(values) == len(set(values))
    assert {value for batch in acknowledged for value in batch} <= set(values)
    by_key: dict[bytes, list[tuple[int, int]]] = {}
    for value in values:
        key, _, numbers = value.partition(b" hit ")
        number, part = numbers.split()
        by_key.setdefault(key, []).append((int(number), int(part)))
    assert all(numbers == sorted(numbers) for numbers in by_key.values())
    assert log.verify() == []


def test_it_works(log: Log) -> None:
    appending = Appending(log)
    appending.wait_for(50)
    appending.stop()
    check(log, appending.acknowledged)
    assert appending.refused == 0


def test_a_broker_killed_during_appends(log: Log, kafka: Kafka) -> None:
    appending = Appending(log)
    try:
        for _ in range(3):
            appending.wait_for(50)
            kafka.kill9()
            kafka.start_node(1)
        appending.wait_for(50)
    finally:
        appending.stop()
    check(log, appending.acknowledged)


def test_a_broker_restarted_during_appends(log: Log, kafka: Kafka) -> None:
    appending = Appending(log)
    try:
        appending.wait_for(50)
        kafka.stop()
        kafka.start()
        appending.wait_for(50)
    finally:
        appending.stop()
    check(log, appending.acknowledged)


def test_an_absent_broker_is_unavailable_and_comes_back(log: Log, kafka: Kafka) -> None:
    fill(log, *numbered(5))
    log.commit("reports", 0, 1)
    kafka.stop()
    started = time.monotonic()
    for call in (lambda: fill(log, b"refused"), log.ends, lambda: log.position("reports", 0)):
        with pytest.raises(LogUnavailable):
            call()
    assert time.monotonic() - started < 3 * (2 * TIMEOUT_S + 5)
    kafka.start()
    fill(log, b"next")
    assert log.position("reports", 0) == 1
    assert everything(log)[-1] == b"next"


def test_a_log_may_be_opened_while_the_broker_is_absent(log: Log, kafka: Kafka) -> None:
    fill(log, *numbered(5))
    kafka.stop()
    early = KafkaLog(kafka.servers, "hits", timeout_s=1)
    with pytest.raises(LogUnavailable):
        early.ends()
    kafka.start()
    set_up_log(f"kafka://{kafka.servers}/hits", 1, 1)
    fill(early, b"now")
    assert b"now" in everything(early)
    early.close()


def test_a_hanging_broker_is_unavailable(log: Log, kafka: Kafka) -> None:
    fill(log, b"before")
    kafka.signal(signal.SIGSTOP)
    try:
        with pytest.raises(LogUnavailable):
            fill(log, b"perhaps")
    finally:
        kafka.signal(signal.SIGCONT)
    fill(log, b"after")
    values = everything(log)
    assert values.count(b"before") == values.count(b"after") == 1
    assert values.count(b"perhaps") <= 1


@pytest.mark.slow
def test_one_of_three_brokers_killed(log_of_three: Log, kafka_of_three: Kafka) -> None:
    """Each in turn, so that every partition loses its leader once."""
    appending = Appending(log_of_three)
    try:
        for number in (1, 2, 3):
            appending.wait_for(50)
            kafka_of_three.kill9(number)
            appending.wait_for(50)
            kafka_of_three.start_node(number)
            appending.wait_for(50)
    finally:
        appending.stop()
    check(log_of_three, appending.acknowledged)


@pytest.mark.slow
def test_two_of_three_brokers_killed(log_of_three: Log, kafka_of_three: Kafka) -> None:
    """One copy is not enough to acknowledge."""
    fill(log_of_three, *numbered(5))
    kafka_of_three.kill9(1)
    kafka_of_three.kill9(2)
    with pytest.raises(LogUnavailable):
        fill(log_of_three, b"perhaps")
    kafka_of_three.start_node(1)
    kafka_of_three.start_node(2)
    appending = Appending(log_of_three)
    appending.wait_for(10)
    appending.stop()
    assert set(numbered(5)) <= set(everything(log_of_three))
