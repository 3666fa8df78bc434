"""The same hits give the same reports on one machine without servers, and on Kafka, Cassandra, Celery, PostgreSQL and
Spark; before rules are applied to the past, and after.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from bench.site import Site
from collection.hit import RawHit, encode
from collection.log import open_log
from configuration.ruleset.document import encode_document
from configuration.ruleset.ruleset import Ruleset
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from reporting.kinds.sessions.report import SessionsAnswer
from reporting.kinds.visitor.report import VisitorAnswer
from tests.agreement.test_access_logs import REAL_LOG
from tests.agreement.test_rules_and_history import answers
from tests.journey.test_copy_database import new_database
from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.services.redis_server import Redis
from tests.support.cluster import ClusterSite
from tests.support.installation import BLOG, SHOP
from tests.support.rule_examples import EXAMPLES
from tests.unit.processing.test_whole_way import random_hits

pytest.importorskip("pyspark", reason="an extra")

pytestmark = [
    *(pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.redis, pytest.mark.postgres, pytest.mark.spark),
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]

SECRET: Final = {"HITSTREAM_SECRET": "the same of both"}
AT_ONCE: Final = 50
EVER: Final = (date(2015, 1, 1), date(2026, 12, 31))
PROPERTIES: Final = """
from configuration.models import Property
Property.objects.create(pk=101, measurement_id="G-SHOP000001", name="Shop", domains="shop.example")
Property.objects.create(pk=102, measurement_id="G-BLOG000001", name="Blog", zone="Europe/Berlin")
Property.objects.create(pk=103, measurement_id="G-LOGS000001", name="Logs", zone="America/New_York")
"""
LOGS: Final = 103


class Alone(Site):
    """One machine without servers, which is asked to do everything at once."""

    def __enter__(self) -> "Alone":
        self.environment |= SECRET
        self.manage("migrate", "-v", "0")
        return self


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    (tmp_path / "alone").mkdir()
    with Alone(folder=str(tmp_path / "alone")) as site:
        yield site


@pytest.fixture
def cluster(
    kafka: Kafka, cassandra: Cassandra, redis: Redis, postgres: Postgres, tmp_path: Path
) -> Iterator[ClusterSite]:
    urls = {
        "LOG_URL": f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}",
        "STORE_URL": cassandra.url(f"k{uuid.uuid4().hex}"),
        "BROKER_URL": redis.address,
        "DATABASE_URL": new_database(postgres),
        "ENGINE_URL": "spark-local://2",
    }
    with ClusterSite(tmp_path / "cluster", urls | SECRET, receivers=2) as site:
        yield site


def test_it_works(alone: Alone, cluster: ClusterSite, tmp_path: Path) -> None:
    hits = random_hits(random.Random(20_261_126), 600)
    for site in (alone, cluster):
        site.manage("shell", "-v", "0", "-c", PROPERTIES)
        site.manage("import_access_log", str(REAL_LOG), "--property", str(LOGS), "--no-wait")
    send(f"sqlite://{alone.folder}/log", hits)
    send(cluster.environment["LOG_URL"], hits)
    alone.manage("work", "--once")
    for property in (SHOP.id, BLOG.id, LOGS):
        cluster.wait_until_counted(property)
        assert told(cluster.store, property) == told(f"sqlite://{alone.folder}/store", property)
    was = told(cluster.store, LOGS)
    rules = tmp_path / "rules.json"
    rules.write_bytes(encode_document(Ruleset(1, 0, rules=tuple(rule for rule, _ in EXAMPLES.values()))))
    for property in (SHOP.id, BLOG.id, LOGS):
        for site in (alone, cluster):
            site.manage("rules", "import", "--file", str(rules), "--property", str(property))
            site.manage("rules", "publish", "--property", str(property), "--note", "examples")
            site.manage("reprocess", "--property", str(property))
        assert told(cluster.store, property) == told(f"sqlite://{alone.folder}/store", property)
    assert told(cluster.store, LOGS) != was  # or the rules would prove nothing
    assert "no problems" in cluster.manage("fsck")


def send(log: str, hits: Sequence[RawHit]) -> None:
    opened = open_log(log)
    for low in range(0, len(hits), AT_ONCE):
        opened.append([(hit.address.encode(), encode(hit)) for hit in hits[low : low + AT_ONCE]])
    opened.close()


def told(store: str, property: int) -> tuple[Any, list[Any]]:
    """All sums, and what every dimension says with all metrics."""
    opened = open_store(store)
    view = ViewCache(opened).view(property)
    counts, reports = view.counts(), answers(view, EVER)
    assert counts.accepted == counts.counted + counts.rejected > 0
    assert any(rows for rows, _ in reports)
    opened.close()
    return counts, [without_pseudonyms(report) for report in reports]


def without_pseudonyms(answer: Any) -> Any:
    """Visitors of access logs have other keys in each installation, and sessions that are equal else come by theirs."""
    if isinstance(answer, SessionsAnswer):
        return answer.row_count, [(each.events, each.dimensions[-1]) for each in answer.sessions]
    if isinstance(answer, VisitorAnswer):
        return answer.row_count, answer.sessions, [(each.time, each.dimensions) for each in answer.events]
    return answer
