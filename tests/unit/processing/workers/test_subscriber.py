"""`subscribe` prints every hit at least once, as JSON, without full addresses unless they are asked for."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from collection.hit import RawHit, encode
from collection.log import Log, open_log
from configuration.ruleset.context import Context
from processing.models import Subscription
from processing.workers.subscriber import Subscriber
from tests.support.clock import now
from tests.support.installation import AGENT, NOON, SHOP, access_log, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

LINE = '203.0.113.77 - - [20/Nov/2026:10:05:03 +0000] "GET /a?b=1 HTTP/1.1" 200 12 "-" "Mozilla/5.0 Firefox/120.0"'


@pytest.fixture
def log(tmp_path: Path, settings: Settings) -> Iterator[Log]:
    settings.LOG_URL = f"sqlite://{tmp_path}/log"
    log = open_log(settings.LOG_URL)
    yield log
    log.close()


def send(log: Log, *hits: RawHit) -> None:
    log.append([(b"", encode(hit)) for hit in hits])


def subscribe(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("subscribe", *arguments, "--once", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def ids(lines: list[dict[str, Any]]) -> list[str]:
    return [line["id"] for line in lines]


def test_it_works(log: Log) -> None:
    send(log, ga4(1), ga4(2))
    assert ids(subscribe("feed")) == ["h1", "h2"]
    send(log, ga4(3))
    assert ids(subscribe("feed")) == ["h3"]
    assert subscribe("feed") == []
    assert ids(subscribe("another")) == ["h1", "h2", "h3"]


def test_what_a_line_says(log: Log) -> None:
    send(log, ga4(1, hit="abc", created=NOON - 5, at=NOON, page="https://shop.example/?q=1", colour="red"))
    assert subscribe("feed") == [
        {
            "position": [0, 0],
            "user_agent": AGENT,
            "id": "h1",
            "received_at": "2026-11-20T12:00:00.000Z",
            "occurred_at": None,
            "created_at": "2026-11-20T11:59:59.995Z",
            "hit_id": "abc",
            "protocol": "ga4",
            "measurement_id": SHOP.measurement_id,
            "property": None,
            "headers": {},
            "events": [
                {
                    "v": "2",
                    "tid": SHOP.measurement_id,
                    "colour": "red",
                    "cid": "1.1",
                    "en": "page_view",
                    "dl": "https://shop.example/?q=1",
                    "sid": "1",
                }
            ],
            "error": None,
        }
    ]


def test_a_line_of_an_access_log(log: Log) -> None:
    send(log, access_log(1, LINE), access_log(2, "nonsense from 203.0.113.77"))
    read, broken = subscribe("feed")
    assert (read["property"], read["occurred_at"], read["user_agent"]) == (
        SHOP.id,
        "2026-11-20T12:00:00.000Z",
        "Mozilla/5.0 Firefox/120.0",
    )
    assert read["events"][0]["target"] == "/a?b=1"
    assert broken["error"] == "malformed"
    assert "203.0.113.77" not in json.dumps([read, broken])


def test_full_addresses_only_on_demand(log: Log) -> None:
    hit = msgspec.structs.replace(
        ga4(1, agent="me at 192.0.2.7", _uip="198.51.100.23", page="https://shop.example/?from=192.0.2.7"),
        headers={"referer": "https://192.0.2.7/", "other": "plain"},
        id="192.0.2.7",
    )
    send(log, hit)
    [masked] = subscribe("feed")
    assert "192.0.2.7" not in json.dumps(masked)
    assert "198.51.100.23" not in json.dumps(masked)
    assert masked["headers"]["other"] == "plain"
    assert "address" not in masked
    [full] = subscribe("feed", "--from", "start", "--with-address")
    assert full["address"] == "198.51.100.23"
    assert full["headers"]["referer"] == "https://192.0.2.7/"


def test_where_it_begins(log: Log) -> None:
    send(log, ga4(1))
    time.sleep(0.01)
    between = datetime.now(UTC).isoformat()  # noqa: TID251 - the log stamps with the real time
    send(log, ga4(2))
    assert subscribe("feed", "--from", "end") == []
    send(log, ga4(3))
    assert ids(subscribe("feed")) == ["h3"]
    assert ids(subscribe("feed", "--from", "start")) == ["h1", "h2", "h3"]
    assert ids(subscribe("feed", "--from", between)) == ["h2", "h3"]
    assert ids(subscribe("feed", "--from", "2020-01-01")) == ["h1", "h2", "h3"]
    with pytest.raises(CommandError, match="is not start, end or a time"):
        subscribe("feed", "--from", "yesterday")


def test_hits_are_kept_for_it_from_the_start(log: Log) -> None:
    subscribe("feed")
    assert Subscription.objects.get(log=log.id, name="feed")


def test_a_name_that_cannot_be_kept(log: Log) -> None:
    with pytest.raises(CommandError, match="1 to 100 characters"):
        subscribe("x" * 101)


def test_hits_that_are_gone_are_named(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    send(log, ga4(1), ga4(2))
    send(log, ga4(3))
    log.trim(0, 2)
    assert ids(subscribe("feed")) == ["h3"]
    assert "2 hits skipped (deleted before they were read): partition 0, offsets 0 to 1." in capsys.readouterr().err


def test_damaged_hits_are_passed_over(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(3):
        send(log, ga4(n))
    with sqlite3.connect(tmp_path / f"log/{0:020d}.log") as connection:
        connection.execute("UPDATE batch SET crc = crc + 1 WHERE first = 1")
    connection.close()
    assert ids(subscribe("feed")) == ["h0", "h2"]
    assert "1 hit skipped (damaged)" in capsys.readouterr().err


def test_what_was_not_committed_comes_again(log: Log) -> None:
    send(log, *(ga4(n) for n in range(1200)))
    reader = Subscriber(log, "feed", lambda: Context((SHOP,)), pytest.fail, now)
    batches = reader.batches()
    first = next(batches)
    reader.commit()
    next(batches)
    again = subscribe("feed")
    assert len(first) + len(again) == 1200
    assert again[0]["id"] == f"h{len(first)}"


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.text(max_size=30), st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_hostile_hits_are_one_line_each(log: Log, body: bytes, agent: str, parameters: dict[str, str]) -> None:
    query, agent = urlencode(parameters, errors="replace").encode(), agent.encode("utf-8", "replace").decode()
    send(log, msgspec.structs.replace(ga4(1), body=body, query=query, user_agent=agent))
    log.append([(b"", body)])
    reader = Subscriber(log, "x", lambda: Context(()), pytest.fail, now)
    lines = [line for batch in reader.batches() for line in batch]
    reader.commit()
    assert len(lines) == 2
    assert all(line.isascii() and "\n" not in line and json.loads(line) for line in lines)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment(folder), check=True)
    return folder


def environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return {**kept, "HITSTREAM_DATA": str(data), "DJANGO_SETTINGS_MODULE": "analytics_site.settings"}


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> dict[str, str]:
    """An installation of its own for processes of their own."""
    shutil.copytree(migrated, tmp_path / "site")
    log = open_log(f"sqlite://{tmp_path}/site/log")
    send(log, *(ga4(n) for n in range(2000)))
    log.close()
    return environment(tmp_path / "site")


def start(site: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "manage.py", "subscribe", "feed", *arguments]
    return subprocess.Popen(command, env=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_follows_and_stops_at_ctrl_c(site: dict[str, str]) -> None:
    process = start(site)
    assert process.stdout
    assert json.loads([process.stdout.readline() for _ in range(2000)][-1])["id"] == "h1999"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    again = start(site, "--once")
    assert again.communicate(timeout=60) == ("", "")


def test_it_stops_when_nobody_reads(site: dict[str, str]) -> None:
    process = start(site, "--once")
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    again = start(site, "--once")
    assert json.loads(again.communicate(timeout=60)[0].splitlines()[-1])["id"] == "h1999"
