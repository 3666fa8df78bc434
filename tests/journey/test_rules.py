"""Rules and the past in Chromium: a filter is tried, previewed, published, applied to history, and rolled back."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CHROMIUM: Final = "/usr/bin/chromium"
PASSWORD: Final = "a long password"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PHONE: Final = {"width": 390, "height": 844}
PREPARE: Final = f"""
from django.contrib.auth.models import User
from configuration.access.tokens import issue
user = User.objects.create_superuser("admin", password="{PASSWORD}")
print(issue(user, "journey", "configure"))
"""
STAFF: Final = {
    "kind": "filter",
    "name": "Staff",
    "action": "exclude",
    "when": {"is": "text", "field": "path", "test": "begins", "value": "/staff"},
}
PUBLIC, INTERNAL = 6, 4


class Owner:
    """The site's first property, and a token that may change its rules."""

    def __init__(self, site: Site) -> None:
        self.site, (self.number, self.measurement_id) = site, site.properties[0]
        self.token = site.manage("shell", "-v", "0", "-c", PREPARE).strip()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        address = f"http://127.0.0.1:{self.site.port}/api/properties/{self.number}/{path}"
        request = urllib.request.Request(address, json.dumps(body).encode() if body else None, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        request.add_header("If-Match", "*")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
            return json.loads(answer.read())

    def hit(self, client: int, page: str) -> None:
        query = f"v=2&tid={self.measurement_id}&cid={client}.1&sid=1&_s=1&en=page_view&dl={quote(page, safe='')}"
        connection = HTTPConnection("127.0.0.1", self.site.port, timeout=10)
        connection.request("POST", f"/g/collect?{query}", headers={"User-Agent": AGENT})
        assert connection.getresponse().status == 204
        connection.close()


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with Site(port=port) as running:
        made = Owner(running)
        for n in range(PUBLIC):
            made.hit(n, f"https://shop.example/page-{n}")
        for n in range(INTERNAL):
            made.hit(100 + n, "https://shop.example/staff/rota")
        wait_until(lambda: running.events(made.number) == PUBLIC + INTERNAL)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Signed in. Fails for whatever the browser complains about, and for every request to another host."""
    with browser.new_context() as context:
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(f"{message.text} {message.location}"))
        page.on("request", lambda asked: None if asked.url.startswith(home(owner)) else wrong.append(asked.url))
        page.goto(f"{home(owner)}{owner.number}/?period=today")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r"/\d+/"))
        yield page
        assert wrong == []


def home(owner: Owner) -> str:
    return f"http://127.0.0.1:{owner.site.port}/"


def rules_page(owner: Owner, path: str) -> str:
    return f"{home(owner)}properties/{owner.number}/rules/{path}"


def wait_until(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def figure(page: Page, metric: str) -> str:
    return page.locator(f"[data-metric={metric}] .figure").inner_text()


def views_of_today(page: Page, owner: Owner) -> str:
    page.goto(f"{home(owner)}{owner.number}/?period=7d")
    return figure(page, "screenPageViews")


def lines_of_the_chart(page: Page) -> list[str]:
    data = json.loads(page.locator("#chart-data").inner_text())
    return [shape["x0"] for shape in data["layout"]["shapes"] if shape.get("yref") == "paper"]


def test_it_works(owner: Owner, page: Page) -> None:
    """From a filter to other numbers in the past, and back."""
    owner.call("PUT", "rules/", {**owner.call("GET", "rules/"), "rules": [STAFF]})

    page.goto(rules_page(owner, "try/"))
    page.get_by_label("Hit", exact=True).fill("https://shop.example/staff/rota")
    page.get_by_label("By the browser").fill(AGENT)
    page.get_by_role("button", name="Try it").click()
    assert page.get_by_text("This hit is not counted: filter by the rule “Staff”.").is_visible()

    page.get_by_role("link", name="Preview", exact=True).click()
    assert page.get_by_text("Filter “Staff” was added").is_visible()
    page.get_by_role("button", name="Show the preview").click()
    page.get_by_role("heading", name="Figures").wait_for()
    assert (figure(page, "screenPageViews"), page.evaluate("document.activeElement.id")) == (str(PUBLIC), "result")
    assert page.get_by_role("row", name="/staff/rota 4 0 −4").is_visible()
    assert "from=" in page.url
    page.locator("[data-side=rejected] summary").click()
    assert page.get_by_text("dl=https://shop.example/staff/rota").first.is_visible()
    assert views_of_today(page, owner) == str(PUBLIC + INTERNAL)

    published = owner.call("POST", "rules/publish/", {"note": "without the staff"})
    version = published["number"]
    page.goto(rules_page(owner, "history/"))
    page.get_by_role("button", name="Continue …").click()
    assert page.get_by_text("You can roll it back for 7 days.").is_visible()
    page.get_by_role("button", name="Apply to history").click()
    page.get_by_role("heading", name="Before and after").wait_for(timeout=60_000)
    assert page.get_by_text("Done: reports show these numbers.").is_visible()
    assert figure(page, "screenPageViews") == str(PUBLIC)
    assert views_of_today(page, owner) == str(PUBLIC)
    assert lines_of_the_chart(page) == []

    page.goto(rules_page(owner, "history/"))
    page.get_by_role("link", name=f"Version {version}").click()
    page.get_by_text("Roll back …").click()
    page.get_by_role("button", name="Roll back", exact=True).click()
    page.get_by_text("Rolled back: reports show the numbers from before again.").wait_for(timeout=60_000)
    assert views_of_today(page, owner) == str(PUBLIC + INTERNAL)
    assert published["published_at"][:10] in lines_of_the_chart(page)
    assert page.get_by_text(f"rules {version} by admin – ‘without the staff’").is_visible()


def test_without_javascript(owner: Owner, browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(rules_page(owner, "preview/"))
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Show the preview").click()
        page.get_by_role("heading", name="Figures").wait_for()
        page.get_by_role("link", name="History", exact=True).click()
        assert page.get_by_role("button", name="Continue …").is_visible()


def test_choosing_days_chooses_some_days(owner: Owner, page: Page) -> None:
    page.goto(rules_page(owner, "history/"))
    page.get_by_label("From", exact=True).fill(f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}")
    assert page.get_by_label("Some days:").is_checked()
    page.get_by_role("button", name="Continue …").click()
    assert "days=some" in page.url


def test_a_phone_scrolls_down_only(owner: Owner, page: Page) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for path in ("try/", "preview/", "preview/?from=2026-11-01&to=2026-11-02", "history/"):
        page.goto(rules_page(owner, path))
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
