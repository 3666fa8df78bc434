"""`manage.py copy_database` as it is used: the copy is the same, on SQLite, and on PostgreSQL where that is marked."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from analytics_site.database_copy import tables
from bench.site import written_out
from tests.services.postgres_server import Postgres, program
from tests.support.servers import ROOT

FILL = """
from datetime import UTC, datetime
from django.contrib.auth.models import User
from configuration.models import Property
from configuration.access.tokens import issue
from processing.models import LogSource, Range
from reporting.audiences.saved import read_form, save
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
user = User.objects.create_superuser("admin", "admin@example.org", "a long password")
shop = Property.objects.create(name="Shop", domains="shop.example")
shop.viewers.add(user)
issue(user, "reports")
save(shop, read_form({"name": "All", "scope": "user", "include": {"type": "events"}}), user)
LogSource.objects.create(pk=7, log="a" * 32)
Range.objects.create(log="a" * 32, partition=0, first=0, last=9, context="c")
Range.objects.update(made_at=LONG_AGO)
gone = Property.objects.create(name="Gone", domains="gone.example")
Property.objects.filter(pk=gone.pk).update(deleted_at=LONG_AGO)
"""
LOOK = """
from analytics_site.database_copy import rows, tables
for model in tables():
    for row in rows(model, "default").values_list():
        print(model._meta.db_table, row)
"""
GO_ON = """
from processing.models import LogSource
print(LogSource.objects.create(log="{}" * 32).pk)
"""
MEDDLE = """
from django.core.management import call_command
from analytics_site.database_copy import Differs, copy_database
from analytics_site.management.commands.copy_database import TARGET, add_database
from processing.models import LogSource
add_database(TARGET, {target!r})
call_command("migrate", database=TARGET, verbosity=0)
def meddle(table, done, total):
    if table == LogSource._meta.db_table:
        LogSource.objects.using(TARGET).update(log="z" * 32)
try:
    copy_database("default", TARGET, meddle)
except Differs as error:
    print(error, LogSource.objects.using(TARGET).count())
"""
WRITE_MEANWHILE = """
from concurrent.futures import ThreadPoolExecutor
from django.core.management import call_command
from django.db import connection
from analytics_site.database_copy import copy_database
from analytics_site.management.commands.copy_database import TARGET, add_database
from processing.models import LogSource
add_database(TARGET, {target!r})
call_command("migrate", database=TARGET, verbosity=0)
def write():
    LogSource.objects.create(log="w" * 32)
    connection.close()
def write_beside(table, done, total):
    if table == LogSource._meta.db_table:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(write).result()
copy_database("default", TARGET, write_beside)
print([LogSource.objects.using(alias).count() for alias in ("default", TARGET)])
"""
LEASES = """
from processing.models import Lease
print(Lease.objects.count())
"""


class Home:
    """The commands of an installation, on its own database or another."""

    def __init__(self, data: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        ours = {"HITSTREAM_DATA": str(data), "DJANGO_SETTINGS_MODULE": "analytics_site.settings"}
        self._environment = {**kept, **ours, **written_out(data)}

    def manage(self, *words: str, database: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        environment = {**self._environment, **({"DATABASE_URL": database} if database else {}), **settings}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def asked(self, code: str, database: str = "") -> str:
        done = self.manage("shell", "-v", "0", "-c", code, database=database)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home") / "data")
    assert made.manage("migrate", "-v", "0").returncode == 0
    made.asked(FILL)
    return made


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite://{tmp_path}/copy.db"
    return new_database(request.getfixturevalue("postgres"))


def new_database(postgres: Postgres) -> str:
    name = f"copy_{uuid.uuid4().hex}"
    subprocess.run([program("psql"), postgres.address, "-qc", f"CREATE DATABASE {name}"], check=True, timeout=60)
    return f"{postgres.address.rpartition('/')[0]}/{name}"


def test_it_works(home: Home, target: str) -> None:
    """Numbers with gaps, a time that was filled by itself, a row that its manager hides: all as it was. A target that
    has rows stays as it is.
    """
    done = home.manage("copy_database", TARGET_DATABASE_URL=target)
    assert "copied and compared; nothing differs." in done.stdout, done.stderr
    there = home.asked(LOOK, target)
    assert there == home.asked(LOOK)
    assert "processing_logsource (7, " in there
    assert "'Gone'" in there
    assert home.asked(GO_ON.format("b"), target) == "8\n"
    again = home.manage("copy_database", "--to", target)
    assert again.returncode != 0
    assert "has rows. Nothing was copied." in again.stderr
    assert home.asked(GO_ON.format("c"), target) == "9\n"


@pytest.mark.postgres
def test_the_way_back(home: Home, postgres: Postgres, tmp_path: Path) -> None:
    """Out of a cluster: its command holds a lease meanwhile, which is not copied."""
    cluster, new = new_database(postgres), f"sqlite://{tmp_path}/new.db"
    assert home.manage("copy_database", "--to", cluster).returncode == 0
    done = home.manage("copy_database", "--to", new, database=cluster, BROKER_URL="redis://127.0.0.1:1/0")
    assert "copied and compared; nothing differs." in done.stdout, done.stderr
    assert home.asked(LOOK, new) == home.asked(LOOK)
    assert home.asked(LEASES, new) == "0\n"


@pytest.mark.postgres
def test_what_is_written_meanwhile_is_not_seen(home: Home, postgres: Postgres, tmp_path: Path) -> None:
    cluster = new_database(postgres)
    assert home.manage("copy_database", "--to", cluster).returncode == 0
    assert home.asked(WRITE_MEANWHILE.format(target=f"sqlite://{tmp_path}/new.db"), cluster) == "[2, 1]\n"


def test_a_copy_that_differs_is_not_kept(home: Home, tmp_path: Path) -> None:
    said = home.asked(MEDDLE.format(target=f"sqlite://{tmp_path}/copy.db"))
    assert said == "the table processing_logsource differs 0\n"


NOT_THERE = {"django_migrations", "processing_lease", "processing_installationpart"}


@pytest.mark.django_db
def test_every_table_is_copied() -> None:
    there = set(connection.introspection.table_names())
    assert {model._meta.db_table for model in tables()} == there - NOT_THERE


def test_what_is_no_database_is_named() -> None:
    with pytest.raises(CommandError, match="must name a database"):
        call_command("copy_database", target="cassandra://127.0.0.1/hits")
    with pytest.raises(CommandError, match="TARGET_DATABASE_URL must name"):
        call_command("copy_database")


def test_a_database_that_does_not_answer_is_named(home: Home) -> None:
    assert "Nothing was copied: " in home.manage("copy_database", "--to", "postgres://nobody@127.0.0.1:1/none").stderr
