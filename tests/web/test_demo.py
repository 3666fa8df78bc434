"""The demo shop as a newcomer sees it: every panel has something true to show."""

import html
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from configuration.models import Property, RulesVersion
from processing.workers.wiring import make_worker
from reporting import read_access
from reporting.clock import now_in
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report
from tests.web.test_dashboard import figures, page

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)
DAYS = 9


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Property]:
    settings.DATA, settings.LOG_URL = tmp_path, f"sqlite://{tmp_path}/log"
    settings.STORE_URL = f"sqlite://{tmp_path}/store"
    _forget()
    call_command("demo", "--days", str(DAYS), "--hits", "6000", stdout=io.StringIO())
    worker = make_worker()
    worker.start()
    while worker.receiver.receive(at_once=True):
        pass
    yield Property.objects.get()
    _forget()


def _forget() -> None:
    for kept in (read_access.view_cache, read_access.log, read_access.pending_hits):
        kept.cache_clear()


def rows(shop: Property, *metrics: str, by: str = "") -> dict[str, tuple[float, ...]]:
    days = (DateRange(f"{DAYS - 1}daysAgo", "today"),)
    report = Report(date_ranges=days, metrics=metrics, dimensions=(by,) if by else ())
    answer = run(report, read_access.view_of(shop.pk), Now.at(now_in(shop.zone)))
    return {row.dimensions[0] if by else "": row.metrics for row in answer.rows}


def test_it_works(shop: Property, client: Client, administrator: User) -> None:
    client.force_login(administrator)
    text = html.unescape(page(client, f"/{shop.pk}/?period=28d"))
    assert "(not set)" not in text
    assert "HITSTREAM_PLACES" not in text
    assert all(value not in {"0", "0.0%", "0s"} for value in figures(text).values())
    assert "; no earlier data to compare." in text
    assert "by Hitstream – ‘Orders and new accounts are goals" in text
    assert 'id="reason-bot"' in page(client, f"/{shop.pk}/not-counted/?period=28d")
    events = page(client, f"/{shop.pk}/?period=28d&goals=events")
    assert 'title="page_view"' in events
    assert 'title="scroll"' not in events


def test_its_goals_have_worth(shop: Property) -> None:
    goals = rows(shop, "keyEvents", "keyEventValue", by="eventName")
    assert {name for name, (count, _) in goals.items() if count} == {"purchase", "sign_up"}
    assert goals["purchase"][1] > 10 * goals["purchase"][0]
    assert goals["sign_up"] == (goals["sign_up"][0], 2.5 * goals["sign_up"][0])


def test_its_visitors_are_somewhere(shop: Property) -> None:
    assert len(rows(shop, "totalUsers", by="country")) > 10
    assert "Germany" in rows(shop, "totalUsers", by="country")
    assert "(not set)" not in rows(shop, "totalUsers", by="country")


def test_its_rules_make_groups(shop: Property) -> None:
    groups = rows(shop, "screenPageViews", by="contentGroup:Section")
    assert {"Shop", "Products", "Guides", "Checkout", "Other pages"} <= groups.keys()
    assert RulesVersion.objects.filter(property_number=shop.pk).count() == 2
