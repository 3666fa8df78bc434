"""The page of the last 30 minutes: people, minutes, tables, and each hit with what became of it."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from reporting.dashboard.realtime import FEED
from tests.support.installation import NOON, access_log, ga4
from tests.support.reporting_site import MINUTE, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    set_minutes(settings, 10)
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def reader(shop: Site, client: Client) -> Client:
    client.force_login(shop.user)
    return client


def set_minutes(settings: Any, after_noon: float) -> None:
    moment = datetime.fromtimestamp((NOON + after_noon * MINUTE) / 1000).astimezone()
    settings.CLOCK = lambda: moment


def page(client: Client, shop: Site, fragment: str = "") -> str:
    response = client.get(f"/{shop.property.pk}/realtime/{fragment}")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-cache"
    return str(response.content.decode())


def online(text: str) -> int:
    found = re.search(r"data-online>(\d+)<", text)
    assert found
    return int(found[1])


def feed(text: str) -> list[str]:
    return [re.sub(r"<[^>]*>|\s+", " ", each).strip() for each in re.findall(r"<li.*?</li>", text)]


def test_it_works(shop: Site, reader: Client) -> None:
    text = page(reader, shop)
    assert online(text) == 0
    assert dict(re.findall(r"<dt>([^<]+), 30 min</dt><dd>(\d+)</dd>", text)) == {
        "Visitors": "2",
        "Views": "3",
        "Events": "4",
        "Goals": "0",
    }
    bars = re.findall(r"<title>(\d\d:\d\d): (\d+)</title>", text)
    assert len(bars) == 30
    assert [bar for bar in bars if bar[1] != "0"] == [("13:00", "2"), ("13:01", "1")]
    assert len(feed(text)) == 5
    assert "Not counted:" in "".join(feed(text))
    fragment = page(reader, shop, "panels/")
    assert "<html" not in fragment
    assert fragment.strip() in text


@pytest.mark.parametrize(("minutes", "people"), [(0, 2), (4.99, 2), (5, 1), (5.99, 1), (6, 0)])
def test_who_is_online(shop: Site, reader: Client, settings: Any, minutes: float, people: int) -> None:
    """This minute and the four before it. One visitor was there in minute 0, the other in 0 and 1."""
    set_minutes(settings, minutes)
    assert online(page(reader, shop)) == people


def test_after_half_an_hour_it_is_empty(shop: Site, reader: Client, settings: Any) -> None:
    set_minutes(settings, 45)
    text = page(reader, shop)
    assert "Nothing arrived in the last 30 minutes" in text
    assert feed(text) == []


def test_the_feed_is_newest_first_and_short(shop: Site, reader: Client) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    shop.installation.send(
        *(ga4(100 + n, page=f"https://shop.example/{n}", at=NOON + 2 * MINUTE + n * 1000, **known) for n in range(40))
    )
    shop.installation.receive()
    shown = feed(page(reader, shop))
    assert len(shown) == FEED
    assert [re.search(r"shop\.example/(\d+)", hit)[1] for hit in shown] == [str(n) for n in range(39, 39 - FEED, -1)]  # type: ignore[index]


def test_hostile_hits(shop: Site, reader: Client) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    shop.installation.send(
        ga4(100, event=HOSTILE, page=f"https://shop.example/{HOSTILE}", at=NOON + MINUTE, utm_source=HOSTILE, **known),
        access_log(101, HOSTILE, at=NOON + MINUTE, occurred=NOON + MINUTE, **known),
    )
    shop.installation.receive()
    text = page(reader, shop)
    assert "alert(1)" in text
    assert "<script>alert" not in text


def test_only_ones_own_properties(shop: Site) -> None:
    client, other = Client(), User.objects.create_user("other")
    Property.objects.create(name="Elsewhere").viewers.add(other)
    address = f"/{shop.property.pk}/realtime/"
    assert client.get(address)["Location"].startswith("/sign-in/")
    client.force_login(other)
    assert client.get(address).status_code == client.get(f"{address}panels/").status_code == 404
