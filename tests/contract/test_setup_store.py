"""`setup_store` makes what a store needs, again and again; the site runs on what it made."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from bench.site import written_out
from processing.store import open_store
from processing.store.port import StoreUnavailable, WrongStore
from tests.services.cassandra_node import Cassandra

ROOT = Path(__file__).parents[2]
KEYSPACE = "hitstream_set_up"


def test_it_works(tmp_path: Path, settings: Settings) -> None:
    settings.STORE_URL = f"sqlite://{tmp_path}/store"
    for _ in range(2):
        told = StringIO()
        call_command("setup_store", stdout=told)
        assert told.getvalue() == "The store is ready.\n"
    assert (tmp_path / "store" / "store.db").exists()


@pytest.mark.parametrize("replication", ["three", "3; DROP", "dc1:x"])
def test_other_replications_are_refused(settings: Settings, replication: str) -> None:
    settings.STORE_URL = "cassandra://127.0.0.1/stats"
    with pytest.raises(CommandError, match="not a replication"):
        call_command("setup_store", replication=replication)


@pytest.fixture
def fresh(cassandra: Cassandra) -> Iterator[str]:
    """The address of a keyspace that is not there yet."""
    from processing.store.cassandra.address import parse_address
    from processing.store.cassandra.session import CassandraSession

    session = CassandraSession(parse_address(cassandra.url(KEYSPACE)), keyspace=False)
    session.define(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
    yield cassandra.url(KEYSPACE)
    session.define(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
    session.close()


@pytest.mark.cassandra
@pytest.mark.timeout(300)
def test_on_a_cluster(tmp_path: Path, fresh: str) -> None:
    def manage(*words: str) -> "subprocess.CompletedProcess[str]":
        ours = {
            **written_out(tmp_path),
            "STORE_URL": fresh,
            "HITSTREAM_DATA": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
        }
        environment = {**os.environ, **ours}
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert manage("migrate", "-v0").returncode == 0
    assert "run `manage.py setup_store`" in manage("fsck").stderr
    assert manage("setup_store", "--replication", "1").stdout.splitlines()[-1] == "The store is ready."
    assert manage("setup_store").stdout.startswith("Set up 2 times so far.")
    assert "no record of the secrets" in manage("fsck").stdout
    assert manage("setup_cluster").returncode == 0
    assert manage("fsck").stdout.strip().endswith("no problems")


@pytest.mark.cassandra
@pytest.mark.timeout(300)
def test_what_cannot_be_set_up_is_said_before_anything_is_made(fresh: str) -> None:
    from processing.store import check_store, known_id, set_up_store

    bare = fresh.partition("?")[0]
    for url, replication, sentence in (
        (f"{bare}?dc=dc9", "", "no data center 'dc9': it has datacenter1"),
        (f"{bare}?replication=dc9:1", "", "no data center 'dc9'"),
        (bare, "dc9:1", "no data center 'dc9'"),
        (f"{bare}?dc=datacenter1", "3", "3 replicas cannot be kept in the data center 'datacenter1'.*which has 1 node"),
    ):
        for attempt in (check_store, set_up_store):
            with pytest.raises(StoreUnavailable, match=sentence):
                attempt(url, replication)
        assert known_id(fresh) == ""
    set_up_store(fresh)
    made = known_id(fresh)
    assert len(made) == 32
    set_up_store(fresh)
    assert known_id(fresh) == made
    with closing(open_store(fresh, expected=lambda: made)) as store:
        assert store.id == made
        store.set_owner("a database")
        assert store.owner == "a database"
    with (
        closing(open_store(fresh, expected=lambda: "0" * 32)) as other,
        pytest.raises(WrongStore, match="--accept store"),
    ):
        other.blocks()
