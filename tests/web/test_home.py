"""The home page: all properties of a user, found, ordered and added up, in little time however many there are."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from processing.store.port import StoreUnavailable
from reporting.dashboard import home, summaries
from reporting.dashboard.home import PAGE
from reporting.dashboard.summaries import Summary, summary_of
from reporting.read_access import view_of
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import DAY, MINUTE, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

HOUR = 60 * MINUTE
SOME = Summary(visitors=3, before=0, views=4, today=2, online=1, line=(0,) * 27 + (2,))


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def owner(shop: Site, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(home, "BUDGET_S", 600.0)  # so that a slow machine shows the same
    client.force_login(User.objects.create_superuser("owner"))
    return client


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The properties whose numbers were computed; none of them is read."""
    numbers = list[int]()

    def whole(view: Any, now: datetime) -> Summary:
        numbers.append(view)
        return SOME

    monkeypatch.setattr(summaries, "_pin", lambda number: (number, datetime(2026, 11, 20, tzinfo=UTC)))
    monkeypatch.setattr(summaries, "_key", lambda view, now: (view, now))
    monkeypatch.setattr(summaries, "_online", lambda view, now: 0)
    monkeypatch.setattr(summaries, "_whole", whole)
    monkeypatch.setattr(summaries, "_kept", {})
    return numbers


def page(client: Client, query: str = "") -> str:
    response = client.get(f"/{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def names(text: str) -> list[str]:
    return re.findall(r"<h3><a[^>]*><bdi>([^<]*)</bdi>", text)


def sums(text: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))


def test_it_works(shop: Site, owner: Client) -> None:
    Property.objects.create(name="Another")
    text = page(owner)
    assert names(text) == ["Another", "Shop"]
    assert sums(text) == {"Online now": "0", "Visitors today": "2", "Visitors, 7 days": "2", "Views, 7 days": "3"}
    assert "Sums over 2 properties" in text
    assert f'href="/{shop.property.pk}/"' in text


def test_the_numbers_are_those_of_the_api(shop: Site, owner: Client) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    hits = [(f"{number}.{number}", NOON - number * 24 * HOUR) for number in (1, 3, 6, 7, 9, 13, 20)]
    shop.installation.send(*(ga4(100 + n, client=client, at=at, **known) for n, (client, at) in enumerate(hits)))
    shop.installation.receive()

    def asked(first: str, last: str, *dimensions: str) -> list[Any]:
        body = {
            "date_ranges": [{"start": first, "end": last}],
            "dimensions": dimensions,
            "metrics": ["totalUsers", "screenPageViews"],
        }
        reply = owner.post(f"/api/properties/{shop.property.pk}/report/", body, content_type="application/json")
        assert reply.status_code == 200, reply.content
        return list(reply.json()["rows"])

    summary = summary_of(shop.property.pk)
    assert [summary.visitors, summary.views] == asked("6daysAgo", "today")[0]["metrics"]
    assert summary.before == asked("13daysAgo", "7daysAgo")[0]["metrics"][0]  # all of its last day was before 15:30
    by_day = {row["dimensions"][0]: row["metrics"][0] for row in asked("27daysAgo", "today", "date")}
    days = [datetime.fromisoformat(DAY) - timedelta(days=ago) for ago in range(27, -1, -1)]
    assert list(summary.line) == [by_day.get(f"{day:%Y%m%d}", 0) for day in days]
    assert summary.today == summary.line[-1] == 2


def test_the_days_before_are_counted_up_to_the_time_of_day(shop: Site, settings: Any) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    shop.installation.send(ga4(9, client="9.9", at=NOON - 7 * 24 * HOUR + 4 * HOUR, **known))
    shop.installation.receive()
    hours = {}
    for hour in (15, 20):  # with no new hit between them
        settings.CLOCK = lambda hour=hour: datetime.fromisoformat(f"{DAY}T{hour}:00:00+01:00")
        hours[hour] = summary_of(shop.property.pk).before
    assert hours == {15: 0, 20: 1}


def test_online_is_as_on_the_realtime_page(shop: Site, owner: Client, settings: Any) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    for ago in range(8):
        shop.installation.send(ga4(50 + ago, client=f"7.{ago}", at=NOON + 30 * MINUTE - ago * MINUTE, **known))
    shop.installation.receive()
    for seconds in (0, 30, 59):
        moment = datetime.fromtimestamp((NOON + 30 * MINUTE) / 1000 + seconds).astimezone()
        settings.CLOCK = lambda moment=moment: moment
        live = owner.get(f"/{shop.property.pk}/realtime/").content.decode()
        found = re.search(r"data-online>(\d+)<", live)
        assert found
        assert summary_of(shop.property.pk).online == int(found[1]) == 5


def test_one_property_is_opened(shop: Site, client: Client) -> None:
    client.force_login(shop.user)
    assert client.get("/")["Location"] == f"/{shop.property.pk}/"


def test_nobody_sees_the_properties_of_others(shop: Site, client: Client) -> None:
    user = User.objects.create_user("agency")
    for name in ("Mine", "Ours"):
        Property.objects.create(name=name).viewers.add(user)
    client.force_login(user)
    assert names(page(client)) == ["Mine", "Ours"]
    assert names(page(client, "?q=shop")) == []


def test_search_and_tags(shop: Site, owner: Client) -> None:
    for name, tag in (("Straße", "agency"), ("Blog", "agency"), ("<b>Bold</b>", '"><script>')):
        Property.objects.create(name=name, tag=tag)
    assert names(page(owner, "?q=STRASSE")) == ["Straße"]
    assert names(page(owner, "?tag=agency")) == ["Blog", "Straße"]
    assert names(page(owner, "?tag=agency&q=blog")) == ["Blog"]
    assert "No property is called that" in page(owner, "?q=nothing")
    text = page(owner, "?q=%22%3E%3Cscript%3E")
    assert "<script>" not in text.replace("<script src=", "")
    assert "<b>Bold" not in page(owner)


def test_order(shop: Site, owner: Client) -> None:
    Property.objects.create(name="Another")
    assert names(page(owner, "?sort=visitors")) == ["Shop", "Another"]
    assert names(page(owner, "?sort=growth")) == ["Shop", "Another"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?sort=size", "“size” is not an order"),
        ("?tag=gone", "No property has the tag “gone”"),
        ("?page=x", "“x” is not a page"),
        ("?page=0", "“0” is not a page"),
        ("?page=9", "There is no page 9; this is the last one, 1."),
        (f"?q={'x' * 101}", "Only the first 100 characters"),
        ("?colour=red", "knows no “colour”"),
    ],
)
def test_what_an_address_cannot_mean_is_named(shop: Site, owner: Client, query: str, words: str) -> None:
    Property.objects.create(name="Another")
    text = page(owner, query)
    assert words in text
    assert names(text) == ([] if query.startswith("?q=") else ["Another", "Shop"])


def test_pages_of_many(shop: Site, owner: Client, computed: list[int]) -> None:
    Property.objects.bulk_create(
        Property(name=f"Site {number:04d}", measurement_id=f"G-MANY{number:06d}") for number in range(1000)
    )
    seen = list[str]()
    query = "?q=site"
    for _ in range(1000 // PAGE + 1):
        text = page(owner, query)
        seen += names(text)
        following = re.search(r'href="([^"]*)" rel="next"', text)
        query = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Site {number:04d}" for number in range(1000)]
    assert query == ""


def test_no_more_is_computed_than_there_is_time_for(shop: Site, computed: list[int]) -> None:
    ticks = count()
    found = summaries.summaries(range(1000), 1_100, clock=lambda: float(next(ticks)))
    assert list(found) == computed == list(range(len(computed)))
    assert 90 <= len(computed) <= 110
    again = summaries.summaries(range(1000), 1_100, clock=lambda: float(next(ticks)))
    assert set(found) < set(again)  # what is ready costs nothing, so each time there are more
    assert len(computed) == len(set(computed))


def test_even_without_time_each_answer_has_more(shop: Site, computed: list[int]) -> None:
    ticks = count()
    clock = [0.0]
    for number in range(1, 4):
        found = summaries.summaries(range(3), 0.0, clock=lambda: clock[0] if next(ticks) else 0.0)
        assert len(found) >= number


def test_what_is_missing_follows(shop: Site, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Property.objects.create(name="Another")
    monkeypatch.setattr(home, "summaries", lambda numbers, budget: {})
    text = page(owner)
    assert "The numbers of 2 more are being computed" in text
    assert text.count("The numbers are being computed.") == 2


def test_what_cannot_be_read_is_not_asked_for_again(shop: Site, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Property.objects.create(name="Broken")

    def view(number: int) -> Any:
        if number == broken.pk:
            raise StoreUnavailable("gone")
        return view_of(number)

    monkeypatch.setattr(summaries, "view_of", view)
    text = page(owner)
    assert "The numbers cannot be read now" in text
    assert "data-again" not in text
    assert "Sums over 1 property." in text
