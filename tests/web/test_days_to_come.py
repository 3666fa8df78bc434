"""Days at the ends of the calendar, some of them with hits: reports and lists show them, previews and runs refuse."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from configuration.access.tokens import issue
from configuration.models import Property, Token
from processing.ingest.decode import LATEST_MS
from reporting.kinds import parse, render, run
from reporting.model.now import Now
from reporting.read_access import view_of
from reporting.registry.dimensions import DIMENSIONS
from tests.support.installation import access_log
from tests.support.reporting_site import Site, site

pytestmark = pytest.mark.django_db

ZONES = ["UTC", "America/Adak", "Pacific/Kiritimati"]
DAYS = {"start": "9999-12-30", "end": "9999-12-31"}
VIEW = {"type": "string", "field": "eventName", "value": "page_view"}
STEPS = [{"name": name, "filter": VIEW} for name in ("first", "second")]
TIMES = sorted(name for name, dimension in DIMENSIONS.items() if dimension.is_time)
KINDS: list[dict[str, Any]] = [
    *({"date_ranges": [DAYS], "dimensions": [name], "metrics": ["eventCount"]} for name in TIMES),
    {"date_ranges": [DAYS, {"start": "2026-11-01", "end": "9999-12-31"}], "metrics": ["activeUsers"]},
    {"kind": "funnel", "date_range": DAYS, "steps": STEPS},
    {"kind": "paths", "date_range": DAYS},
    *({"kind": "retention", "date_range": DAYS, "granularity": each} for each in ("day", "week", "month")),
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


def send_at_the_end(shop: Site, zone: str) -> None:
    """A page view in the last hour of the calendar, by the UTC clock."""
    Property.objects.filter(pk=shop.property.pk).update(zone=zone)
    item = Property.objects.get(pk=shop.property.pk)
    shop.installation.set_properties([item.receive_settings()])
    line = '192.0.2.1 - - [31/Dec/9998:23:30:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 Firefox/120.0"'
    shop.installation.send(
        access_log(99, line, occurred=LATEST_MS - 1_800_000, property=item.receive_settings()),
    )
    shop.installation.receive()
    shop.installation.worker.seal(everything=True)


@pytest.mark.parametrize("zone", ZONES)
def test_it_works(shop: Site, zone: str) -> None:
    send_at_the_end(shop, zone)
    view = view_of(shop.property.pk)
    totals = {"date_ranges": [DAYS], "metrics": ["eventCount"]}
    assert render(run(parse(totals), view, Now.at_end_of(date(2026, 11, 20), "Etc/UTC")))["rows"][0]["metrics"] == (1,)
    for body in KINDS:
        assert render(run(parse(body), view, Now.at_end_of(date.max, "Etc/UTC")))


def call(shop: Site, method: str, address: str, body: Any = None) -> Any:
    token = issue(shop.user, "any", Token.Scope.CONFIGURE if body else Token.Scope.READ)
    client, path = Client(headers={"Authorization": f"Bearer {token}"}), f"/api/properties/{shop.property.pk}/{address}"
    return client.get(path) if method == "get" else client.post(path, json.dumps(body), "application/json")


def test_lists_may_name_days_to_come(shop: Site) -> None:
    reply = call(shop, "get", "rejected/?from=2000-01-01&to=9999-12-31")
    assert (reply.status_code, reply.json()["count"]) == (200, 1)


@pytest.mark.parametrize(("first", "last"), [("2026-11-01", "9999-12-31"), ("9999-12-31", "9999-12-31")])
@pytest.mark.parametrize("address", ["rules/preview/", "history/"])
def test_work_for_days_to_come_is_refused(shop: Site, address: str, first: str, last: str) -> None:
    shop.user.is_superuser = True
    shop.user.save()
    reply = call(shop, "post", address, {"from": first, "to": last})
    assert reply.status_code == 400, reply.content
    assert f"{last} is after tomorrow" in reply.json()["detail"]
