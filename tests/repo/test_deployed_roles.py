"""The units of systemd and the services of compose run commands that exist, with settings that exist. Not more can be
seen without systemd and containers.
"""

import re
import shlex
from configparser import RawConfigParser
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from analytics_site import env
from analytics_site.databases import database
from analytics_site.env_file import read_env_file
from analytics_site.roles import ROLES
from configuration.addresses import is_server, parse_address
from processing.store import cluster_of

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if service["image"] == "hitstream"}


def unit(path: Path) -> RawConfigParser:
    """A key that comes twice has its last value here."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def options(words: list[str]) -> dict[str, Any]:
    """Of a command of `manage.py`, as it reads them. Raises CommandError for one that it does not know."""
    name, *rest = words
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return vars(parser.parse_args([word.replace("%i", "8001") for word in rest]))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_it_works() -> None:
    assert {options(service["command"]).get("role", "setup") for service in OURS.values()} == {*ROLES, "setup"}


def test_every_role_has_a_unit() -> None:
    assert {path.stem.removeprefix("hitstream-").rstrip("@") for path in UNITS} == set(ROLES)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_its_role_and_waits_for_its_end(path: Path) -> None:
    service = unit(path)["Service"]
    python, script, *words = shlex.split(service["ExecStart"])
    assert (python, script) == (f"{service['WorkingDirectory']}/.venv/bin/python", "manage.py")
    role = options(words)["role"]
    assert path.stem.startswith(f"hitstream-{role}")
    assert int(service["TimeoutStopSec"]) > ROLES[role].stop_timeout_s
    assert service["KillMode"] == "mixed"
    assert service["Environment"].partition("=")[0] in env.DECLARED
    assert unit(path)["Install"]["WantedBy"] == unit(path)["Unit"]["PartOf"] == "hitstream.target"


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_settings_that_exist(name: str) -> None:
    assert OURS[name]["environment"].keys() <= env.DECLARED.keys()


def test_a_collector_is_told_no_secret() -> None:
    """Those of `tests/faults/test_balancers.py` work with as little."""
    common = OURS["worker"]["environment"]
    for name in ("collector1", "collector2"):
        told = OURS[name]["environment"]
        assert told.keys() == {"LOG_URL", "HITSTREAM_TRUSTED_PROXIES"}
        assert told.items() <= common.items()


def test_addresses_of_compose_are_ones_that_we_take() -> None:
    settings = OURS["worker"]["environment"]
    assert {host.name for host in parse_address(settings["LOG_URL"]).hosts} <= SERVICES.keys()
    assert set(cluster_of(settings["STORE_URL"]).hosts) <= SERVICES.keys()
    assert database(settings["DATABASE_URL"].replace("${POSTGRES_PASSWORD:?}", "secret"))["HOST"] in SERVICES
    assert parse_address(settings["BROKER_URL"]).hosts[0].name in SERVICES


@pytest.mark.parametrize("name", [name for name, service in OURS.items() if "--port" in service["command"]])
def test_haproxy_asks_what_listens(name: str) -> None:
    port = options(OURS[name]["command"])["port"]
    where = OURS[name]["networks"]["inside"]["ipv4_address"]
    assert SERVICES["haproxy"]["environment"][name.upper()] == f"{where}:{port}"
    assert f'server {name} "${{{name.upper()}-' in (DEPLOY / "haproxy.cfg").read_text()
    assert f"127.0.0.1:{port}/readyz" in OURS[name]["healthcheck"]["test"][-1]
    assert options(OURS[name]["command"])["host"] == "0.0.0.0"  # noqa: S104 -- inside its container


@pytest.mark.parametrize("name", OURS)
def test_a_service_may_end_in_peace(name: str) -> None:
    role = options(OURS[name]["command"]).get("role")
    if role:
        assert seconds(OURS[name]["stop_grace_period"]) > ROLES[role].stop_timeout_s


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come_true(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        once = wanted["condition"] == "service_completed_successfully"
        assert once or "healthcheck" in SERVICES[other]
        assert not once or SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_volumes_are_declared(name: str) -> None:
    assert name in OURS or re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", SERVICES[name]["image"])
    named = {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", []) if volume[0] != "."}
    assert named <= COMPOSE["volumes"].keys()


def test_no_collector_shares_its_volume() -> None:
    volumes = [volume for service in OURS.values() for volume in service["volumes"]]
    assert len(volumes) == len(set(volumes))


def test_secrets_are_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", (DEPLOY / "compose.yaml").read_text()))
    named = set(re.findall(r"^(\w+)=$", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))
    assert asked == named


def test_the_image_holds_what_the_program_needs() -> None:
    copied = set(re.findall(r"^COPY (\w[\w./-]*) ", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    packages = {path.parent.name for path in DEPLOY.parent.glob("*/__init__.py")} - {"bench", "tests"}
    assert copied >= packages | {"manage.py", "static", "templates", "requirements-cluster.txt"}
    assert all((DEPLOY.parent / name).exists() for name in copied)


def test_the_example_of_settings_is_read_whole() -> None:
    """Also by a shell, see tests/unit/analytics_site/test_env_file.py."""
    found = read_env_file(DEPLOY / "environment.example")
    assert found.keys() <= env.DECLARED.keys()
    addresses = [found[name] for name in ("LOG_URL", "STORE_URL", "DATABASE_URL", "BROKER_URL")]
    assert [is_server(url) and parse_address(url).scheme for url in addresses] == [
        *("kafka", "cassandra", "postgres", "redis")
    ]
    assert parse_address(found["STORE_URL"]).options == {"dc": "dc1", "replication": "3"}
    assert not found["SECRET_KEY"]
    assert not found["HITSTREAM_SECRET"]
