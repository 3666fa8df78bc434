"""The way of docs/manual/cluster.md with real servers: an embedded installation moves, and reports the same."""

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import orjson
import pytest

from bench.site import ROOT, Site
from tests.faults.eager_site import wait_until_counted
from tests.faults.senders import AGENT
from tests.journey.test_copy_database import new_database
from tests.services.cassandra_node import Cassandra
from tests.services.kafka_broker import Kafka
from tests.services.postgres_server import Postgres
from tests.support.servers import Role, free_port

pytestmark = [pytest.mark.kafka, pytest.mark.cassandra, pytest.mark.postgres, pytest.mark.timeout(600)]

METRICS = ("eventCount", "totalUsers", "activeUsers", "sessions", "engagedSessions")
REPORTS = (("date",), ("pagePath",), ("sessionSource", "sessionMedium"), ())


class Home:
    """The environment of an installation, its commands."""

    def __init__(self, data: Path, **settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        ours = {"HITSTREAM_DATA": str(data), "DJANGO_SETTINGS_MODULE": "analytics_site.settings"}
        self.data, self.environment = data, {**kept, **ours, **settings}

    def manage(self, *words: str, **settings: str) -> str:
        command = [sys.executable, "manage.py", *words]
        environment = {**self.environment, **settings}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


def test_it_works(kafka: Kafka, cassandra: Cassandra, postgres: Postgres, tmp_path: Path) -> None:
    with Site(free_port(), folder=str(make(tmp_path / "old"))) as site:
        number, measurement_id = site.properties[0]
        send(site.port, measurement_id, "old", 300)
        wait_until_counted(site, number)
        before = figures(site, number)
    old, new = Home(tmp_path / "old"), cluster(kafka, cassandra, postgres, tmp_path)
    move(old, new)
    with Role("reporting", new.data, new.environment) as reporting:
        site.port = reporting.port
        assert figures(site, number) == before
        with Role("collector", new.data, new.environment) as collector:
            send(collector.port, measurement_id, "new", 100)
        new.manage("work", "--once")
        after = figures(site, number)
    assert after["status"]["counted"] == before["status"]["counted"] + 100
    assert users(after) == users(before), "a visitor is known by the same key: the secret was moved"
    assert "no problems" in new.manage("fsck")


def cluster(kafka: Kafka, cassandra: Cassandra, postgres: Postgres, folder: Path) -> Home:
    secrets = {"SECRET_KEY": folder / "old/secret_key", "HITSTREAM_SECRET": folder / "old/installation_secret"}
    return Home(
        make(folder / "new"),
        LOG_URL=f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}",
        STORE_URL=cassandra.url(f"moved_{uuid.uuid4().hex[:12]}"),
        DATABASE_URL=new_database(postgres),
        **{name: path.read_text() for name, path in secrets.items()},
    )


def move(old: Home, new: Home) -> None:
    """As the manual says."""
    old.manage("work", "--once")
    old.manage("copy_store", TARGET_STORE_URL=new.environment["STORE_URL"])
    old.manage("copy_database", TARGET_DATABASE_URL=new.environment["DATABASE_URL"])
    assert "password" not in new.manage("setup_cluster", "--copies", "1")
    assert "no problems" in new.manage("fsck")


def send(port: int, measurement_id: str, name: str, hits: int) -> None:
    """Of seven visitors: always the same ones."""
    for number in range(hits):
        parameters = {
            "v": 2,
            "tid": measurement_id,
            "cid": f"{number % 7}.1",
            "sid": 1,
            "en": "page_view",
            "_hid": f"{name}{number}",
            "_hts": time.time_ns() // 1_000_000,
            "_et": 1000,
            "dl": f"https://shop.example/{number % 11}",
            "dr": f"https://www.example{number % 3}.org/",
        }
        asked = Request(f"http://127.0.0.1:{port}/g/collect?{urlencode(parameters)}", headers={"User-Agent": AGENT})
        with urlopen(asked, timeout=30) as reply:  # noqa: S310
            assert reply.status == 204


def figures(site: Site, number: int) -> dict[str, Any]:
    found = {" ".join(names): report(site, number, names) for names in REPORTS}
    status = {name: value for name, value in site.status(number).items() if name != "as_of"}
    return {**found, "status": status}


def report(site: Site, number: int, names: tuple[str, ...]) -> Any:
    asked = {
        "dateRanges": [{"startDate": "7daysAgo", "endDate": "today"}],
        "dimensions": [{"name": name} for name in names],
        "metrics": [{"name": name} for name in METRICS],
        "limit": 100_000,
    }
    return site.ask(f"/v1beta/properties/{number}:runReport", orjson.dumps(asked))["rows"]


def users(found: dict[str, Any]) -> str:
    return str(found[""][0]["metricValues"][METRICS.index("totalUsers")]["value"])


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder
