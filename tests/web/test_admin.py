import html
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.access import tokens
from configuration.models import AuditEntry, Property, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(administrator: User, client: Client) -> Client:
    client.force_login(administrator)
    return client


FORM = {
    "name": "Shop",
    "domains": "https://www.shop.example/",
    "zone": "Europe/Berlin",
    "currency": "EUR",
    "session_timeout_s": "1800",
    "engaged_s": "10",
    "bot_lists": "on",
    "spam_list": "on",
    "identity": "cookie",
    "address_precision": "24/48",
}


def test_it_works(admin: Client) -> None:
    response = admin.post("/admin/configuration/property/add/", FORM)
    assert response.status_code == 302
    item = Property.objects.get()
    assert item.domains == "www.shop.example"
    page = html.unescape(admin.get(f"/admin/configuration/property/{item.pk}/change/").content.decode())
    assert f'<script async src="http://127.0.0.1:8000/hs.js?id={item.measurement_id}"></script>' in page


def test_zone_and_timeout_are_a_draft_until_published(admin: Client) -> None:
    item = Property.objects.create(name="Shop", zone="Europe/Berlin")
    changed = FORM | {"zone": "Asia/Tokyo", "session_timeout_s": "600", "name": "Store"}
    assert admin.post(f"/admin/configuration/property/{item.pk}/change/", changed).status_code == 302
    item.refresh_from_db()
    assert (item.name, item.zone, item.session_timeout_s) == ("Store", "Asia/Tokyo", 600)
    settings = item.receive_settings()
    assert (settings.name, settings.zone, settings.session_timeout_s) == ("Store", "Europe/Berlin", 1800)


def test_a_name_is_text_not_markup(admin: Client) -> None:
    item = Property.objects.create(name="<script>alert(1)</script>")
    for page in ("/admin/configuration/property/", f"/admin/configuration/property/{item.pk}/change/"):
        assert b"<script>alert" not in admin.get(page).content


def test_a_property_is_not_deleted_with_a_click(admin: Client) -> None:
    """Another page says what goes, see test_people.py."""
    item = Property.objects.create(name="Shop")
    reply = admin.post(f"/admin/configuration/property/{item.pk}/delete/", {"post": "yes"})
    assert (reply.status_code, reply["Location"]) == (302, f"/admin/processing/erasure/property/{item.pk}/")
    chosen = {"action": "delete_selected", "_selected_action": str(item.pk)}
    admin.post("/admin/configuration/property/", chosen)
    assert Property.objects.filter(pk=item.pk).exists()


def test_a_token_is_shown_once(admin: Client, administrator: User) -> None:
    form = {"name": "script", "user": str(administrator.pk), "scope": "read"}
    page = admin.post("/admin/configuration/token/add/", form, follow=True).content.decode()
    match = re.search(r"<code>(hs_[\w-]{43})</code>", page)
    assert match
    assert tokens.authenticate(match[1]) == Token.objects.get()
    assert match[1] not in admin.get("/admin/configuration/token/").content.decode()


def test_a_token_is_revoked(admin: Client, administrator: User) -> None:
    text = tokens.issue(administrator, "script")
    chosen = {"action": "revoke_chosen", "_selected_action": [str(Token.objects.get().pk)]}
    assert b"Revoked." in admin.post("/admin/configuration/token/", chosen, follow=True).content
    assert tokens.authenticate(text) is None


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    response = client.get("/admin/configuration/property/")
    assert response.status_code == 302
    assert "/login/?next=" in response.headers["Location"]


def test_pages_load_nothing_from_outside_and_run_nothing_inline(admin: Client) -> None:
    item = Property.objects.create(name="Shop")
    for address in ("/admin/", f"/admin/configuration/property/{item.pk}/change/", "/admin/configuration/token/add/"):
        response = admin.get(address)
        page = response.content.decode()
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", page)
        assert not re.search(r"<style|<[^>]+\sstyle=|<[^>]+\son[a-z]+=", page)
        assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_headers_of_every_answer(client: Client) -> None:
    headers = client.get("/sign-in/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_staff_make_tokens_of_their_own_only(administrator: User, client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["add_token", "view_token"]))
    client.force_login(staff)
    for user, status in ((administrator, 200), (staff, 302)):
        form = {"name": "report", "user": user.pk, "scope": "read"}
        assert client.post("/admin/configuration/token/add/", form).status_code == status
    assert Token.objects.get().user == staff


def test_changes_of_settings_are_in_the_audit_log(admin: Client) -> None:
    admin.post("/admin/configuration/property/add/", FORM)
    item = Property.objects.get()
    page = admin.post(f"/admin/configuration/property/{item.pk}/change/", FORM | {"currency": "USD"}, follow=True)
    assert "Settings of reports are a draft" in page.content.decode()
    admin.post(f"/admin/configuration/property/{item.pk}/change/", FORM | {"currency": "USD", "name": "Store"})
    entries = [(entry.user, entry.action, entry.subject, entry.detail) for entry in AuditEntry.objects.all()]
    assert entries[:2] == [
        ("admin", "settings changed", "", ["Currency: was EUR, is USD."]),
        ("admin", "property added", "Shop", []),
    ]


def test_staff_set_up_the_properties_that_they_see(client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    names = ["add_property", "view_property", "change_property"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(staff)
    other = Property.objects.create(name="Somebody else's")
    client.post("/admin/configuration/property/add/", FORM)
    made = Property.objects.get(name="Shop")
    assert list(made.viewers.all()) == [staff]
    assert client.get(f"/admin/configuration/property/{made.pk}/change/").status_code == 200
    assert client.get(f"/admin/configuration/property/{other.pk}/change/").status_code == 404
    assert b"Somebody else" not in client.get("/admin/configuration/property/").content


@pytest.mark.parametrize(
    ("page", "hidden"),
    [
        ("processing/erasure", "visitors__icontains"),
        ("processing/erasure", "visitors__contains"),
        ("processing/erasure", "visitors"),
        ("processing/erasure", "waits_for__isnull"),
        ("configuration/token", "hash__startswith"),
        ("configuration/token", "user__password__startswith"),
        ("configuration/property", "viewers__password__startswith"),
        ("auth/user", "password__startswith"),
        ("auth/user", "tokens__hash__startswith"),
        ("auth/user", "last_login__gte"),
    ],
)
def test_no_list_is_filtered_by_what_it_does_not_show(admin: Client, page: str, hidden: str) -> None:
    """Whether the filter leaves something would tell it."""
    assert admin.get(f"/admin/{page}/", {hidden: "1"}).status_code == 400


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("processing/erasure", "kind__exact"),
        ("processing/erasure", "property"),
        ("configuration/token", "scope__exact"),
        ("configuration/token", "user__id__exact"),
        ("configuration/property", "id__in"),
        ("auth/user", "is_staff__exact"),
        ("auth/user", "groups__id__exact"),
    ],
)
def test_lists_are_filtered_by_what_they_show(admin: Client, page: str, shown: str) -> None:
    assert admin.get(f"/admin/{page}/", {shown: "1"}).status_code == 200


def test_a_word_in_place_of_a_number_is_a_bad_request(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    form = {"action": "revoke_chosen", "_selected_action": "user", "index": "0"}
    assert client.post("/admin/configuration/token/", form).status_code == 400
