"""The dashboard in Chromium: sign in, choose, and see a visit while the page stays open."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from bench.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CHROMIUM: Final = "/usr/bin/chromium"
PASSWORD: Final = "a long password"
MAKE_USERS: Final = f"""
from django.contrib.auth.models import User
from configuration.models import Property
User.objects.create_superuser("admin", password="{PASSWORD}")
reader = User.objects.create_user("reader", password="{PASSWORD}")
for item in Property.objects.all():
    item.viewers.add(reader)
"""
FRESH_S = 15.0  # how quick it is on a quiet machine is what bench.freshness measures
# A headless browser says so, and would count as a robot.
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PHONE: Final = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with Site(port=port, properties=2) as running:
        running.manage("shell", "-v", "0", "-c", MAKE_USERS)
        warm_up(running)
        yield running


def warm_up(site: Site) -> None:
    """A worker's first hit is slower than any later one: its lists are loaded with it."""
    number, measurement_id = site.properties[1]
    query = f"v=2&tid={measurement_id}&cid=1.1&sid=1&en=page_view&dl=https://shop.example/"
    client = HTTPConnection("127.0.0.1", site.port, timeout=10)
    client.request("POST", f"/g/collect?{query}", headers={"User-Agent": AGENT})
    assert client.getresponse().status == 204
    client.close()
    end = time.monotonic() + 30
    while not site.events(number):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Shop(BaseHTTPRequestHandler):
    """Somebody's site: every page has the tracker of `snippet`."""

    snippet = ""

    def do_GET(self) -> None:
        body = f"<!doctype html><title>A page</title>{self.snippet}<h1>A page</h1>".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def shop(site: Site) -> Iterator[str]:
    """The address of a site that the first property measures."""
    snippet = f'<script async src="{home(site)}hs.js?id={site.properties[0][1]}"></script>'
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("SomeShop", (Shop,), {"snippet": snippet}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """A page that may say nothing on the console and ask nothing of another host."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(f"{message.text} {message.location}"))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(home(site)) else None)
    yield page
    assert wrong == []


def home(site: Site) -> str:
    return f"http://127.0.0.1:{site.port}/"


def sign_in(page: Page, site: Site, name: str = "reader", path: str = "") -> None:
    page.goto(home(site) + path)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def figure(page: Page, metric: str) -> str:
    found = page.locator(f"[data-metric={metric}] .figure")
    return found.inner_text() if found.count() else ""


def wait_for(page: Page, metric: str, value: str) -> None:
    end = time.monotonic() + 10
    while figure(page, metric) != value:
        assert time.monotonic() < end, figure(page, metric)
        page.wait_for_timeout(20)


def visit(context: BrowserContext, address: str) -> float:
    """Opens a page with the tracker. Returns when the collector had answered its hit with 2xx."""
    answered: list[tuple[float, int]] = []
    visitor = context.new_page()
    visitor.on(
        "response",
        lambda answer: answered.append((time.monotonic(), answer.status)) if "/g/collect" in answer.url else None,
    )
    visitor.goto(address)
    while not answered:
        visitor.wait_for_timeout(5)
    moment, status = answered[0]
    assert 200 <= status < 300
    return moment


def test_it_works(site: Site, page: Page, browser: Browser, shop: str) -> None:
    number, _ = site.properties[0]
    sign_in(page, site, path=f"{number}/?period=today")
    assert page.get_by_text("Waiting for the first hit").is_visible()
    seconds = []
    with browser.new_context(user_agent=AGENT) as elsewhere:
        for count in range(1, 6):
            answered = visit(elsewhere, f"{shop}/page-{count}")
            wait_for(page, "screenPageViews", str(count))
            seconds.append(time.monotonic() - answered)
    assert max(seconds) <= FRESH_S, seconds
    assert figure(page, "totalUsers") == "1"
    assert page.get_by_role("row", name="/page-2 1 1").is_visible()
    page.locator("#chart .main-svg").first.wait_for()


def test_an_unchanged_page_is_not_sent_again(site: Site, page: Page) -> None:
    """Of days that are over: numbers of today are compared up to the minute, so they change with it."""
    sign_in(page, site, path=f"{site.properties[1][0]}/?period=yesterday")
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/panels/" in answer.url else None)
    end = time.monotonic() + 30
    while len(answers) < 2:
        assert time.monotonic() < end
        page.wait_for_timeout(50)
    assert set(answers) == {304}


def test_choosing_property_and_days(site: Site, page: Page) -> None:
    (first, _), (second, _) = site.properties
    sign_in(page, site, path=f"{first}/")
    choose_property(page, "Bench 1")
    page.wait_for_url(f"**/{second}/")
    assert page.get_by_role("heading", name="Bench 1").is_visible()
    choose_period(page, "Last 7 days")
    page.wait_for_url(f"**/{second}/?period=7d")
    choose_days(page, "2026-01-03", "2026-01-05")
    page.wait_for_url(f"**/{second}/?from=2026-01-03&to=2026-01-05")
    assert period_menu(page).inner_text().endswith("3 Jan – 5 Jan 2026")
    choose_property(page, "Bench 0")
    page.wait_for_url(f"**/{first}/?from=2026-01-03&to=2026-01-05")


def choose_property(page: Page, name: str) -> None:
    """Finds it by its name in the list of properties."""
    page.keyboard.press("Control+k")
    page.get_by_label("Find a property").fill(name.lower())
    assert page.locator("#switcher .list a:visible").all_inner_texts() == [name]
    page.keyboard.press("Enter")


def period_menu(page: Page) -> Locator:
    return page.locator(".menus summary").first


def choose_period(page: Page, name: str) -> None:
    period_menu(page).click()
    page.locator(".menus a", has_text=name).click()


def choose_days(page: Page, first: str, last: str) -> None:
    period_menu(page).click()
    page.get_by_label("From", exact=True).fill(first)
    page.get_by_label("To", exact=True).fill(last)
    page.get_by_role("button", name="Show these days").click()


def test_a_click_filters_and_back_leads_back(site: Site, page: Page, browser: Browser, shop: str) -> None:
    number, _ = site.properties[0]
    with browser.new_context(user_agent=AGENT) as elsewhere:
        for path in ("clicked", "clicked", "other"):
            visit(elsewhere, f"{shop}/{path}")
    sign_in(page, site, path=f"{number}/?period=today")
    page.get_by_role("link", name="/clicked", exact=True).wait_for()
    everything = int(figure(page, "screenPageViews"))
    page.get_by_role("link", name="/clicked", exact=True).click()
    page.wait_for_url("**/?period=today&f=pagePath%3Ais%3A%2Fclicked")
    wait_for(page, "screenPageViews", "2")
    page.go_back()
    page.wait_for_url("**/?period=today")
    wait_for(page, "screenPageViews", str(everything))
    page.get_by_role("link", name="/clicked", exact=True).click(modifiers=["Alt"])
    page.wait_for_url("**/?period=today&f=pagePath%3Anot%3A%2Fclicked")
    wait_for(page, "screenPageViews", str(everything - 2))
    page.get_by_role("link", name="Page is not /clicked, remove this filter").click()
    page.wait_for_url("**/?period=today")
    wait_for(page, "screenPageViews", str(everything))


def test_keys_choose_periods(site: Site, page: Page) -> None:
    sign_in(page, site, path=f"{site.properties[1][0]}/")
    for key, period in (("d", "today"), ("w", "7d"), ("y", "365d")):
        page.keyboard.press(key)
        page.wait_for_url(f"**/?period={period}")


def test_without_javascript(site: Site, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, site, path=f"{site.properties[0][0]}/")
        choose_period(page, "Today")
        page.wait_for_url("**/?period=today")
        assert page.locator("#chart svg.plot").is_visible()
        choose_days(page, "2026-01-03", "2026-01-05")
        page.wait_for_url("**/?from=2026-01-03&to=2026-01-05")
        page.get_by_text("Filter", exact=True).click()
        page.get_by_label("Dimension").select_option("Country")
        page.get_by_label("Operator").select_option("is not")
        page.get_by_label("Value", exact=True).fill("Germany")
        page.get_by_role("button", name="Add filter").click()
        page.wait_for_url("**/?from=2026-01-03&to=2026-01-05&f=country%3Anot%3AGermany")
        page.get_by_role("link", name="Country is not Germany, remove this filter").click()
        page.wait_for_url("**/?from=2026-01-03&to=2026-01-05")


def test_the_keyboard_is_enough(site: Site, page: Page, browser: Browser, shop: str) -> None:
    with browser.new_context(user_agent=AGENT) as elsewhere:
        visit(elsewhere, f"{shop}/keyboard")
    sign_in(page, site, path=f"{site.properties[0][0]}/?period=today")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    meaning = page.get_by_role("tooltip").first
    for _ in range(5):  # the filters come before the first figure
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "term-totalUsers":
            break
    meaning.wait_for()
    visitors = page.get_by_role("link", name="Visitors", exact=True)
    assert visitors.get_attribute("aria-describedby") == meaning.get_attribute("id")
    page.keyboard.press("Escape")
    meaning.wait_for(state="hidden")
    page.keyboard.press("Enter")  # what is alone on the chart
    page.wait_for_url("**/?period=today&metric=screenPageViews")


def test_reading_survives_new_numbers(site: Site, page: Page, browser: Browser, shop: str) -> None:
    """Focus and open details stay where they are when the panels are replaced."""
    with browser.new_context(user_agent=AGENT) as elsewhere:
        visit(elsewhere, f"{shop}/before")
        sign_in(page, site, path=f"{site.properties[0][0]}/?period=today")
        page.wait_for_timeout(1500)
        before = int(figure(page, "screenPageViews"))
        page.locator("#chart-values").focus()
        page.keyboard.press("Enter")
        visit(elsewhere, f"{shop}/after")
        wait_for(page, "screenPageViews", str(before + 1))
    assert page.evaluate("document.activeElement.id") == "chart-values"
    assert page.get_by_role("columnheader", name="When").is_visible()


def test_a_phone_scrolls_down_only(site: Site, browser: Browser) -> None:
    with browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(home(site))
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        sign_in(page, site)
        for number, _ in site.properties:
            page.goto(f"{home(site)}{number}/")
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_an_administrator_sets_up_a_property(site: Site, page: Page) -> None:
    sign_in(page, site, name="admin", path=f"{site.properties[1][0]}/")
    page.get_by_role("link", name="Settings", exact=True).click()
    page.wait_for_url("**/admin/configuration/property/*/change/")
    assert page.get_by_text("hs.js?id=").first.is_visible()


def test_signing_out(site: Site, page: Page) -> None:
    sign_in(page, site, path=f"{site.properties[0][0]}/")
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto(f"{home(site)}{site.properties[0][0]}/")
    assert "/sign-in/?next=" in page.url


def test_a_session_that_ends_leads_to_the_sign_in_page(site: Site, page: Page, context: BrowserContext) -> None:
    sign_in(page, site, path=f"{site.properties[1][0]}/")
    context.clear_cookies()
    page.wait_for_url(re.compile("/sign-in/.next="))
