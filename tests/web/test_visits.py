"""Visits one by one: the list of sessions, one visitor's timeline, and the card of one page."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from reporting import answering
from reporting.kinds.elsewhere import ReportTask
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def reader(shop: Site, client: Client) -> Client:
    client.force_login(shop.user)
    return client


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def without_csrf(text: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_it_works(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/visits/?period=today")
    assert "2 visits on these dates" in text
    visitors = re.findall(rf"/{shop.property.pk}/visits/(\d+)/", text)
    assert len(set(visitors)) == 2
    steps = [
        re.findall(r"<li.*?<bdi>(\w+)</bdi>", page(reader, f"/{shop.property.pk}/visits/{key}/")) for key in visitors
    ]
    assert sorted(event for events in steps for event in events if event == "page_view") == ["page_view"] * 3
    assert sum("sign_up" in events for events in steps) == 1


def test_a_filter(shop: Site, reader: Client) -> None:
    assert "1 visit on these dates" in page(reader, f"/{shop.property.pk}/visits/?period=today&f=pagePath:is:/b")


def test_a_page_says_where_visits_went(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/?period=today&f=pagePath:is:/a")
    card = re.search(r'class="card page-card".*?</section>', text, re.DOTALL)
    assert card
    assert re.search(r"<dt>Entries</dt><dd>2</dd>", card[0])
    assert re.findall(r"<bdi>([^<]+)</bdi>", card[0]) == ["/a", "The visit began here", "/b", "The visit ended here"]


@pytest.mark.parametrize("key", ["1", "99999999999999999999", "abc", "-1"])
def test_nobody_of_this_key(shop: Site, reader: Client, key: str) -> None:
    response = reader.get(f"/{shop.property.pk}/visits/{key}/")
    assert response.status_code == 404 or "No such visitor" in response.content.decode()


def test_only_ones_own_properties(shop: Site, client: Client) -> None:
    other = User.objects.create_user("other")
    Property.objects.create(name="Elsewhere").viewers.add(other)
    client.force_login(other)
    assert client.get(f"/{shop.property.pk}/visits/").status_code == 404


def test_much_is_read_in_a_process_of_its_own(shop: Site, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = list[ReportTask]()

    def run_here(function: Callable[[ReportTask], bytes], task: ReportTask) -> bytes:
        tasks.append(task)
        return function(task)

    monkeypatch.setattr(answering, "run_elsewhere", run_here)
    addresses = [f"/{shop.property.pk}/visits/?period=today", f"/{shop.property.pk}/visits/1/"]
    before = [without_csrf(page(reader, address)) for address in addresses]
    assert not tasks
    monkeypatch.setattr(settings, "HEAVY_STEPS", 1)
    assert [without_csrf(page(reader, address)) for address in addresses] == before
    assert len(tasks) == 2
