"""The dashboard's pages over real hits: who sees what, which days, hostile text, what is said when all fails."""

import html
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from reporting.dashboard import overview
from reporting.dashboard.panels import readable_path
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY, pack
from tests.support.installation import NOON, access_log, ga4
from tests.support.reporting_site import DAY, MINUTE, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

HOSTILE = "/<script>alert(1)</script>\"'\u202e"
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)


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


def figures(text: str) -> dict[str, str]:
    return dict(re.findall(r'data-metric="(\w+)".*?class="figure">([^<]*)<', text, re.DOTALL))


def chart(text: str) -> Any:
    found = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', text)
    assert found
    return json.loads(found[1])


def test_it_works(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/?period=today")
    assert figures(text) == {
        "totalUsers": "2",
        "sessions": "2",
        "screenPageViews": "3",
        "engagementRate": "50.0%",
        "averageSessionDuration": "32s",
        "keyEvents": "0",
    }
    assert "accepted 5 hits: 4 counted, 1 rejected, 0 pending" in text
    assert "not a line of a log" in page(reader, f"/{shop.property.pk}/not-counted/?period=today")


def test_strangers_are_sent_to_sign_in(shop: Site, client: Client) -> None:
    for address in ("/", f"/{shop.property.pk}/", f"/{shop.property.pk}/panels/", f"/{shop.property.pk}/not-counted/"):
        response = client.get(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/sign-in/?next=")


def test_signing_in_leads_back(shop: Site, client: Client) -> None:
    shop.user.set_password("a long password")
    shop.user.save()
    wrong = client.post("/sign-in/", {"username": "reader", "password": "guess"})
    assert "Wrong user name or password" in wrong.content.decode()
    form = {"username": "reader", "password": "a long password", "next": f"/{shop.property.pk}/"}
    assert client.post("/sign-in/", form).headers["Location"] == f"/{shop.property.pk}/"
    elsewhere = client.post("/sign-in/", form | {"next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/"


def test_only_ones_own_properties(shop: Site, reader: Client) -> None:
    other = Property.objects.create(name="A secret of others")
    assert "A secret of others" not in page(reader, f"/{shop.property.pk}/")
    assert reader.get("/").headers["Location"] == f"/{shop.property.pk}/"
    for address in (f"/{other.pk}/", f"/{other.pk}/panels/"):
        response = reader.get(address)
        assert response.status_code == 404
        assert "Page not found" in response.content.decode()
        assert "A secret" not in response.content.decode()


@pytest.mark.parametrize("number", ["999", "0", "9223372036854775808", "9" * 40])
def test_unknown_numbers(reader: Client, number: str) -> None:
    response = reader.get(f"/{number}/")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_links_to_the_set_up_are_for_staff(shop: Site, reader: Client, administrator: User) -> None:
    address = f"/{shop.property.pk}/"
    assert "/admin/" not in page(reader, address)
    reader.force_login(administrator)
    text = page(reader, address)
    assert f"/admin/configuration/property/{shop.property.pk}/change/" in text
    assert 'href="/admin/"' in text


def test_without_properties(client: Client, administrator: User) -> None:
    client.force_login(User.objects.create_user("nobody"))
    assert "Ask an administrator" in page(client, "/")
    client.force_login(administrator)
    assert "/admin/configuration/property/add/" in page(client, "/")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", "24 Oct – 20 Nov 2026"),
        ("?period=yesterday", "19 Nov 2026"),
        ("?period=7d", "14 Nov – 20 Nov 2026"),
        ("?period=365d", "21 Nov 2025 – 20 Nov 2026"),
        ("?from=2026-11-01&to=2026-11-03", "1 Nov – 3 Nov 2026"),
        ("?from=2026-11-03&to=2026-11-01", "1 Nov – 3 Nov 2026"),
        ("?from=2026-11-19&to=9999-12-31", "19 Nov – 20 Nov 2026"),
        ("?from=0001-01-01&to=0001-01-02", "2 Jan 2000"),
        ("?from=2026-02-30&to=2026-03-01", "24 Oct – 20 Nov 2026"),
        ("?from=2026-11-01", "24 Oct – 20 Nov 2026"),
        ("?period=%00%F0%9F%92%A9", "24 Oct – 20 Nov 2026"),
    ],
)
def test_periods(shop: Site, reader: Client, query: str, shown: str) -> None:
    text = page(reader, f"/{shop.property.pk}/{query}")
    assert f'<span class="days">{shown}</span></summary>' in text


def test_every_day_since_2000(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/?from=0001-01-01&to=9999-12-31")
    assert figures(text)["screenPageViews"] == "3"


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("?period=7d&compare=year&f=pagePath:is:/a&pages=hosts", "?period=7d&amp;compare=year"),
        ("?from=2026-11-01&to=2026-11-02", "?from=2026-11-01&amp;to=2026-11-02"),
    ],
)
def test_another_property_is_shown_for_the_same_days(shop: Site, reader: Client, query: str, kept: str) -> None:
    other = Property.objects.create(name="Another")
    other.viewers.add(shop.user)
    text = page(reader, f"/{shop.property.pk}/{query}")
    assert f'<a href="/{other.pk}/{kept}"><bdi>Another</bdi></a>' in text


def test_compared_with_the_time_before(shop: Site, reader: Client) -> None:
    yesterday = NOON - 24 * 60 * MINUTE
    settings: Any = shop.property.receive_settings()
    shop.installation.send(*(ga4(9 + n, at=yesterday, client=f"{n}.9", property=settings) for n in range(2)))
    shop.installation.receive()
    text = page(reader, f"/{shop.property.pk}/?period=today")
    assert '<span class="up">+50.0%</span> <span class="was">from 2</span>' in text
    assert "compared with 19 Nov 2026, up to the same time (15:30)." in text


def test_hours_to_come_are_not_drawn(shop: Site, reader: Client) -> None:
    whole, last = chart(page(reader, f"/{shop.property.pk}/?period=today"))["data"][2:]
    assert (last["name"], last["x"], last["y"]) == ("Views", [f"{DAY}T15:00:00"], [0])
    assert dict(zip(whole["x"], whole["y"], strict=True))[f"{DAY}T13:00:00"] == 3


def test_a_day_that_is_over_is_drawn_whole(shop: Site, reader: Client) -> None:
    settings: Any = shop.property.receive_settings()
    shop.installation.send(ga4(9, at=NOON - 48 * 60 * MINUTE, property=settings))
    shop.installation.receive()
    traces = chart(page(reader, f"/{shop.property.pk}/?period=yesterday"))["data"]
    shown = [(trace["name"], trace["line"].get("dash", ""), len(trace["x"])) for trace in traces]
    both = [("Visitors", "dash"), ("Visitors", ""), ("Views", "dash"), ("Views", "")]
    assert shown == [(name, dash, 24) for name, dash in both]


def test_text_of_hits_stays_text(shop: Site, reader: Client) -> None:
    known: Any = {"property": shop.property.receive_settings()}
    shop.installation.send(
        ga4(20, page=f"https://shop.example{HOSTILE}", event="page_view", dr=f"https://x.example{HOSTILE}", **known),
        ga4(21, event="</script><img src=x onerror=alert(1)>", cs=HOSTILE, cm="<b>", session="9", **known),
        access_log(22, f"{HOSTILE} \x1b[31m is no line", **known),
    )
    shop.installation.receive()
    Property.objects.filter(pk=shop.property.pk).update(name="</title><script>alert(2)</script>")
    number = shop.property.pk
    left_out = page(reader, f"/{number}/not-counted/?period=today")
    text = page(reader, f"/{number}/?period=today&sources=sources&goals=events")
    for shown in (text, left_out, page(reader, f"/{number}/details/sources/sources/?period=today")):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "</title><script>" not in shown
        assert HOSTILE.replace("\u202e", "") in html.unescape(shown).replace("\u202e", "")
    assert len(re.findall(r"<bdi[^>]*>[^<]*\u202e", text)) >= 1


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/%E6%97%A5%E6%9C%AC", "/日本"),
        ("/a%20b", "/a%20b"),
        ("/%E2%80%AEgnp.exe", "/%E2%80%AEgnp.exe"),
        ("/%FF", "/%FF"),
        ("/%0a", "/%0a"),
    ],
)
def test_paths_are_readable(path: str, shown: str) -> None:
    assert readable_path(path) == shown


def test_nothing_inline_and_nothing_from_elsewhere(shop: Site, reader: Client, administrator: User) -> None:
    reader.force_login(administrator)
    for address in ("/sign-in/", f"/{shop.property.pk}/", "/admin/", "/nothing-here"):
        response = reader.get(address)
        text = response.content.decode()
        assert response.headers["Content-Security-Policy"] == POLICY
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style", text)
        assert not re.search(r'(src|href)="(https?:)?//', text)
        assert not re.search(r'<script(?![^>]*(src=|type="application/json"))', text)


def test_before_the_first_hit(shop: Site, reader: Client) -> None:
    fresh = Property.objects.create(name="Fresh")
    fresh.viewers.add(shop.user)
    text = html.unescape(page(reader, f"/{fresh.pk}/"))
    assert "Waiting for the first hit" in text
    assert f'<script async src="http://testserver/hs.js?id={fresh.measurement_id}"></script>' in text


def test_days_without_hits(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/?from=2026-01-01&to=2026-01-31")
    assert figures(text)["sessions"] == "0"
    assert "No data for these dates." in text
    left_out = page(reader, f"/{shop.property.pk}/not-counted/?from=2026-01-01&to=2026-01-31")
    assert "Nothing was left out on these dates." in left_out


def test_unchanged_panels_cost_no_report(shop: Site, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/{shop.property.pk}/panels/?period=today"
    first = reader.get(address)
    assert f'data-tag="{html.escape(first.headers["ETag"])}"' in page(reader, f"/{shop.property.pk}/?period=today")
    with monkeypatch.context() as patch:
        patch.delattr(overview, "panels")
        unchanged = reader.get(address, headers={"if-none-match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("change", ["hit", "pending", "name", "period", "seal"])
def test_what_changes_the_panels(shop: Site, reader: Client, change: str) -> None:
    address = f"/{shop.property.pk}/panels/?period=today"
    tag = reader.get(address).headers["ETag"]
    if change in {"hit", "pending"}:
        shop.installation.send(ga4(30, property=shop.property.receive_settings()))
    if change == "hit":
        shop.installation.receive()
    if change == "name":
        Property.objects.filter(pk=shop.property.pk).update(name="Another name")
    if change == "seal":
        shop.installation.worker.seal(everything=True)
    address = address.replace("today", "7d") if change == "period" else address
    answer = reader.get(address, headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != tag


def test_damaged_data_is_said_not_shown(shop: Site, reader: Client, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store" / "store.db")) as store, store:
        changed = store.execute("UPDATE payloads SET data = substr(data, 1, 40) || x'00' || substr(data, 42)").rowcount
    assert changed == 1
    for address in (f"/{shop.property.pk}/?period=today", f"/{shop.property.pk}/panels/?period=today"):
        response = reader.get(address)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert "manage.py fsck" in response.content.decode()
        assert "Traceback" not in response.content.decode()


def test_a_store_that_cannot_be_opened(shop: Site, reader: Client, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.STORE_URL = f"sqlite://{tmp_path}/file/store"
    response = reader.get(f"/{shop.property.pk}/")
    assert response.status_code == 503
    assert "cannot be read at the moment" in response.content.decode()


def test_an_error_of_our_own(shop: Site, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(overview, "panels")
    client.raise_request_exception = False
    client.force_login(shop.user)
    response = client.get(f"/{shop.property.pk}/")
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert "NameError" not in response.content.decode()


def test_the_chart_library_is_compressed_and_kept(client: Client) -> None:
    response = client.get(f"/static/{PLOTLY}", headers={"accept-encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"].startswith("text/javascript")
    size = len(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    assert size < 2_000_000
    assert size == (pack() / f"{PLOTLY}.gz").stat().st_size


def test_the_pages_replace_every_style_of_the_chart_library() -> None:
    """It puts no style element into a page that has these ids; a new version may have others."""
    text = (pack() / PLOTLY).read_text()
    assert text.count('createElement("style")') == 2
    assert MAP_STYLE in text
    assert ".no-inline-styles" in text
