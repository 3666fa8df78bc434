"""Shared links: who sees what of a property, for how long, and in whose frames."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from configuration.rule_models import AuditEntry
from reporting.models import Share
from reporting.notes import add
from reporting.shares import MOST_SHARES, MOST_SITES
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

PASSWORD = "a long password"
FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    set_clock(settings, f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def owner(shop: Site, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


def set_clock(settings: Any, moment: str) -> None:
    settings.CLOCK = lambda: datetime.fromisoformat(moment)


def share(owner: Client, shop: Site, **fields: str) -> str:
    """Makes a link with the form -> its path."""
    form = {"name": "For the client", "query": "period=today", "free_period": "on"} | fields
    response = owner.post(f"/{shop.property.pk}/shares/", form)
    assert response.status_code == 302, response.content.decode()
    return f"/shared/{Share.objects.latest('pk').token}/"


def refused(owner: Client, shop: Site, **fields: str) -> str:
    response = owner.post(f"/{shop.property.pk}/shares/", {"name": "For the client"} | fields)
    assert response.status_code == 400
    assert Share.objects.count() == 0
    return str(response.content.decode())


def page(address: str, browser: Client | None = None) -> str:
    response = (browser or Client()).get(address)
    assert response.status_code == 200
    return str(response.content.decode())


def views(text: str) -> str:
    found = re.search(r'data-metric="screenPageViews">.*?class="figure">([^<]+)<', text, re.DOTALL)
    assert found
    return found[1]


def test_it_works(shop: Site, owner: Client) -> None:
    address = share(owner, shop)
    text = page(address)
    assert views(text) == views(page(f"/{shop.property.pk}/?period=today", owner)) == "3"
    assert f'href="http://testserver{address}"' in page(f"/{shop.property.pk}/shares/", owner)
    assert AuditEntry.objects.get(action="link shared").subject == "For the client"


def test_it_leads_nowhere_else(shop: Site, owner: Client) -> None:
    """Neither to the pages of the property, nor to single visitors, rejected hits, notes and authors."""
    add(shop.property, datetime.fromisoformat(DAY).date(), "A secret plan", shop.user)
    address = share(owner, shop, query="period=today&f=pagePath:is:/a")
    for text in (page(address), page(f"{address}panels/?period=today")):
        linked = re.findall(r'(?:href|action|data-source|data-without)="([^"]*)"', text)
        outside = [each for each in linked if not each.startswith(("?", "/static/", "#", address))]
        assert outside == []
        for word in ("A secret plan", "rejected", "reader", "csrfmiddlewaretoken", shop.property.measurement_id):
            assert word not in text


def test_an_empty_property(shop: Site, owner: Client) -> None:
    empty = Property.objects.create(name="New")
    owner.post(f"/{empty.pk}/shares/", {"name": "Link"})
    text = page(f"/shared/{Share.objects.get().token}/")
    assert "No data yet" in text
    assert empty.measurement_id not in text


def test_filters_are_the_links(shop: Site, owner: Client) -> None:
    address = share(owner, shop, query="period=today&f=pagePath:is:/a")
    for asked in ("", "?f=pagePath:is:/b", "?f=", "?fd=pagePath&fo=is&fv=/b", "?q=b&property=2&segment=1"):
        assert views(page(address + asked)) == views(page(f"{address}panels/{asked}")) == "2"


@pytest.mark.parametrize("query", ["period=today", f"from={DAY}&to={DAY}"])
def test_a_free_period(shop: Site, owner: Client, query: str) -> None:
    address = share(owner, shop, query=query)
    assert views(page(address)) == "3"
    assert views(page(f"{address}?period=yesterday")) == "0"
    assert views(page(f"{address}?from=2026-11-01&to=2026-11-02")) == "0"


@pytest.mark.parametrize("query", ["period=today", f"from={DAY}&to={DAY}"])
def test_a_fixed_period(shop: Site, owner: Client, query: str) -> None:
    address = share(owner, shop, query=query, free_period="")
    text = page(address)
    assert "days-form" not in text
    for asked in ("period=yesterday", "from=2026-11-01&to=2026-11-02", "compare=none"):
        assert views(page(f"{address}?{asked}")) == "3"
    assert "vs." not in text


def test_the_chart_and_the_tabs_are_free(shop: Site, owner: Client) -> None:
    address = share(owner, shop, query="period=7d", free_period="")
    text = page(f"{address}?metric=sessions&by=hour")
    assert re.search(r'data-metric="sessions">\s*<h2><a[^>]*aria-current="true"', text)
    assert re.search(r'aria-current="true">Hour', text)


def test_what_an_address_cannot_mean_is_named(shop: Site, owner: Client) -> None:
    assert "is not a period" in page(f"{share(owner, shop)}?period=nonsense")


def test_a_password(shop: Site, owner: Client) -> None:
    address, visitor = share(owner, shop, password=PASSWORD), Client()
    text = page(address, visitor)
    assert "This page has a password" in text
    assert "Shop" not in text
    assert visitor.get(f"{address}panels/").status_code == 404
    wrong = visitor.post(f"{address}open/", {"password": "another password"})
    assert wrong.status_code == 403
    assert "not the right one" in wrong.content.decode()
    assert views_after(visitor, address) == "3"
    assert PASSWORD not in Share.objects.get().password
    assert "This page has a password" in page(address)


def views_after(visitor: Client, address: str) -> str:
    assert visitor.post(f"{address}open/", {"password": PASSWORD}).status_code == 302
    return views(page(address, visitor))


def test_a_password_opens_one_link(shop: Site, owner: Client) -> None:
    first, second = share(owner, shop, password=PASSWORD), share(owner, shop, password=PASSWORD)
    visitor = Client()
    assert views_after(visitor, first) == "3"
    assert "This page has a password" in page(second, visitor)


def test_a_new_password_closes_what_the_old_one_opened(shop: Site, owner: Client) -> None:
    address, visitor = share(owner, shop, password=PASSWORD), Client()
    views_after(visitor, address)
    share(owner, shop, password="a different one")
    Share.objects.filter(token=address.split("/")[2]).update(password=Share.objects.latest("pk").password)
    assert "This page has a password" in page(address, visitor)


def test_passwords_cannot_be_tried_for_long(shop: Site, owner: Client, settings: Any) -> None:
    settings.SIGN_IN_TRIES = 2
    address, visitor = share(owner, shop, password=PASSWORD), Client()
    tried = [visitor.post(f"{address}open/", {"password": f"wrong {number}"}) for number in range(3)]
    assert [each.status_code for each in tried] == [403, 403, 429]
    assert int(tried[-1]["Retry-After"]) > 0
    assert visitor.post(f"{address}open/", {"password": PASSWORD}).status_code == 429
    assert owner.get(f"/{shop.property.pk}/").status_code == 200


def test_a_form_of_another_site_opens_nothing(shop: Site, owner: Client) -> None:
    address, visitor = share(owner, shop, password=PASSWORD), Client(enforce_csrf_checks=True)
    assert visitor.post(f"{address}open/", {"password": PASSWORD}).status_code == 403
    checking = Client(enforce_csrf_checks=True)
    checking.force_login(User.objects.get(username="owner"))
    assert checking.post(f"/{shop.property.pk}/shares/", {"name": "Link"}).status_code == 403
    assert checking.post(f"/{shop.property.pk}/shares/1/delete/").status_code == 403
    assert Share.objects.count() == 1


def test_a_link_without_a_password_takes_none(shop: Site, owner: Client) -> None:
    address = share(owner, shop)
    assert Client().post(f"{address}open/", {"password": ""})["Location"] == address


@pytest.mark.parametrize(
    ("moment", "status"), [(f"{DAY}T23:59:59+01:00", 200), ("2026-11-21T00:00:00+01:00", 404)]
)  # the property is in Berlin
def test_it_expires_at_the_end_of_the_local_day(
    shop: Site, owner: Client, settings: Any, moment: str, status: int
) -> None:
    address = share(owner, shop, expires=DAY)
    set_clock(settings, moment)
    for path in (address, f"{address}panels/"):
        assert Client().get(path).status_code == status
    assert Client().post(f"{address}open/").status_code == (302 if status == 200 else status)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"expires": "2026-11-19"}, "would have expired already"),
        ({"expires": "9999-12-31"}, "is not a day up to"),
        ({"expires": "tomorrow"}, "is not a day up to"),
        ({"name": " \0\n"}, "Give the link a name"),
        ({"name": "x" * 101}, "Give the link a name"),
        ({"password": "short"}, "at least 8 characters"),
        ({"query": "f=" + "x" * 8_000}, "too long"),
        ({"sites": "https://a.example/path"}, "is not the address of a site"),
        ({"sites": "https://a.example; script-src *"}, "is not the address of a site"),
        ({"sites": "https://*.example"}, "is not the address of a site"),
        ({"sites": "javascript:alert(1)"}, "is not the address of a site"),
        ({"sites": f"https://{'a' * 254}"}, "is not the address of a site"),
        ({"sites": "\n".join(f"https://a{number}.example" for number in range(MOST_SITES + 1))}, "At most"),
    ],
)
def test_what_a_link_cannot_be(shop: Site, owner: Client, fields: dict[str, str], words: str) -> None:
    assert words in refused(owner, shop, **fields)


def test_a_refused_form_shares_no_more_than_was_asked(shop: Site, owner: Client) -> None:
    text = refused(owner, shop, password="short")
    assert re.search(r'name="free_period">', text)
    assert "Then write the password again." in text
    assert "short" not in text


def test_signs_that_no_database_keeps(shop: Site, owner: Client) -> None:
    address = share(owner, shop, name="a\0b", query="period=today&f=pagePath:is:/\0")
    found = Share.objects.get()
    assert "\0" not in found.name + found.query
    assert views(page(address)) == "0"


def test_there_are_so_many(shop: Site, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_SHARES
    monkeypatch.setattr("reporting.shares.MOST_SHARES", 1)
    share(owner, shop)
    response = owner.post(f"/{shop.property.pk}/shares/", {"name": "Another"})
    assert "has 1 links already" in response.content.decode()


def test_nobody_frames_it(shop: Site, owner: Client) -> None:
    response = Client().get(share(owner, shop))
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_the_named_sites_frame_it(shop: Site, owner: Client, password: str) -> None:
    address = share(owner, shop, sites=" https://A.example/ \n\nhttp://b.example:8080", password=password)
    answers = [Client().get(address)]
    answers += [Client().post(f"{address}open/", {"password": "wrong"})] if password else []
    answers += [] if password else [Client().get(f"{address}panels/")]
    for response in answers:
        policy = response["Content-Security-Policy"]
        assert policy.endswith("frame-ancestors https://a.example http://b.example:8080")
        assert not response.has_header("X-Frame-Options")
        assert not response.has_header("Hitstream-Framed-By")
    own = owner.get(f"/{shop.property.pk}/")
    assert own["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in own["Content-Security-Policy"]


def test_a_password_is_asked_for_outside_of_a_frame(shop: Site, owner: Client) -> None:
    address = share(owner, shop, sites="https://a.example", password=PASSWORD)
    framed = Client().get(address, headers=FRAME).content.decode()
    assert "<form" not in framed
    assert re.search(rf'href="{address}" target="_blank" rel="noopener"', framed)
    assert "<form" in Client().get(address, headers=FRAME | {"Sec-Fetch-Site": "same-site"}).content.decode()


def test_no_cache_keeps_it(shop: Site, owner: Client) -> None:
    open_, closed = share(owner, shop), share(owner, shop, password=PASSWORD)
    for path in (open_, f"{open_}panels/", closed):
        assert Client().get(path)["Cache-Control"] == "private, no-cache"
    assert "Cookie" in Client().get(closed)["Vary"]


def test_the_tag_is_of_what_is_shown(shop: Site, owner: Client) -> None:
    first, filtered = share(owner, shop), share(owner, shop, query="period=today&f=pagePath:is:/a")
    addresses = [f"{first}panels/", f"{first}panels/?period=7d", f"{filtered}panels/"]
    tags = [Client().get(each)["ETag"] for each in addresses]
    assert len(set(tags)) == 3
    for address, tag in zip(addresses, tags, strict=True):
        assert Client().get(address, headers={"If-None-Match": tag}).status_code == 304
    assert Client().get(addresses[0], headers={"If-None-Match": tags[1]}).status_code == 200


@pytest.mark.parametrize("token", ["nothing", "0", "-1", "x" * 200])
def test_no_such_link(shop: Site, token: str) -> None:
    for path in ("", "panels/"):
        assert Client().get(f"/shared/{token}/{path}").status_code == 404
    assert Client().post(f"/shared/{token}/open/").status_code == 404


def test_a_deleted_link(shop: Site, owner: Client) -> None:
    address, visitor = share(owner, shop, password=PASSWORD), Client()
    views_after(visitor, address)
    assert owner.post(f"/{shop.property.pk}/shares/{Share.objects.get().pk}/delete/").status_code == 302
    assert visitor.get(address).status_code == visitor.get(f"{address}panels/").status_code == 404
    assert AuditEntry.objects.get(action="link deleted").subject == "For the client"


def test_a_deleted_property(shop: Site, owner: Client) -> None:
    address = share(owner, shop)
    Property.objects.filter(pk=shop.property.pk).update(deleted_at=datetime.fromisoformat(f"{DAY}T15:00:00+01:00"))
    assert Client().get(address).status_code == 404


def test_who_makes_and_deletes_links(shop: Site, owner: Client) -> None:
    share(owner, shop)
    other = Property.objects.create(name="Elsewhere")
    number = Share.objects.get().pk
    assert owner.post(f"/{other.pk}/shares/{number}/delete/").status_code == 404
    assert owner.post(f"/{shop.property.pk}/shares/{10**30}/delete/").status_code == 404
    assert owner.get(f"/{shop.property.pk}/shares/{number}/delete/").status_code == 405
    viewer = Client()
    viewer.force_login(shop.user)
    assert viewer.get(f"/{shop.property.pk}/shares/").status_code == 403
    assert viewer.post(f"/{shop.property.pk}/shares/", {"name": "Link"}).status_code == 403
    assert viewer.post(f"/{shop.property.pk}/shares/{number}/delete/").status_code == 403
    assert viewer.post(f"/{other.pk}/shares/", {"name": "Link"}).status_code == 404
    signed_out = Client().post(f"/{shop.property.pk}/shares/", {"name": "Link"})
    assert signed_out["Location"].startswith("/sign-in/")
    assert Share.objects.count() == 1


def test_hostile_words(shop: Site, owner: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    shop.property.name = hostile
    shop.property.save()
    address = share(owner, shop, name=hostile, query=f"period=today&f=pagePath:is:{hostile}")
    for text in (page(address), page(f"/{shop.property.pk}/shares/?query={hostile}", owner)):
        assert "<script>alert" not in text


def test_every_tab_can_be_opened(shop: Site, owner: Client) -> None:
    """Also the first one, where the link opens another."""
    address = share(owner, shop, query="period=today&pages=entry")
    tab = re.search(r'href="(\?[^"]*)" data-swap>Top', page(address))
    assert tab
    assert re.search(r'data-swap aria-current="true">Top', page(address + tab[1].replace("&amp;", "&")))


def test_another_period_has_its_own_intervals(shop: Site, owner: Client) -> None:
    address = share(owner, shop, query="period=today&by=minute")
    assert 'class="complaint"' not in page(f"{address}?period=365d")
