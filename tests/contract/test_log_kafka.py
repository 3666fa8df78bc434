"""The log on Kafka keeps the promises of the port, and its own about topics."""

import io
import json
import logging
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from pytest_django import Settings

from collection.hit import RawHit, encode
from collection.log import CorruptLog, Log, LogUnavailable, open_log, set_up_log
from tests.contract.log_contract import Again, LogContract, everything, fill, numbered
from tests.services.kafka_broker import Kafka

pytestmark = pytest.mark.kafka


@pytest.fixture
def partitions() -> int:
    return 1


@pytest.fixture
def topic() -> str:
    return f"hits-{uuid.uuid4().hex}"


@pytest.fixture
def url(kafka: Kafka, topic: str, partitions: int) -> str:
    url = f"kafka://{kafka.servers}/{topic}"
    set_up_log(url, partitions, 1)
    return url


@pytest.fixture
def again(url: str) -> Iterator[Again]:
    opened: list[Log] = []

    def open_again() -> Log:
        opened.append(open_log(url))
        return opened[-1]

    yield open_again
    for log in opened:
        log.close()


@pytest.fixture
def log(again: Again) -> Log:
    return again()


@pytest.fixture
def administrator(kafka: Kafka) -> Iterator[KafkaAdminClient]:
    with KafkaAdminClient(bootstrap_servers=kafka.servers) as client:
        yield client


class TestKafkaLog(LogContract):
    pass


class TestKafkaLogOfManyPartitions(LogContract):
    @pytest.fixture
    def partitions(self) -> int:
        return 5


def test_it_works(url: str) -> None:
    log = open_log(url)
    fill(log, *numbered(3))
    log.close()
    again = open_log(url)
    assert everything(again) == numbered(3)
    again.close()


def test_the_default_topic_is_hits(kafka: Kafka) -> None:
    url = f"kafka://{kafka.servers}"
    set_up_log(url, 1, 1)
    first, second = open_log(url), open_log(f"{url}/hits")
    assert first.id == second.id
    first.close()
    second.close()


def test_a_missing_topic_is_unavailable(kafka: Kafka) -> None:
    log = open_log(f"kafka://{kafka.servers}/nowhere")
    with pytest.raises(LogUnavailable, match="setup_log"):
        fill(log, b"hit")
    with pytest.raises(LogUnavailable, match="setup_log"):
        log.ends()
    log.close()


def test_a_topic_created_again_is_another_log(
    log: Log, again: Again, url: str, administrator: KafkaAdminClient
) -> None:
    fill(log, *numbered(5))
    log.commit("reports", 0, 4)
    recreate_topic(url, administrator)
    other = again()
    assert other.id != log.id
    assert other.ends() == {0: 0}
    assert other.position("reports", 0) == 0


def test_an_open_log_notices_that_its_topic_was_created_again(
    log: Log, again: Again, url: str, administrator: KafkaAdminClient
) -> None:
    fill(log, *numbered(5))
    assert len(log.id) == 32
    recreate_topic(url, administrator)
    fill(again(), *numbered(9, b"of the new topic"))
    for method in (log.ends, log.starts, log.partitions, log.verify):
        with pytest.raises(LogUnavailable, match="created again"):
            method()
    with pytest.raises(LogUnavailable, match="created again"):
        log.read(0, 0, 0)


def recreate_topic(url: str, administrator: KafkaAdminClient) -> None:
    name = url.rpartition("/")[2]
    administrator.delete_topics([name])
    while name in administrator.list_topics():
        pass
    set_up_log(url, 1, 1)


def test_setting_up_again_changes_nothing(log: Log, url: str) -> None:
    fill(log, *numbered(5))
    sentences = set_up_log(url, 1, 1)
    assert any("is set up" in sentence for sentence in sentences)
    assert everything(log) == numbered(5)


def test_setting_up_again_can_add_partitions(log: Log, url: str) -> None:
    fill(log, *numbered(5))
    set_up_log(url, 3, 1)
    assert log.partitions() == [0, 1, 2]
    assert any("cannot reduce" in sentence for sentence in set_up_log(url, 2, 1))
    assert log.ends() == {0: 5, 1: 0, 2: 0}


def test_setting_up_again_corrects_the_settings(url: str, administrator: KafkaAdminClient) -> None:
    change(administrator, url, {"retention.ms": "1000"})
    assert any("Set retention.ms=-1" in sentence for sentence in set_up_log(url, 1, 1))


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({}, "a broken disk loses hits"),
        ({"flush.messages": "1000"}, "a power cut loses acknowledged hits"),
        ({"retention.ms": "1000"}, "deletes hits, even if they have not been received"),
        ({"cleanup.policy": "compact"}, "a later hit has the same key"),
        ({"unclean.leader.election.enable": "true"}, "lose hits"),
    ],
)
def test_unsafe_settings_are_logged_at_the_start(
    url: str, again: Again, administrator: KafkaAdminClient, caplog: pytest.LogCaptureFixture,
    settings: dict[str, str], warning: str,
) -> None:  # fmt: skip
    change(administrator, url, settings)
    with caplog.at_level(logging.WARNING):
        again().ends()
    assert warning in caplog.text


def change(administrator: KafkaAdminClient, url: str, settings: dict[str, str]) -> None:
    name = url.rpartition("/")[2]
    if settings:
        administrator.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])


def test_a_gap_made_by_another_program_is_damage(kafka: Kafka, log: Log, topic: str) -> None:
    """The control record that ends a transaction takes an offset, and holds no hit."""
    fill(log, b"before")
    other = KafkaProducer(bootstrap_servers=kafka.servers, transactional_id="other")
    other.init_transactions()
    other.begin_transaction()
    other.send(topic, b"in between", partition=0)
    other.commit_transaction()
    other.close()
    while log.ends() != {0: 3}:  # the control record comes a moment later
        pass
    fill(log, b"after")
    assert log.ends() == {0: 4}
    assert [entry.value for entry in log.read(0, 0, 1)] == [b"before", b"in between"]
    with pytest.raises(CorruptLog, match="offsets are missing") as caught:
        log.read(0, 0, 3)
    assert (caught.value.first, caught.value.last) == (2, 2)
    assert log.read(0, 3, 3)[0].value == b"after"
    assert log.verify() == [str(caught.value)]


def test_a_position_that_another_program_committed_counts(kafka: Kafka, log: Log, topic: str) -> None:
    fill(log, *numbered(5))
    consumer = KafkaConsumer(bootstrap_servers=kafka.servers, group_id="hitstream.reports", enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(3, "", -1)})
    consumer.close()
    assert log.position("reports", 0) == 3


def test_the_command_creates_the_topic(kafka: Kafka, topic: str, settings: Settings) -> None:
    settings.LOG_URL = f"kafka://{kafka.servers}/{topic}"
    first, second = (setup_log("--partitions", "2") for _ in range(2))
    assert "Created the topic" in first
    assert "is set up" in second
    assert all("Not safe: it keeps one copy" in output for output in (first, second))
    log = open_log(settings.LOG_URL)
    assert log.partitions() == [0, 1]
    log.close()


def test_the_command_reports_why_it_fails(kafka: Kafka, topic: str, settings: Settings) -> None:
    settings.LOG_URL = f"kafka://{kafka.servers}/{topic}"
    with pytest.raises(CommandError, match="3 copies of each partition: Kafka has 1 broker.*give --copies 1"):
        setup_log("--copies", "3")
    for words in (("--partitions", "0"), ("--partitions", "257"), ("--copies", "0")):
        with pytest.raises(CommandError, match=words[0]):
            setup_log(*words)


def setup_log(*words: str) -> str:
    out = io.StringIO()
    call_command("setup_log", *words, stdout=out)
    return out.getvalue()


HIT = RawHit(1, "a.1", 1_790_000_000_000_000, "ga4", "192.0.2.7", "Firefox", {"dnt": "1"}, b"v=2&en=page_view", b"\xff")


def test_the_sample_subscriber_continues_where_it_stopped(kafka: Kafka, log: Log, topic: str) -> None:
    fill(log, encode(HIT))
    (hit,) = sample_subscriber(kafka, topic)
    assert hit == {
        "position": [0, 0], "format": 1, "id": "a.1", "received": 1_790_000_000_000_000, "protocol": "ga4",
        "address": "192.0.2.7", "user_agent": "Firefox", "headers": {"dnt": "1"}, "query": "v=2&en=page_view",
        "body": "\ufffd", "property": 0, "occurred": None,
    }  # fmt: skip
    fill(log, encode(HIT), encode(HIT))
    assert [hit["position"] for hit in sample_subscriber(kafka, topic)] == [[0, 1], [0, 2]]


def sample_subscriber(kafka: Kafka, topic: str) -> list[dict[str, object]]:
    script = Path(__file__).parents[2] / "deploy" / "kafka_subscriber.py"
    command = [sys.executable, str(script), kafka.servers, topic, "warehouse", "--once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    return [json.loads(line) for line in done.stdout.splitlines()]
