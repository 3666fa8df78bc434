"""What people meet beside the numbers: bare answers, words and times that would mislead."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from configuration.drafts.audit import record
from configuration.drafts.draft import draft, replace_draft
from configuration.drafts.publishing import all_findings, publish
from configuration.models import Property
from configuration.moments import moment
from configuration.numbers import how_many
from configuration.ruleset.ruleset import ContentGroupRule, KeyEventRule, NamedGroup, OneOf, RewriteRule, Rule, Text
from tests.support.installation import ga4
from tests.support.reporting_site import DAY, Site, site
from tests.web.test_dashboard import page

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)
ROOT = Path(__file__).resolve().parents[2]
NOT_A_DATE = re.compile(r"\b(20\d\d-\d\d-\d\d[ ,]+\d\d:\d\d|(?:a|p)\.m\.|Nov\. \d)")


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def admin(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def test_it_works(admin: Client) -> None:
    asked = admin.get("/sign-out/")
    assert "Sign out?" in asked.content.decode()
    assert "_auth_user_id" in admin.session
    assert admin.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert "_auth_user_id" not in admin.session
    assert admin.get("/sign-out/").headers["Location"] == "/sign-in/"


def test_the_address_of_signing_out_in_the_admin_asks_too(admin: Client) -> None:
    assert "Sign out?" in admin.get("/admin/logout/").content.decode()


@pytest.mark.parametrize("name", ["rules-publish", "rules-history-apply"])
def test_addresses_of_buttons_say_so(shop: Site, admin: Client, name: str) -> None:
    answer = admin.get(reverse(name, args=[shop.property.pk]))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Nothing was done" in answer.content.decode()


def test_programs_are_refused_in_their_own_format(admin: Client) -> None:
    answer = admin.delete("/api/properties/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/json")


def test_a_wrong_host_name_is_a_page(client: Client) -> None:
    answer = client.get("/sign-in/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "This request was not understood" in answer.content.decode()


def test_administrators_see_the_hits_of_unknown_properties(shop: Site, admin: Client, client: Client) -> None:
    text = page(admin, "/0/?period=today")
    assert "No hit with an unknown measurement ID" in text
    assert "Unknown measurement IDs" not in page(admin, f"/{shop.property.pk}/")
    shop.installation.send(ga4(50, tid="G-NOBODYS000"))
    shop.installation.receive()
    for address in ("/0/?period=today", "/0/panels/?period=today"):
        text = page(admin, address)
        assert "accepted 1 hit: 0 counted, 1 rejected, 0 pending" in text
    left_out = page(admin, "/0/not-counted/?period=today")
    assert "Unknown property" in left_out
    assert "tid=G-NOBODYS000" in left_out
    assert "/properties/0/" not in page(admin, "/0/")
    assert '<a href="/0/"><bdi>Unknown measurement IDs</bdi></a>' in page(admin, f"/{shop.property.pk}/")
    assert '<a href="/0/?period=7d"><bdi>' in page(admin, f"/{shop.property.pk}/?period=7d")
    assert admin.get("/properties/0/rules/preview/").status_code == 404
    client.force_login(shop.user)
    assert client.get("/0/").status_code == 404
    assert "Unknown measurement IDs" not in page(client, f"/{shop.property.pk}/")


def test_the_history_of_a_property_is_its_audit_log(shop: Site, admin: Client) -> None:
    answer = admin.get(f"/admin/configuration/property/{shop.property.pk}/history/")
    assert answer.headers["Location"] == reverse("rules-audit", args=[shop.property.pk])


@pytest.mark.parametrize("may", ["view_user", "change_user"])
def test_no_page_shows_anything_of_a_password(admin: Client, administrator: User, may: str) -> None:
    reader = User.objects.create_user("reader", password="a long password")
    keeper = User.objects.create_user("keeper", is_staff=True)
    keeper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", may]))
    Property.objects.create(name="Shared").viewers.set([reader, keeper])
    for user in (administrator, keeper):
        admin.force_login(user)
        text = page(admin, f"/admin/auth/user/{reader.pk}/change/")
        assert "Set. It cannot be shown." in text
        assert not re.search(r"pbkdf2|sha256|md5|iterations", text)
        assert not any(part in text for part in reader.password.split("$")[-2:])
    assert (f"/admin/auth/user/{reader.pk}/password/" in text) == (may == "change_user")


def test_users_can_still_be_added_and_changed(admin: Client) -> None:
    password = "a long password"
    form = {"username": "new", "usable_password": "true", "password1": password, "password2": password}
    assert admin.post("/admin/auth/user/add/", form).status_code == 302
    user = User.objects.get(username="new")
    assert admin.post(f"/admin/auth/user/{user.pk}/change/", {"username": "new", "is_staff": "on"}).status_code == 302
    user.refresh_from_db()
    assert user.is_staff
    assert user.check_password(password)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (KeyEventRule(name="a", event="singup"), "“singup” was never seen in 30 days; did you mean “sign_up”?"),
        (KeyEventRule(name="a", event="xyz"), "“xyz” was never seen in 30 days."),
        (KeyEventRule(name="a", event="sign_up"), ""),
        (KeyEventRule(name="a", event="xyz", state="off"), ""),
        (
            KeyEventRule(name="a", event="sign_up", when=Text("event", "equals", "pageview")),
            "did you mean “page_view”?",
        ),
        (
            ContentGroupRule(name="a", groups=(NamedGroup("b", OneOf("event", ("sign_up", "sign_upp"))),)),
            "“sign_upp” was never seen in 30 days; did you mean “sign_up”?",
        ),
        (KeyEventRule(name="a", event="sign_up", when=Text("event", "equals", "xyz", negated=True)), ""),
    ],
)
def test_events_that_never_occurred(shop: Site, rule: Rule, message: str) -> None:
    replace_draft(shop.property, _with(shop.property, rule), "ada")
    warnings = [finding.message for finding in all_findings(draft(shop.property)) if finding.severity == "warning"]
    assert [message in warning for warning in warnings] == ([True] if message else [])
    assert publish(shop.property, "ada").number == 2


def test_events_that_a_rule_makes_are_not_missed(shop: Site) -> None:
    rename = RewriteRule(name="r", field="event", change="replace", search="sign_up", replacement="registered")
    replace_draft(shop.property, _with(shop.property, rename, KeyEventRule(name="a", event="registered")), "ada")
    assert all_findings(draft(shop.property)) == []


def test_a_property_without_hits_misses_no_event() -> None:
    fresh = Property.objects.create(name="Fresh")
    replace_draft(fresh, _with(fresh, KeyEventRule(name="a", event="purchase")), "ada")
    assert all_findings(draft(fresh)) == []


def test_the_form_offers_events_that_occurred(shop: Site, admin: Client) -> None:
    known: Any = {"property": shop.property.receive_settings()}
    shop.installation.send(ga4(60, event='"><b>', **known))
    shop.installation.receive()
    text = page(admin, reverse("rules-add", args=[shop.property.pk, "key-event"]))
    offered = re.search(r'<datalist id="seen-event">(.*?)</datalist>', text, re.DOTALL)
    assert offered
    assert {"page_view", "sign_up", '"><b>'} <= set(map(html.unescape, re.findall(r'value="([^"]*)"', offered[1])))
    assert "<b>" not in offered[1]


def _with(property: Property, *rules: Rule) -> Any:
    return draft(property).__class__(property.pk, 0, property.draft_settings(), rules)


def test_times_are_on_the_clock_of_the_property_in_one_format(shop: Site, admin: Client) -> None:
    number = shop.property.pk
    record("ada", "looked", number)
    Property.objects.filter(pk=number).update(zone="Asia/Tokyo")  # of the draft: not in force
    pages = {
        reverse("rules-audit", args=[number]): "20 Nov 2026, 15:30",
        reverse("rules-versions", args=[number]): "20 Nov 2026, 15:30",
        reverse("rules-version", args=[number, 1]): "20 Nov 2026, 15:30 (Europe/Berlin)",
        f"/properties/{number}/rules/try/": "20 Nov 2026, 13:01:00",
        f"/{number}/not-counted/?period=today": "20 Nov 2026, 13:00:00",
        f"/admin/configuration/property/{number}/change/": "Times are in Europe/Berlin.",
        "/admin/configuration/property/": "Times are in UTC.",
    }
    for address, shown in pages.items():
        text = page(admin, address)
        assert shown in text, address
        assert not NOT_A_DATE.search(re.sub(r'datetime="[^"]*"|value="[^"]*"', "", text)), address


def test_a_moment_is_written_in_one_way() -> None:
    at = datetime(2026, 3, 9, 22, 5, 7, tzinfo=UTC)
    assert moment(at, "Europe/Berlin") == "9 Mar 2026, 23:05"
    assert moment(int(at.timestamp() * 1000), UTC, seconds=True) == "9 Mar 2026, 22:05:07"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0 hits"),
        (1, "1 hit"),
        (1200, "1,200 hits"),
        ("1", "1 hit"),
        ("1,001", "1,001 hits"),
        ("an unknown number", "an unknown number of hits"),
    ],
)
def test_numbers_have_the_right_noun(number: int | str, written: str) -> None:
    assert how_many(number, "hit") == written


@pytest.mark.parametrize("words", [["add_property", "X"], ["fsck"], ["issue_token", "a", "--name", "b"], ["demo"]])
def test_a_wrong_data_folder_is_a_sentence(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={"HITSTREAM_DATA": str(tmp_path / "nowhere"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert words == ["fsck"] or f"There is no Hitstream in the data folder {tmp_path}/nowhere" in done.stderr
