"""The pages of segments without JavaScript: list, form, errors at the field, who may."""

import html
import json
import re
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.models import Property
from reporting.audiences.pages import EXAMPLES
from reporting.audiences.saved import form_of, read_form, save
from reporting.models import SavedAudience

pytestmark = pytest.mark.django_db

HOSTILE: Final = "<script>alert(1)</script>"
PURCHASE: Final = {"type": "events", "filter": {"type": "string", "field": "eventName", "value": "purchase"}}
FIELDS: Final = {
    "name": "Buyers",
    "description": "",
    "scope": "user",
    "definition": json.dumps({"include": PURCHASE}),
}


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(name="Shop", zone="Europe/Berlin")


@pytest.fixture
def admin(administrator: User, client: Client) -> Client:
    client.force_login(administrator)
    return client


def at(property: Property, path: str = "") -> str:
    return f"/admin/configuration/property/{property.pk}/segments/{path}"


def text(reply: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", reply.content.decode())))


def test_it_works(admin: Client, shop: Property) -> None:
    assert "None." in text(admin.get(at(shop)))
    assert admin.post(at(shop, "add/"), FIELDS)["Location"] == at(shop)
    row = SavedAudience.objects.get()
    assert "Users with an event where eventName is “purchase”." in text(admin.get(at(shop)))
    shown = admin.get(at(shop, f"{row.pk}/"))
    assert "purchase" in text(shown)
    admin.post(at(shop, f"{row.pk}/"), {**FIELDS, "name": "All buyers", "scope": "session"})
    row.refresh_from_db()
    assert (row.name, row.scope, row.author) == ("All buyers", "session", "admin")
    admin.post(at(shop, f"{row.pk}/delete/"))
    assert not SavedAudience.objects.exists()


def test_the_examples_can_be_saved(admin: Client, shop: Property) -> None:
    page = admin.get(at(shop, "add/")).content.decode()
    definitions = [html.unescape(each) for each in re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)]
    for number, (example, definition) in enumerate(zip(EXAMPLES, definitions, strict=True)):
        sent = {**FIELDS, "name": str(number), "scope": example.scope}
        assert admin.post(at(shop, "add/"), {**sent, "definition": definition}).status_code == 302
    assert [form_of(row).audience for row in SavedAudience.objects.order_by("pk")] == list(EXAMPLES)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("definition", "{", "not a JSON object"),
        ("definition", "[]", "not a JSON object"),
        ("definition", "{}", "give it `include` or `exclude`"),
        ("definition", '{"colour": 1}', "'colour' is no part of a definition"),
        ("definition", '{"include": {"type": "events", "metric": "nonsense", "value": 2}}', "is not a metric"),
        ("definition", '{"include": ' + '{"type":"not","condition":' * 3000 + "}" * 3000 + "}", "nested"),
        ("name", "", "This field is required"),
        ("scope", "all", "Select a valid choice"),
    ],
)
def test_errors_are_shown_at_their_field(admin: Client, shop: Property, field: str, value: str, words: str) -> None:
    page = admin.post(at(shop, "add/"), {**FIELDS, field: value}).content.decode()
    (errors,) = re.findall(rf'<div id="errors-{field}">(.*?)</div>', page, re.DOTALL)
    assert words in html.unescape(errors)
    assert not SavedAudience.objects.exists()


def test_a_name_is_given_once(admin: Client, shop: Property) -> None:
    admin.post(at(shop, "add/"), FIELDS)
    assert "already" in text(admin.post(at(shop, "add/"), FIELDS))
    assert SavedAudience.objects.count() == 1


def test_texts_are_shown_as_texts(admin: Client, shop: Property) -> None:
    condition = {"type": "events", "filter": {"type": "string", "field": "pagePath", "value": HOSTILE}}
    made = save(
        shop, read_form({"name": HOSTILE, "description": HOSTILE, "scope": "user", "include": condition}), HOSTILE
    )
    for path in ("", "add/", f"{made.pk}/"):
        assert HOSTILE not in admin.get(at(shop, path)).content.decode()


def test_who_may(shop: Property, client: Client) -> None:
    made = save(shop, read_form({"name": "A", "scope": "user", "include": {"type": "events"}}), "ann")
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(at(shop)).status_code == 404
    shop.viewers.add(staff)
    assert client.get(at(shop)).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_property"))
    assert client.get(at(shop)).status_code == 200
    other = Property.objects.create(name="Other")
    other.viewers.add(staff)
    for path in (f"{made.pk}/", f"{made.pk}/delete/"):
        assert client.post(at(other, path), FIELDS).status_code == 404
    assert SavedAudience.objects.get() == made
