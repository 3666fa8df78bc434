import ipaddress
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from analytics_site import env
from analytics_site.databases import POSTGRES_OPTIONS, cluster, database
from configuration.secret_files import keep_secret
from tests.services.postgres_server import Postgres


@pytest.fixture(autouse=True)
def _declarations_of_the_product_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "DECLARED", {})


def test_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", " 12 ")
    assert env.number("HERE", 5, 1, 20) == 12
    assert env.number("ABSENT", 5, 1, 20) == 5
    assert env.DECLARED["HERE"].default == "5"


@pytest.mark.parametrize("value", ["0", "21", "-3", "4.5", "1e1", "twelve", "１２", "0x10"])
def test_a_bad_number_stops_the_start_and_names_the_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HITSTREAM_PORT", value)
    with pytest.raises(ImproperlyConfigured, match=r"HITSTREAM_PORT=.*a whole number from 1 to 20"):
        env.number("HITSTREAM_PORT", 5, 1, 20)


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("YES", True), ("off", False), ("0", False), ("", True)])
def test_yes_or_no(monkeypatch: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    monkeypatch.setenv("DEMO", value)
    assert env.yes_or_no("DEMO", default=True) is meant


def test_a_value_that_is_neither_yes_nor_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "maybe")
    with pytest.raises(ImproperlyConfigured, match="DEMO='maybe' is not allowed"):
        env.yes_or_no("DEMO", default=True)


@pytest.mark.parametrize("value", ["kafka:/broker", "broker:9092", "http://broker"])
def test_an_address_of_an_unknown_kind(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LOG_URL", value)
    with pytest.raises(ImproperlyConfigured, match=r"LOG_URL=.*begins sqlite:// or kafka://"):
        env.url("LOG_URL", "sqlite:///x", ("sqlite", "kafka"))


@pytest.mark.parametrize(
    "value",
    [
        "mysql://ann:hidden@host/name",
        "ann:hidden@host",
        "mysql://ann:hid/hidden@host/name",
        "mysql://ann:hid@hidden@host",
        "mysql:/ann:hidden@host",
        "postgres://ann:hidden@[host/name",
    ],
)
def test_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", value)
    with pytest.raises(ImproperlyConfigured, match=r"DATABASE_URL='.*…@.*host.*begins postgres://") as refused:
        env.url("DATABASE_URL", "", ("postgres",))
    assert "hidden" not in str(refused.value)
    assert "ann" not in str(refused.value)


def test_a_password_that_is_not_encoded_is_not_shown() -> None:
    with pytest.raises(ImproperlyConfigured, match="Percent-encode") as refused:
        database("postgres://ann:hidden/word@db.example.org/name")
    assert refused.value.__suppress_context__
    assert "hidden" not in str(refused.value)


def test_a_choice_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVEL", "LOUD")
    with pytest.raises(ImproperlyConfigured, match="one of INFO, WARNING"):
        env.choice("LEVEL", "INFO", ("INFO", "WARNING"))


def test_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXIES", "10.1.2.3/8, ::1,,")
    assert env.networks("PROXIES") == [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]
    monkeypatch.setenv("PROXIES", "proxy.example.org")
    with pytest.raises(ImproperlyConfigured, match=r"PROXIES='proxy\.example\.org'"):
        env.networks("PROXIES")


def test_a_file_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert env.file("PLACES") is None
    monkeypatch.setenv("PLACES", str(tmp_path / "none.mmdb"))
    with pytest.raises(ImproperlyConfigured, match="an existing file"):
        env.file("PLACES")


def test_a_created_folder_is_private_to_its_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "a" / "b"))
    assert stat.S_IMODE(env.folder("DATA", tmp_path).stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_created(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(ImproperlyConfigured, match="a folder that can be written"):
        env.folder("DATA", tmp_path)


def test_a_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = keep_secret(path)
    assert len(first) == 64
    assert keep_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_database_addresses() -> None:
    assert database("sqlite:///srv/with%20space/django.db")["NAME"] == "/srv/with space/django.db"
    postgres = database("postgres://ann:p%40ss@db.example.org:5433/analytics")
    assert (postgres["USER"], postgres["PASSWORD"], postgres["HOST"]) == ("ann", "p@ss", "db.example.org")
    assert (postgres["PORT"], postgres["NAME"]) == ("5433", "analytics")


def test_a_database_that_vanished_is_noticed_within_half_a_minute() -> None:
    network = database("postgres://ann@db.example.org/analytics")["OPTIONS"]
    silent_s = network["keepalives_idle"] + network["keepalives_interval"] * network["keepalives_count"]
    assert network["keepalives"] == 1
    assert 2 <= network["connect_timeout"] <= 10
    assert silent_s <= 30
    assert network["tcp_user_timeout"] == silent_s * 1000
    assert not any("statement" in name for name in network)


@pytest.mark.postgres
def test_the_server_s_driver_knows_the_options(postgres: Postgres) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres.address, **POSTGRES_OPTIONS) as connection:
        known = connection.info.get_parameters()
    assert {name: known[name] for name in POSTGRES_OPTIONS} == {
        name: str(value) for name, value in POSTGRES_OPTIONS.items()
    }


def test_a_store_on_a_cluster_has_a_connection_of_its_own() -> None:
    pytest.importorskip("django_cassandra_engine", reason="make dev-cluster installs it")
    cassandra = cluster("cassandra://me:p%40ss@a:9142,b:9142/stats?replication=dc1:3")["cassandra"]
    assert (cassandra["ENGINE"], cassandra["NAME"], cassandra["HOST"]) == ("django_cassandra_engine", "stats", "a,b")
    assert (cassandra["USER"], cassandra["PASSWORD"]) == ("me", "p@ss")
    assert cassandra["OPTIONS"]["connection"]["lazy_connect"]
    assert cassandra["OPTIONS"]["replication"] == {"strategy_class": "NetworkTopologyStrategy", "dc1": 3}
    assert cluster("sqlite:///data/store") == {}


def test_a_bad_address_of_a_cluster_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="STORE_URL is not allowed") as refused:
        cluster("cassandra://me:secret@a/Stats")
    assert "secret" not in str(refused.value)


def test_a_cluster_needs_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics_site.databases.find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match="requirements-cluster"):
        cluster("cassandra://a/stats")
    assert cluster("sqlite:///data/store") == {}


def test_a_folder_that_cannot_be_written_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HITSTREAM_DATA", str(tmp_path))
    monkeypatch.setattr("analytics_site.env.os.access", lambda path, mode: False)  # it is read-only
    with pytest.raises(ImproperlyConfigured, match="HITSTREAM_DATA=.*a folder that this user can write"):
        env.folder("HITSTREAM_DATA", tmp_path)
