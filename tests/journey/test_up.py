"""`manage.py up --role …` with real processes: each role does its own work and no other."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from analytics_site.processes import manage
from analytics_site.roles import ROLES, RoleOptions
from bench.site import written_out
from tests.support.servers import ROOT, Clients, Role, Server, load_for
from tests.unit.collection.collector.test_server import check, names

HIT = "/g/collect?v=2&_hid=a"
ASK_FOR_MODULES = """
import sys
import analytics_site.asgi_collector
print(sorted(sys.modules.keys() & {"django.db", "polars", "processing", "reporting", "configuration.models"}))
"""


def environment(data: Path) -> dict[str, str]:
    """Of a data folder, and of nothing else that this machine may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return {**kept, "HITSTREAM_DATA": str(data), "HITSTREAM_DEMO": "0", "DJANGO_SETTINGS_MODULE": SETTINGS}


SETTINGS = "analytics_site.settings"


def run(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, env=environment(data), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def collector(data: Path) -> Iterator[Server]:
    with Role("collector", data, environment(data)) as role:
        yield role


def status(server: Server, path: str) -> int:
    try:
        with urlopen(server.url(path), timeout=30) as reply:  # noqa: S310
            return int(reply.status)
    except HTTPError as refusal:
        with refusal:
            return refusal.code


def test_it_works(collector: Server, data: Path) -> None:
    """No database was made: the collector needs none."""
    assert [status(collector, path) for path in (HIT, "/hs.js", "/healthz", "/readyz", "/", "/admin/")] == [
        *(204, 200, 200, 200, 404, 404)
    ]
    assert "hitstream_accepted_total 1" in collector.get("/metrics")
    assert collector.stop() == 0
    assert names(data / "log") == ["a"]
    assert not (data / "django.db").exists()
    assert not (data / "store").exists()


def test_the_collector_loads_neither_database_nor_data_frames(data: Path) -> None:
    asked = run(data, sys.executable, "-c", ASK_FOR_MODULES)
    assert asked.stdout == "[]\n", asked.stderr


def test_two_collectors_of_one_machine(collector: Server, data: Path) -> None:
    with Role("collector", data, environment(data)) as other:
        assert {status(collector, HIT), status(other, HIT)} == {204}
    assert names(data / "log") == ["a", "a"]


def test_reporting_takes_no_hits(data: Path) -> None:
    assert run(data, *manage("migrate", "-v", "0")).returncode == 0
    with Role("reporting", data, environment(data)) as role:
        assert [status(role, path) for path in (HIT, "/hs.js", "/healthz", "/sign-in/", "/admin/login/")] == [
            *(404, 404, 200, 200, 200)
        ]
        assert 'hitstream_lag_hits{subscription="worker"} 0' in role.get("/metrics")
        assert role.stop() == 0


def test_a_database_that_is_behind_is_named(data: Path) -> None:
    said = run(data, *manage("up", "--role", "reporting"))
    assert said.returncode != 0
    assert "run manage.py setup_cluster" in said.stderr


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_without_a_broker_there_is_nothing_to_hand_out(data: Path, role: str) -> None:
    said = run(data, *manage("up", "--role", role))
    assert said.returncode != 0
    assert "needs BROKER_URL" in said.stderr


def test_a_database_that_does_not_answer_is_named(data: Path) -> None:
    settings = {**written_out(data), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    nobody = ("env", *(f"{name}={value}" for name, value in settings.items()))
    said = run(data, *nobody, *manage("up", "--role", "reporting"))
    assert said.returncode != 0
    installed = find_spec("psycopg") is not None
    expected = "The database does not answer" if installed else "install the packages of requirements-cluster.txt"
    assert expected in said.stderr


def test_a_worker_is_a_process_for_each_piece_of_work() -> None:
    specs = ROLES["worker"].processes(RoleOptions("127.0.0.1", 8000, receivers=2, sealers=3))
    assert [spec.name for spec in specs] == ["receive-1", "receive-2", "seal-1", "seal-2", "seal-3", "history-1"]
    nodes = [spec.command[spec.command.index("--hostname") + 1] for spec in specs]
    assert len(set(nodes)) == len(specs)
    assert all(str(os.getpid()) in node for node in nodes)


def test_a_collector_that_stops_under_load_breaks_off_nothing(collector: Server, data: Path) -> None:
    """A request that was read was under way: what is in the log was answered. One that comes later is not read."""
    clients = Clients(collector.port)
    ended: list[int] = []
    stop = threading.Timer(1.0, lambda: ended.append(collector.stop()))
    stop.start()
    asyncio.run(load_for(clients, 5))
    stop.join()
    assert ended == [0]
    assert len(clients.acknowledged) > 100
    check(data / "log", [clients])
    assert sorted(names(data / "log")) == sorted(clients.acknowledged)


def test_everything_is_made_ready_by_one_command(data: Path) -> None:
    first, second = (run(data, *manage("setup_cluster")) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    for said in ("The store is ready.", "The embedded log needs only its folder", "The database is up to date."):
        assert said in first.stdout
        assert said in second.stdout
    assert "Sign in as admin with the password " in first.stdout
    assert "password" not in second.stdout


@pytest.mark.postgres  # its packages
@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("STORE_URL", "STORE_URL is not set, but DATABASE_URL"),
        ("HITSTREAM_SECRET", "HITSTREAM_SECRET is not set"),
        ("SECRET_KEY", "SECRET_KEY is not set"),
    ],
)
def test_a_setting_that_is_missing_beside_a_server_is_named(data: Path, missing: str, sentence: str) -> None:
    """The database does not answer: the settings are looked at first. No secret is made."""
    settings = {**written_out(data), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", missing: ""}
    environment = ("env", *(f"{name}={value}" for name, value in settings.items()))
    for command in (("up", "--role", "reporting"), ("setup_cluster",), ("work", "--once"), ("run",)):
        said = run(data, *environment, *manage(*command))
        assert said.returncode != 0
        assert sentence in said.stderr
    assert not {"secret_key", "installation_secret"} & {path.name for path in data.iterdir()}


def test_the_adapters_are_named_at_the_start_and_by_readyz(collector: Server, data: Path) -> None:
    assert collector.get("/readyz") == "ready\nlog sqlite\n"
    said = run(data, *manage("up", "--role", "worker"))
    assert said.stdout.startswith(f"Adapters: log sqlite://{data}/log, store sqlite://{data}/store, database sqlite://")


@pytest.mark.redis  # its packages
def test_a_worker_of_celery_with_another_secret_ends(data: Path) -> None:
    """Also one that nobody started through `up`."""
    settings = {**written_out(data), "BROKER_URL": "redis://127.0.0.1:1/0"}
    words = [f"{name}={value}" for name, value in settings.items()]
    assert run(data, "env", *words, *manage("setup_cluster")).returncode == 0
    words.append("HITSTREAM_SECRET=another")
    worker = (sys.executable, "-m", "celery", "--quiet", "--app", "analytics_site", "worker", "--pool", "solo")
    said = run(data, "env", *words, *worker)
    assert said.returncode != 0
    assert "Hitstream does not start: HITSTREAM_SECRET is not that of this installation" in said.stderr


@pytest.mark.redis  # its packages
def test_commands_that_read_or_write_compare_and_fsck_reports(data: Path, tmp_path: Path) -> None:
    """With a file of settings, as beside systemd."""
    settings = {**written_out(data), "BROKER_URL": "redis://127.0.0.1:1/0", "HITSTREAM_DATA": str(data)}
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    wrong.write_text(right.read_text().replace("of all machines, too", "another"))
    assert "Recorded: the fingerprint of HITSTREAM_SECRET" in managed(data, right, "setup_cluster").stdout
    assert managed(data, right, "add_property", "Shop", "--domain", "shop.example").returncode == 0
    assert "no problems" in managed(data, right, "fsck").stdout
    for words in (["work", "--once"], ["dispatch"], ["demo"], ["add_property", "Blog"], ["setup_cluster"]):
        said = managed(data, wrong, *words)
        assert said.returncode != 0, words
        assert "HITSTREAM_SECRET is not that of this installation: every known visitor" in said.stderr, words
    said = managed(data, wrong, "fsck")
    assert said.returncode == 1
    assert "installation: HITSTREAM_SECRET is not that" in said.stdout
    assert "1 problem" in said.stderr


def managed(data: Path, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = manage(*words)
    return run(data, *command[:2], "--env-file", str(file), *command[2:])
