"""The same hits give the same figures, whichever log they went through."""

import random
import uuid
from collections import Counter
from pathlib import Path

import pytest

from collection.log import set_up_log
from tests.services.kafka_broker import Kafka
from tests.support.installation import Installation
from tests.unit.processing.test_whole_way import figures, property_of, random_hits

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True, reset_sequences=True)]


def installation(kafka: Kafka, folder: Path, partitions: int) -> Installation:
    url = f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}"
    set_up_log(url, partitions, 1)
    return Installation(folder, log_url=url)


@pytest.mark.parametrize("partitions", [1, 5])
def test_it_works(kafka: Kafka, tmp_path: Path, partitions: int) -> None:
    rnd = random.Random(partitions)
    hits = random_hits(rnd, 300)
    embedded, clustered = Installation(tmp_path / "embedded"), installation(kafka, tmp_path / "clustered", partitions)
    embedded.send(*hits)
    embedded.receive()
    while hits:
        batch, hits = hits[:50], hits[50:]
        clustered.send(*batch)
        clustered.receive()
        if rnd.random() < 0.5:
            clustered.worker.seal(everything=True)
    for property in Counter(property_of(hit) for hit in random_hits(random.Random(partitions), 300)):
        assert figures(clustered, property) == figures(embedded, property)
    clustered.log.close()


def test_what_was_received_is_trimmed_and_nothing_is_received_twice(kafka: Kafka, tmp_path: Path) -> None:
    here = installation(kafka, tmp_path, 3)
    hits = random_hits(random.Random(1), 100)
    here.send(*hits)
    assert here.receive() == len(hits)
    for partition, end in here.log.ends().items():
        here.log.trim(partition, end)
    here.log.close()
    here.restart()
    assert here.receive() == 0
    here.send(*hits[:10])
    assert here.receive() == 10
    here.log.close()
