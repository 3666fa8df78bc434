"""The rules pages in Chromium: conditions as rows, moved by mouse and keyboard, found while typing, published."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from configuration.drafts.draft import draft, replace_draft
from configuration.drafts.publishing import published
from configuration.models import Property
from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    BotRule,
    ChannelGroupRule,
    FilterRule,
    InNetwork,
    NamedGroup,
    OneOf,
    Rule,
    Ruleset,
    Text,
)
from tests.journey.test_dashboard import CHROMIUM, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, reset_sequences=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright's loop runs in this thread; Django would take that for asynchronous code."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop(browser: Browser, db: None) -> Property:
    return Property.objects.create(name="Shop", zone="Europe/Berlin")


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, shop: Property) -> Iterator[Page]:
    """Signed in on the rules page of the shop, without a word on the console."""
    User.objects.create_superuser("admin", password="a long password")
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(30_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(f"{message.text} {message.location}"))
        open_rules(page, live_server, shop)
        yield page
        assert wrong == []


def open_rules(page: Page, server: LiveServer, property: Property) -> None:
    page.goto(f"{server.url}/sign-in/?next=/admin/configuration/property/{property.pk}/rules/")
    if "/sign-in/" in page.url:
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/rules/")


def write(property: Property, *rules: Rule) -> None:
    replace_draft(property, Ruleset(property.pk, 0, property.draft_settings(), rules), "ann")


def bots(count: int) -> list[Rule]:
    return [BotRule(name=f"Robot {number}", action="block", user_agent=f"agent{number}") for number in range(count)]


def names(property: Property) -> list[str]:
    return [rule.name[-1] for rule in draft(property).rules]


def save(page: Page) -> None:
    page.get_by_role("button", name="Save to the draft").click()
    page.wait_for_url(re.compile(r"/rules/#rule-\d+$"))


def test_it_works(page: Page, shop: Property) -> None:
    page.get_by_role("link", name="Add: filter").click()
    page.get_by_label("Name", exact=True).fill("Office")
    page.get_by_role("button", name="Add a condition", exact=True).click()
    page.get_by_label("Field").select_option("the address")
    page.get_by_label("Values, one per line").fill("192.0.2.0/24\n198.51.100.0/24")
    page.get_by_role("button", name="Add a condition", exact=True).click()
    page.get_by_label("Field").nth(1).select_option("event parameter …")
    page.get_by_label("Name of the event parameter").fill("plan")
    page.get_by_label("Test").nth(1).select_option("does not contain")
    page.get_by_label("Value", exact=True).fill("free")
    page.get_by_label("case matters").check()
    save(page)
    assert page.get_by_text("1 unpublished change").is_visible()
    page.get_by_label("Note").fill("our office")
    page.get_by_role("button", name="Publish as version 2").click()
    assert page.get_by_text("Version 2 is published").is_visible()
    network = InNetwork(("192.0.2.0/24", "198.51.100.0/24"))
    plan = Text("parameter:plan", "contains", "free", case_sensitive=True, negated=True)
    rules = published(shop.pk)
    assert rules is not None
    assert rules.rules == (FilterRule(name="Office", action="exclude", when=AllOf((network, plan))),)


def test_what_was_saved_is_shown_as_rows_and_stays_the_same(page: Page, shop: Property) -> None:
    when = AnyOf(
        (
            Text("path", "equals", "", negated=True),
            AllOf(
                (OneOf("source", ("a", "b"), negated=True), Text("user_property:tier", "pattern", "^x")), negated=True
            ),
            AllOf((InNetwork(("192.0.2.0/24",), negated=True), Text("event", "ends", "s"))),
        ),
        negated=True,
    )
    rule = FilterRule(name="Deep", action="include", when=when)
    write(
        shop,
        rule,
        ChannelGroupRule(name="Ours", channels=(NamedGroup("A", when), NamedGroup("B", Text("path", "begins", "/")))),
    )
    before = draft(shop).rules
    for name in ("Deep", "Ours"):
        page.reload()
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_label("Value", exact=True).first.press("End")
        page.get_by_label("Value", exact=True).first.type("x")
        page.get_by_label("Value", exact=True).first.press("Backspace")
        save(page)
    assert draft(shop).rules == before


def test_a_channel_group(page: Page, shop: Property) -> None:
    page.get_by_role("link", name="Add: channel group").click()
    page.get_by_label("Name", exact=True).fill("Ours")
    for number, name in ((1, "Letters"), (2, "Papers")):
        page.get_by_role("button", name="Add a channel").click()
        page.get_by_label(f"Name of group {number}").fill(name)
        page.get_by_label("Value", exact=True).nth(number - 1).fill(f"/{name}")
    page.get_by_role("button", name="Move group 1 down").click()
    save(page)
    (rule,) = draft(shop).rules
    assert isinstance(rule, ChannelGroupRule)
    assert rule.channels == tuple(
        NamedGroup(name, Text("path", "begins", f"/{name}")) for name in ("Papers", "Letters")
    )


def test_an_error_is_shown_at_its_row(page: Page, shop: Property) -> None:
    page.get_by_role("link", name="Add: filter").click()
    page.get_by_label("Name", exact=True).fill("Wrong")
    for number, value in enumerate(("/fine", "(")):
        page.get_by_role("button", name="Add a condition", exact=True).click()
        page.get_by_label("Value", exact=True).nth(number).fill(value)
    page.get_by_label("Test").nth(1).select_option("matches the pattern")
    page.get_by_role("button", name="Save to the draft").click()
    assert page.get_by_role("alert").is_visible()
    rows = page.locator(".leaf")
    assert [rows.nth(number).locator(".mark").count() for number in (0, 1)] == [0, 1]
    assert not draft(shop).rules


def test_json_instead_of_rows(page: Page, shop: Property) -> None:
    page.get_by_role("link", name="Add: filter").click()
    page.get_by_label("Name", exact=True).fill("Text")
    page.get_by_role("button", name="Write it as JSON").click()
    plain = {"is": "text", "field": "path", "test": "begins", "value": "/a"}
    page.get_by_role("textbox", name="Where").fill(json.dumps(plain))
    page.get_by_role("button", name="Show it as rows").click()
    assert page.get_by_label("Value", exact=True).input_value() == "/a"
    save(page)
    assert draft(shop).rules[0].when == Text("path", "begins", "/a")  # type: ignore[union-attr]


def test_only_the_fields_that_matter_are_shown(page: Page, shop: Property) -> None:
    page.get_by_role("link", name="Add: rewrite").click()
    page.get_by_label("Replace", exact=True).wait_for(state="hidden")
    page.get_by_label("How").select_option("Remove parameters from the page's query")
    page.get_by_label("Name", exact=True).fill("Session ids")
    page.get_by_label("Parameters").fill("sid")
    save(page)
    assert draft(shop).rules[0].field == "query"  # type: ignore[union-attr]


def test_rules_are_dragged(page: Page, shop: Property) -> None:
    write(shop, *bots(4))
    page.reload()
    rows = page.locator(".rule")
    with page.expect_response(lambda answer: "/place/" in answer.url):
        rows.nth(3).locator(".handle").drag_to(rows.nth(0), target_position={"x": 60, "y": 4})
    page.get_by_text("is now number 1").wait_for(state="attached")
    assert names(shop) == ["3", "0", "1", "2"]
    assert [rows.nth(number).locator(".what a").inner_text() for number in (0, 1)] == ["Robot 3", "Robot 0"]


def test_rules_are_moved_and_switched_by_keyboard(page: Page, shop: Property) -> None:
    write(shop, *bots(3))
    page.reload()
    down = page.get_by_role("button", name="Move Robot 0 down")
    for place in ("2", "3"):
        down.focus()
        page.keyboard.press("Enter")
        page.get_by_text(f"Robot 0 is now number {place}").wait_for(state="attached")
    assert names(shop) == ["1", "2", "0"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Move Robot 0 up"
    page.get_by_label("State of Robot 1").select_option("Testing")
    page.get_by_text("Robot 1: Testing").wait_for(state="attached")
    assert [rule.state for rule in draft(shop).rules] == ["testing", "on", "on"]
    assert page.get_by_text("3 unpublished changes").is_visible()


def test_two_hundred_rules_are_found_while_typing(page: Page, shop: Property) -> None:
    write(shop, *bots(200))
    page.reload()
    page.get_by_label("Find a rule").fill("robot AGENT17")
    assert page.get_by_text("11 found").is_visible()
    assert page.locator(".rule:visible").count() == 11
    assert page.locator("[data-kind]:visible").count() == 1
    milliseconds: Any = page.evaluate(
        "() => { const t = performance.now(); const f = document.getElementById('find'); f.value = 'agent1';"
        " f.dispatchEvent(new Event('input', {bubbles: true})); return performance.now() - t; }"
    )
    assert milliseconds < 200
    page.get_by_label("Find a rule").fill("")
    assert page.locator(".rule:visible").count() == 200


def test_without_javascript(browser: Browser, live_server: LiveServer, shop: Property) -> None:
    User.objects.create_superuser("admin", password="a long password")
    write(shop, *bots(2))
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        open_rules(page, live_server, shop)
        page.get_by_role("button", name="Move Robot 1 up").click()
        assert names(shop) == ["1", "0"]
        page.get_by_label("State of Robot 1").select_option("Off")
        page.get_by_role("button", name="Set").first.click()
        assert [rule.state for rule in draft(shop).rules] == ["off", "on"]
        page.get_by_role("link", name="Add: filter").click()
        page.get_by_label("Name", exact=True).fill("Plain")
        page.get_by_label("Where", exact=True).fill('{"is": "text", "field": "path", "test": "begins", "value": "/a"}')
        save(page)
    assert draft(shop).rules[0].name == "Plain"


def test_a_phone_scrolls_down_only(browser: Browser, live_server: LiveServer, shop: Property) -> None:
    User.objects.create_superuser("admin", password="a long password")
    write(shop, *bots(2), FilterRule(name="Long", action="exclude", when=Text("path", "contains", "x" * 400)))
    with browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        open_rules(page, live_server, shop)
        edit = page.get_by_role("link", name="Long", exact=True).get_attribute("href")
        for path in (".", "check/", "versions/", "audit/", "add/channel-group/", edit):
            page.goto(
                f"{live_server.url}/admin/configuration/property/{shop.pk}/rules/{path}"
                if path != edit
                else f"{live_server.url}{edit}"
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
