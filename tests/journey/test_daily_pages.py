"""The pages of every day in Chromium: home, realtime, notes, shared links, and all of them on a phone."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from configuration.clock import now
from configuration.models import Property
from reporting.dashboard import home
from reporting.models import Share
from tests.journey.test_dashboard import CHROMIUM
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import MINUTE, Site, site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.django_db(transaction=True, reset_sequences=True),
]

PASSWORD: Final = "a long password"
SMALL: Final[ViewportSize] = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright's loop runs in this thread; Django would take that for asynchronous code."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop(browser: Browser, db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """At ten past noon, after the visits of noon."""
    moment = datetime.fromtimestamp((NOON + 10 * MINUTE) / 1000).astimezone()
    settings.CLOCK = lambda: moment
    monkeypatch.setattr(home, "BUDGET_S", 600.0)
    with site(tmp_path, settings) as made:
        User.objects.create_superuser("owner", password=PASSWORD)
        Property.objects.create(name="Another")
        yield made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, shop: Site) -> Iterator[Page]:
    """Signed in on the home page, without a word on the console."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(f"{message.text} {message.location}"))
        page.goto(f"{live_server.url}/")
        page.get_by_label("User name").fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{live_server.url}/")
        yield page
        assert wrong == []


def send(shop: Site, number: int, client: str) -> None:
    known: dict[str, Any] = {"property": shop.property.receive_settings()}
    shop.installation.send(ga4(number, client=client, at=NOON + 9 * MINUTE, **known))
    shop.installation.receive()


def test_it_works(shop: Site, page: Page) -> None:
    """Find a property, and open it."""
    cards = page.locator(".card.property h3")
    expect(cards).to_have_count(2)
    page.get_by_label("Find a property").fill("sho")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=sho")
    expect(cards).to_have_count(1)
    page.get_by_role("link", name="Shop").click()
    page.wait_for_url(f"**/{shop.property.pk}/")
    page.go_back()
    page.get_by_label("Find a property").fill("nothing")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Show all properties").click()
    expect(cards).to_have_count(2)


def test_realtime_shows_a_hit_and_pauses(shop: Site, page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/{shop.property.pk}/realtime/")
    online, pause = page.locator("[data-online]"), page.locator("#pause")
    expect(online).to_have_text("0")
    send(shop, 50, "7.7")
    expect(online).to_have_text("1", timeout=30_000)
    expect(page.locator(".feed li")).to_have_count(6)
    pause.click()
    expect(page.locator("#live")).to_have_text("Paused")
    expect(pause).to_have_attribute("aria-pressed", "true")
    send(shop, 51, "8.8")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as somebody who comes back to the tab
    expect(online).to_have_text("1")
    pause.click()
    expect(online).to_have_text("2", timeout=30_000)
    expect(page.locator("#live")).to_have_text("Live")
    expect(pause).to_have_text("Pause")


def test_the_key_n_writes_a_note(shop: Site, page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/{shop.property.pk}/?period=today")
    page.keyboard.press("n")
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("new n in the shop")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?period=today")
    note = page.locator(".annotations li")
    expect(note).to_contain_text("20 Nov: new n in the shop")
    note.get_by_role("button").click()
    expect(note).to_have_count(0)


def test_a_shared_link_with_a_password(shop: Site, page: Page, browser: Browser, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/{shop.property.pk}/shares/?query=period%3Dtoday")
    page.get_by_label("Name").fill("For the client")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create link").click()
    address = page.locator("td a").get_attribute("href")
    assert address
    with browser.new_context(viewport=SMALL) as context:
        visitor = context.new_page()
        visitor.goto(address)
        visitor.get_by_label("Password").fill("not the password")
        visitor.get_by_role("button", name="Open").click()
        expect(visitor.get_by_role("alert")).to_have_text("That password is not the right one.")
        visitor.get_by_label("Password").fill(PASSWORD)
        visitor.get_by_role("button", name="Open").click()
        expect(visitor.locator("[data-metric=screenPageViews] .figure")).to_have_text("3")
        assert_no_sideways(visitor)
        links = visitor.locator("a[href]").evaluate_all("all => all.map(each => each.getAttribute('href'))")
        assert [link for link in links if not link.startswith(("?", "#"))] == []
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Nobody outside sees this property.")).to_be_visible()
        visitor.reload()
        expect(visitor.get_by_role("heading", name="Page not found")).to_be_visible()


def test_the_keyboard_is_enough(shop: Site, page: Page, live_server: LiveServer) -> None:
    tab_to(page, "#q")
    page.keyboard.type("shop")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=shop")
    tab_to(page, ".property h3 a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{shop.property.pk}/")
    page.keyboard.press("Control+k")
    page.keyboard.type("another")
    page.keyboard.press("Escape")
    expect(page.locator("#switcher summary")).to_be_focused()
    page.goto(f"{live_server.url}/{shop.property.pk}/realtime/")
    tab_to(page, "#pause")
    page.keyboard.press("Enter")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")


def tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    pytest.fail(f"the Tab key does not lead to {selector}")


def assert_no_sideways(page: Page) -> None:
    """Nothing but what is made to scroll is wider than the page, with all menus closed and with each of them open."""
    for number in range(-1, page.locator("details[data-closes]").count()):
        page.evaluate(
            "number => document.querySelectorAll('details[data-closes]').forEach((e, n) => { e.open = n === number; })",
            number,
        )
        widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths[0] <= widths[1], (page.url, number)


def test_a_phone_scrolls_down_only(shop: Site, page: Page, live_server: LiveServer) -> None:
    number = shop.property.pk
    share = Share.objects.create(property=shop.property, name="Link", author="owner", created_at=now())
    page.set_viewport_size(SMALL)
    for path in (
        "",
        "?q=nothing",
        f"{number}/",
        f"{number}/?f=pagePath:is:/a",
        f"{number}/realtime/",
        f"{number}/visits/?period=today",
        f"{number}/not-counted/",
        f"{number}/details/pages/top/",
        f"{number}/shares/",
        "help/",
        "help/api/",
        "help/dashboard/",
        f"shared/{share.token}/",
    ):
        response = page.goto(f"{live_server.url}/{path}")
        assert response
        assert response.status == 200
        assert_no_sideways(page)
    page.goto(f"{live_server.url}/{number}/visits/?period=today")
    addresses = page.locator("a[href]").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    visitor = next(address for address in addresses if re.match(rf"/{number}/visits/\d+/", address))
    page.goto(f"{live_server.url}{visitor}")
    assert_no_sideways(page)
