"""The pages of rules without JavaScript: forms, errors at the field, order, publishing, versions, who may."""

import html
import json
import re
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.drafts.draft import draft, draft_etag, replace_draft
from configuration.drafts.publishing import publish, published
from configuration.models import DraftRule, Property
from configuration.pages.forms import FORMS
from configuration.rule_models import AuditEntry, RulesVersion
from configuration.ruleset.kinds import BY_TAG
from configuration.ruleset.ruleset import (
    BotRule,
    ContentGroupRule,
    FilterRule,
    NamedGroup,
    ReferralRule,
    Rule,
    Ruleset,
    SpamRule,
    Text,
)
from tests.support.rule_examples import EXAMPLES, SHOP

pytestmark = pytest.mark.django_db
HOSTILE: Final = "<script>alert(1)</script>"


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(name="Shop", zone="Europe/Berlin")


@pytest.fixture
def admin(administrator: User, client: Client) -> Client:
    client.force_login(administrator)
    return client


def at(property: Property, path: str = "") -> str:
    return f"/admin/configuration/property/{property.pk}/rules/{path}"


def text(reply: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", reply.content.decode())))


def write(property: Property, *rules: Rule) -> list[int]:
    """Returns the rows' numbers, in the order of the draft."""
    replace_draft(property, Ruleset(property.pk, 0, property.draft_settings(), rules), "ann")
    return [row.pk for row in DraftRule.objects.filter(property=property).order_by("position")]


def bots(*names: str) -> list[Rule]:
    return [BotRule(name=name, action="block", user_agent=name) for name in names]


def form_of(rule: Rule) -> dict[str, Any]:
    """What a browser would send for this rule."""
    form = FORMS[str(rule.__struct_config__.tag)](Property(), None)
    sent = {}
    for name, field in form.fields.items():
        value = field.prepare_value(getattr(rule, name, ""))
        if value not in (None, False):
            sent[name] = "on" if value is True else value
    return sent


def test_it_works(admin: Client, shop: Property) -> None:
    rule = EXAMPLES["filter"][0]
    reply = admin.post(at(shop, "add/filter/"), form_of(rule))
    row = DraftRule.objects.get()
    assert (reply.status_code, reply.headers["Location"]) == (302, f"{at(shop)}#rule-{row.pk}")
    page = text(admin.get(at(shop)))
    assert "1 unpublished change" in page
    assert EXAMPLES["filter"][1] in page
    reply = admin.post(at(shop, "publish/"), {"note": "no office", "etag": draft_etag(shop)}, follow=True)
    assert "Version 2 is published" in text(reply)
    assert published(shop.pk) == Ruleset(shop.pk, 2, shop.draft_settings(), (rule,))
    assert RulesVersion.objects.get(number=2).author == "admin"


@pytest.mark.parametrize("kind", BY_TAG)
def test_every_kind_is_added_and_changed_by_its_form(admin: Client, shop: Property, kind: str) -> None:
    rule = EXAMPLES[kind][0]
    address = at(shop, f"add/{kind.replace(' ', '-')}/")
    assert admin.get(address).status_code == 200
    assert admin.post(address, form_of(rule)).status_code == 302
    assert draft(shop).rules == (rule,)
    row = DraftRule.objects.get()
    page = admin.get(at(shop, f"{row.pk}/"))
    sent = {field.name: field.value() for field in page.context["form"] if field.value() not in (None, False)}
    assert admin.post(at(shop, f"{row.pk}/"), {**sent, "name": "Other", "state": "testing"}).status_code == 302
    (changed,) = draft(shop).rules
    assert (changed.name, changed.state, DraftRule.objects.get().pk) == ("Other", "testing", row.pk)


@pytest.mark.parametrize("kind", BY_TAG)
def test_every_field_has_a_label_and_is_explained(admin: Client, shop: Property, kind: str) -> None:
    form = FORMS[kind](shop, None)
    assert not [field.name for field in form.visible_fields() if not field.label]
    assert not [
        field.name for field in form.visible_fields() if not field.help_text and not hasattr(field.field, "choices")
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "field", "message"),
    [
        ("filter", {"when": "{"}, "when", "cannot be read as a condition"),
        ("filter", {"when": ""}, "when", "required"),
        ("filter", {"when": "[" * 50_000}, "when", "cannot be read"),
        ("filter", {"when": '{"is": "text", "field": "no", "test": "equals", "value": ""}'}, "when", "no"),
        ("filter", {"when": '{"is": "text", "field": "path", "test": "pattern", "value": "("}'}, "when", "pattern"),
        ("filter", {"name": ""}, "name", "required"),
        ("filter", {"name": "x" * 101}, "name", "at most 100"),
        ("filter", {"state": "perhaps"}, "state", "not one of the available choices"),
        ("rewrite", {"change": "replace"}, "search", "empty"),
        ("internal", {"networks": "10.0.0.0/8\nnonsense"}, "networks", "nonsense"),
        ("spam", {"domains": "Not A Domain"}, "domains", "is not a domain name"),
        ("key event", {"value": "much"}, "value", "not a number"),
        ("custom metric", {"parameter": "with blanks"}, "parameter", "not the name of a parameter"),
        ("channel group", {"channels": "[]"}, "channels", ""),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    admin: Client, shop: Property, kind: str, changes: dict[str, str], field: str, message: str
) -> None:
    reply = admin.post(at(shop, f"add/{kind.replace(' ', '-')}/"), form_of(EXAMPLES[kind][0]) | changes)
    assert reply.status_code == 200
    errors = reply.context["form"].errors
    assert message in " ".join(errors.get(field, errors.get("__all__", [])))
    assert not DraftRule.objects.exists()
    assert AuditEntry.objects.count() == 1


def test_the_script_learns_which_row_is_wrong(admin: Client, shop: Property) -> None:
    wrong = {"is": "text", "field": "path", "test": "pattern", "value": "("}
    when = json.dumps({"is": "all", "of": [{"is": "text", "field": "path", "test": "equals", "value": "/"}, wrong]})
    form = admin.post(at(shop, "add/filter/"), form_of(EXAMPLES["filter"][0]) | {"when": when}).context["form"]
    assert form.fields["when"].widget.attrs["data-marks"].startswith(".of[1].value\t")


def test_a_name_is_taken_once(admin: Client, shop: Property) -> None:
    write(shop, *bots("a", "b"))
    reply = admin.post(at(shop, "add/bot/"), form_of(bots("a")[0]))
    assert "a" in " ".join(reply.context["form"].errors["name"])


def test_two_people_change_one_rule(admin: Client, shop: Property) -> None:
    (row,) = write(shop, *bots("a"))
    first = admin.get(at(shop, f"{row}/")).context["form"]
    sent = {field.name: field.value() for field in first if field.value() is not None}
    assert admin.post(at(shop, f"{row}/"), {**sent, "user_agent": "first"}).status_code == 302
    reply = admin.post(at(shop, f"{row}/"), {**sent, "user_agent": "second"})
    assert "Somebody changed this rule" in text(reply)
    assert draft(shop).rules[0].user_agent == "first"  # type: ignore[union-attr]


def test_rules_are_moved_and_switched(admin: Client, shop: Property) -> None:
    a, b, c = write(shop, *bots("a", "b", "c"))
    for row, move, order in ((c, "up", "acb"), (a, "down", "cab"), (b, "1", "bca"), (b, "up", "bca"), (b, "99", "cab")):
        assert admin.post(at(shop, f"{row}/place/"), {"move": move}).status_code == 302
        assert "".join(rule.name for rule in draft(shop).rules) == order
    admin.post(at(shop, f"{a}/place/"), {"state": "testing"})
    assert [rule.state for rule in draft(shop).rules] == ["on", "testing", "on"]
    assert AuditEntry.objects.all()[0].action == "rule changed"
    for wrong in ({"move": "x"}, {"move": "-1"}, {"state": "x"}, {}):
        assert admin.post(at(shop, f"{a}/place/"), wrong).status_code == 404


def test_a_rule_that_others_need_is_not_deleted(admin: Client, shop: Property) -> None:
    groups = ContentGroupRule(name="Area", groups=(NamedGroup("Shop", SHOP),))
    needs = FilterRule(name="No shop", action="exclude", when=Text("content_group:Area", "equals", "Shop"))
    write(shop, groups, needs)
    row = DraftRule.objects.get(kind="content group")
    assert "The rule was not deleted. Filter “No shop”" in text(admin.post(at(shop, f"{row.pk}/delete/"), follow=True))
    assert len(draft(shop).rules) == 2
    other = DraftRule.objects.get(kind="filter")
    assert "was deleted from the draft" in text(admin.post(at(shop, f"{other.pk}/delete/"), follow=True))
    assert draft(shop).rules == (groups,)


def test_checking_and_publishing_what_has_errors(admin: Client, shop: Property) -> None:
    (row,) = write(shop, *bots("a"))
    DraftRule.objects.filter(pk=row).update(body={"action": "block", "user_agent": "(", "test": "pattern"})
    page = admin.get(at(shop, "check/"))
    assert "1 error: this cannot be published" in text(page)
    assert f'href="{at(shop, f"{row}/")}"' in page.content.decode()
    reply = admin.post(at(shop, "publish/"), {"etag": draft_etag(shop)})
    assert (reply.status_code, RulesVersion.objects.count()) == (400, 1)


def test_publishing_a_draft_that_somebody_changed(admin: Client, shop: Property) -> None:
    write(shop, *bots("a"))
    seen = draft_etag(shop)
    write(shop, *bots("b"))
    reply = admin.post(at(shop, "publish/"), {"etag": seen}, follow=True)
    assert "The draft was changed meanwhile" in text(reply)
    assert RulesVersion.objects.count() == 1


def test_versions_are_shown_compared_and_published_again(admin: Client, shop: Property) -> None:
    write(shop, *bots("a"))
    publish(shop, "ann", "first")
    write(shop, *bots("b"))
    page = text(admin.get(at(shop, "versions/")))
    assert "Version 2 in force" in page
    assert "2 unpublished changes" in page
    assert "Bot rule “a” was added" in text(admin.get(at(shop, "versions/2/")))
    assert "Bot rule “a” was deleted" in text(admin.get(at(shop, "compare/?from=2&to=draft")))
    assert "They are the same." in text(admin.get(at(shop, "compare/?from=2&to=2")))
    assert json.loads(admin.get(at(shop, "versions/2/?format=json")).content)["rules"][0]["name"] == "a"
    assert json.loads(admin.get(at(shop, "export/")).content)["rules"][0]["name"] == "b"
    reply = admin.post(at(shop, "versions/1/again/"), {"note": ""}, follow=True)
    assert "Version 1 is published again, as version 3" in text(reply)
    assert "Nothing changed since version 3" in text(admin.post(at(shop, "versions/1/again/"), follow=True))
    assert "published again: version 3" in text(admin.get(at(shop, "audit/")))


@pytest.mark.parametrize(
    "path", ["versions/9/", "compare/", "compare/?from=x&to=1", "compare/?from=9&to=1", "9/", "add/x/"]
)
def test_what_is_not_there(admin: Client, shop: Property, path: str) -> None:
    assert admin.get(at(shop, path)).status_code == 404


PAGES: Final = ["", "check/", "export/", "add/filter/", "versions/", "versions/1/", "compare/?from=1&to=1", "audit/"]


def test_who_may(client: Client, shop: Property) -> None:
    ann = User.objects.create_user("ann", is_staff=True)
    address = at(shop)
    assert "/sign-in/?next=" in client.get(address).headers["Location"]
    client.force_login(ann)
    assert [client.get(at(shop, page)).status_code for page in PAGES] == [404] * len(PAGES)
    shop.viewers.add(ann)
    assert [client.get(at(shop, page)).status_code for page in PAGES] == [403] * len(PAGES)
    ann.user_permissions.add(Permission.objects.get(codename="change_property"))
    assert [client.get(at(shop, page)).status_code for page in PAGES] == [200] * len(PAGES)
    other = Property.objects.create(name="Somebody else's")
    (row,) = write(other, *bots("a"))
    assert client.post(at(other, "publish/")).status_code == 404
    assert client.get(at(shop, f"{row}/")).status_code == 404
    assert client.post(at(shop, f"{row}/delete/")).status_code == 404
    listed = client.get("/admin/configuration/property/").content.decode()
    assert ("Shop" in listed, "Somebody else" in listed) == (True, False)
    assert client.get(f"/admin/configuration/property/{other.pk}/change/").status_code == 404


@pytest.mark.parametrize("path", ["publish/", "1/place/", "1/delete/", "versions/1/again/"])
def test_changes_need_the_csrf_token(administrator: User, shop: Property, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator)
    assert client.post(at(shop, path)).status_code == 403
    client.logout()
    assert Client().get(at(shop, path)).status_code == 302


def test_texts_of_rules_are_text_not_markup_and_nothing_runs_inline(admin: Client, shop: Property) -> None:
    rule = FilterRule(name=HOSTILE, note=HOSTILE, action="exclude", when=Text("path", "contains", HOSTILE))
    Property.objects.filter(pk=shop.pk).update(name=HOSTILE)
    (row,) = write(shop, rule)
    publish(shop, "ann", HOSTILE)
    for path in [*PAGES, f"{row}/", "versions/2/"]:
        reply = admin.get(at(shop, path))
        page = reply.content.decode()
        if "json" in reply.headers["Content-Type"]:
            continue
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert HOSTILE not in page
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", page)
        assert not re.search(r"<style|<[^>]+\sstyle=|<[^>]+\son[a-z]+=", page)
        assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_settings_are_part_of_the_draft(admin: Client, shop: Property) -> None:
    Property.objects.filter(pk=shop.pk).update(zone="Asia/Tokyo")
    assert "Time zone: was Europe/Berlin, is Asia/Tokyo." in text(admin.get(at(shop)))


def test_two_hundred_rules_are_quickly_shown(admin: Client, shop: Property, django_assert_max_num_queries: Any) -> None:
    write(shop, *bots(*(f"bot {number}" for number in range(200))))
    with django_assert_max_num_queries(20):
        page = admin.get(at(shop)).content
    assert page.count(b'class="rule ') == 200
    assert len(page) < 600_000


@pytest.mark.parametrize("kind", ["spam", "referral exclusion"])
def test_domains_are_taken_as_people_type_them(admin: Client, shop: Property, kind: str) -> None:
    domains = "https://Pay.Example/x, müller.example\nxn--bcher-kva.example"
    form = form_of(EXAMPLES[kind][0]) | {"domains": domains}
    assert admin.post(at(shop, f"add/{kind.replace(' ', '-')}/"), form).status_code == 302
    [rule] = draft(shop).rules
    assert isinstance(rule, SpamRule | ReferralRule)
    assert rule.domains == ("https://Pay.Example/x", "müller.example", "xn--bcher-kva.example")
