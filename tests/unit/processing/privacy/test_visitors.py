"""Finding visitors, exporting what is known of them, and the commands that erase."""

import io
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from configuration.models import Property
from configuration.ruleset.context import ReceiveSettings
from configuration.visitor_secrets import installation_secret
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.management import visitor_arguments as people
from processing.models import Erasure, Range
from processing.privacy.erasure_requests import erase_visitors
from processing.privacy.export import export
from processing.privacy.find_visitors import (
    InvalidVisitorKey,
    VisitorQuery,
    all_stored_hits,
    find_visitors,
    read_key,
    stored_hits,
)
from processing.segments import tail
from processing.segments.view_cache import ViewCache
from tests.support import installation
from tests.support.clock import now
from tests.support.installation import BLOG, NOON, SHOP, Installation, access_log, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

JANE: dict[str, Any] = {
    "client": "77001.88002",
    "uid": "jane@example.org",
    "page": "https://shop.example/secret-page?x=1",
}


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(id=SHOP.id, name="Shop", measurement_id=SHOP.measurement_id)


@pytest.fixture
def here(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Jane with two browsers, sealed and not, a bot of hers, and somebody else on two properties."""
    settings.DATA = tmp_path
    settings.LOG_URL, settings.STORE_URL = f"sqlite://{tmp_path}/log", f"sqlite://{tmp_path}/store"
    monkeypatch.setattr(installation, "keys", _keys)
    here = Installation(tmp_path)
    here.send(
        ga4(1, hit="a", **JANE), ga4(2, hit="a", at=NOON + 1000, **JANE), ga4(3, agent="Googlebot/2.1", **JANE),
        ga4(4, client="1.1"), ga4(5, client="1.1", property=BLOG, uid="jane@example.org"),
    )  # fmt: skip
    here.receive()
    here.worker.seal(everything=True)
    here.send(ga4(6, at=NOON + 60_000, **JANE), ga4(7, **{**JANE, "client": "5.5"}), access_log(8, "no line"))
    here.receive()
    return here


def _keys(entries: Any, context: Any) -> VisitorKeyFactory:
    plain = installation_secret()
    return VisitorKeyFactory(plain, {datetime.fromtimestamp(NOON / 1000, tz=UTC).date(): b"day"}, {SHOP.id: b"shop"})


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def client(here: Installation, shop: Property, value: str) -> list[int]:
    return find_visitors(here.store, shop, VisitorQuery("client_id", value))


def test_it_works(here: Installation, shop: Property) -> None:
    found = client(here, shop, "77001.88002")
    assert stored_hits(here.reader, SHOP.id, found) == 4
    assert client(here, shop, " GA1.2.77001.88002 ") == found


def test_a_user_id_names_every_browser(here: Installation, shop: Property) -> None:
    found = find_visitors(here.store, shop, VisitorQuery("user_id", "jane@example.org"))
    assert found == sorted([*client(here, shop, "77001.88002"), *client(here, shop, "5.5")])
    assert find_visitors(here.store, shop, VisitorQuery("user_id", "Jane@example.org")) == []


def test_a_user_id_among_hits_of_no_property(here: Installation) -> None:
    """Only those that name the property: other sites have users of the same id."""
    late = Property.objects.create(id=103, name="Late", measurement_id="G-LATE000001")
    for name, number in (("G-LATE000001", 10), ("G-OTHER00001", 11)):
        unknown = ReceiveSettings(id=0, measurement_id=name)
        here.send(ga4(number, property=unknown, client=f"{number}.1", uid="jane"))
    here.receive()
    assert find_visitors(here.store, late, VisitorQuery("user_id", "jane")) == client(here, late, "10.1")


@pytest.mark.parametrize("text", ["17", "0x11", "11h", "", "0", "-1", "18446744073709551616", "١"])
def test_keys(text: str) -> None:
    if text in ("17", "0x11"):
        assert read_key(text) == 17
    else:
        with pytest.raises(InvalidVisitorKey):
            read_key(text)


def test_an_export_has_everything(here: Installation, shop: Property) -> None:
    visitors = client(here, shop, "77001.88002")
    found = json.loads(b"".join(export(here.store, shop, visitors, now())))
    assert found["visitors"] == [str(visitors[0])]
    assert found["property"]["name"] == "Shop"
    assert [hit["received_at"][:19] for hit in found["hits"]] == ["2026-11-20T12:00:00"] * 2 + [
        "2026-11-20T12:00:01",
        "2026-11-20T12:01:00",
    ]
    hit = found["hits"][0]
    assert hit["address"] == "192.0.2.0"
    assert hit["user_agent"] == installation.AGENT
    assert ["uid", "jane@example.org"] in hit["parameters"]
    assert ["dl", "https://shop.example/secret-page?x=1"] in hit["parameters"]
    assert ["tid", SHOP.measurement_id] in hit["parameters"]
    assert [event["path"] for event in found["events"]] == ["/secret-page"] * 2
    assert len({event["session"] for event in found["events"]}) == 1
    assert [row["reason"] for row in found["rejected"]] == ["bot"]
    assert len(found["duplicates"]) == 1
    assert found["of_unknown_property_hits"] == []
    assert "1.1" not in str(found["hits"])


def test_an_export_has_what_the_worker_has_not_sealed_yet(
    here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view shows only part of it when the worker is far behind."""
    for number in range(20, 23):
        here.send(ga4(number, hit="b", at=NOON + number * 60_000, **JANE), ga4(number + 10, client="1.1"))
        here.send(ga4(number + 20, agent="Googlebot/2.1", at=NOON + number * 60_000, **JANE))
        here.receive()
    visitors = client(here, shop, "77001.88002")
    at = now()
    everything = json.loads(b"".join(export(here.store, shop, visitors, at)))
    assert {name: len(rows) for name, rows in everything.items() if isinstance(rows, list) and rows} == {
        "visitors": 1, "hits": 10, "events": 3, "rejected": 4, "duplicates": 3,
    }  # fmt: skip
    of_all = here.view().counts().accepted
    monkeypatch.setattr(tail, "VIEW", tail.Weight(1, 1))
    assert len(ViewCache(here.store).view(SHOP.id).waiting) == 3
    assert json.loads(b"".join(export(here.store, shop, visitors, at))) == everything
    assert stored_hits(ViewCache(here.store), SHOP.id, visitors) == 10
    assert all_stored_hits(ViewCache(here.store), SHOP.id) == of_all


def test_an_export_of_what_is_erased_is_empty(here: Installation, shop: Property) -> None:
    visitors = client(here, shop, "77001.88002")
    erase_visitors(here.store, shop, visitors, "ada", now())
    found = json.loads(b"".join(export(here.store, shop, visitors, now())))
    assert {name: rows for name, rows in found.items() if isinstance(rows, list) and rows} == {
        "visitors": [str(visitors[0])]
    }


def test_exporting_by_command(here: Installation, shop: Property, tmp_path: Path) -> None:
    named = ["export_visitor", "--property", str(SHOP.id), "--client-id", "77001.88002"]
    assert len(json.loads(run(*named))["hits"]) == 4
    assert "written" in run(*named, "--file", str(tmp_path / "jane.json"))
    assert len(json.loads((tmp_path / "jane.json").read_bytes())["hits"]) == 4
    with pytest.raises(CommandError, match="exists"):
        run(*named, "--file", str(tmp_path / "jane.json"))


def test_erasing_by_command(here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch) -> None:
    named = ["erase_visitor", "--property", str(SHOP.id), "--user-id", "jane@example.org"]
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run(*named)
    assert not Erasure.objects.exists()
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert "hidden: 2 visitors, 5 hits" in run(*named, "--no-wait")
    assert ViewCache(here.store).view(SHOP.id).counts().accepted == 2
    with pytest.raises(CommandError, match="No such visitor"):
        run(*named, "--yes")


def test_without_a_worker_the_command_does_its_work(
    here: Installation, shop: Property, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = count()
    settings.CLOCK = lambda: now() + timedelta(minutes=next(minutes))  # a minute passes whenever it is asked
    monkeypatch.setattr(people, "GRACE_S", 0.0)
    said = run("erase_visitor", "--property", str(SHOP.id), "--client-id", "77001.88002", "--yes")
    assert "erased: nothing" in said
    request = Erasure.objects.get()
    assert (request.hits, request.visitors, request.done_at is None) == (4, [], False)
    assert "deleted: property 101, 3 hits" in run("delete_property", str(SHOP.id), "--yes")
    assert not Property.with_deleted.filter(pk=SHOP.id).exists()
    assert Range.objects.exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("erase_visitor", "--property", "5", "--visitor", "17"), "no property"),
        (("erase_visitor", "--property", str(SHOP.id), "--visitor", "x"), "visitor key"),
        (("delete_property", "5"), "no property"),
    ],
)
def test_what_cannot_be_done(here: Installation, shop: Property, command: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*command)
