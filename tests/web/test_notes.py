"""Notes on days: who writes them, on pages and over the API, and what may be written."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.access.tokens import issue
from configuration.models import Property, Token
from configuration.rule_models import AuditEntry
from reporting import notes
from reporting.models import LONGEST_TEXT, Note
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

HOSTILE = '"><script>alert(1)</script>\u202e'


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def owner(shop: Site, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("owner"))
    return client


@pytest.fixture
def viewer(shop: Site) -> Client:
    client = Client()
    client.force_login(shop.user)
    return client


def write(client: Client, shop: Site, status: int = 302, **fields: str) -> Any:
    form = {"day": DAY, "text": "New shop", "query": "period=today"} | fields
    response = client.post(f"/{shop.property.pk}/notes/", form)
    assert response.status_code == status, response.content.decode()
    return response


def page(client: Client, shop: Site, query: str = "?period=today") -> str:
    response = client.get(f"/{shop.property.pk}/{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def api(shop: Site, scope: Token.Scope, user: User, method: str, path: str = "", body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {issue(user, 'test', scope)}"}
    ask = getattr(Client(), method)
    more = {"content_type": "application/json"} if body is not None else {}
    address = f"/api/properties/{shop.property.pk}/notes/{path}"
    return ask(address, body, headers=headers, **more) if body is not None else ask(address, headers=headers)


def test_it_works(shop: Site, owner: Client, viewer: Client) -> None:
    assert write(owner, shop)["Location"] == f"/{shop.property.pk}/?period=today"
    text = page(viewer, shop)
    assert re.search(r'<li title="owner">20 Nov: <bdi>New shop</bdi></li>', text)
    (chart,) = re.findall(r'id="chart-data"[^>]*>(.*?)<', text)
    assert f'"x": "{DAY}"' in chart
    assert '"text": "note"' in chart
    assert "New shop" not in page(viewer, shop, "?period=yesterday")
    entry = AuditEntry.objects.get(action="note added")
    assert (entry.user, entry.subject, entry.detail) == ("owner", "New shop", [DAY])
    assert owner.post(f"/{shop.property.pk}/notes/{Note.objects.get().pk}/delete/", {"query": ""}).status_code == 302
    assert AuditEntry.objects.get(action="note deleted").subject == "New shop"
    assert "New shop" not in page(viewer, shop)


def test_a_new_note_is_new_on_an_open_page(shop: Site, owner: Client, viewer: Client) -> None:
    address = f"/{shop.property.pk}/panels/?period=today"
    tag = viewer.get(address)["ETag"]
    write(owner, shop)
    assert viewer.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_hostile_words(shop: Site, owner: Client) -> None:
    write(owner, shop, text=HOSTILE)
    text = page(owner, shop)
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_viewer_reads_only(shop: Site, owner: Client, viewer: Client) -> None:
    write(owner, shop)
    note = Note.objects.get().pk
    assert "note-form" not in page(viewer, shop)
    assert "delete/" not in page(viewer, shop)
    write(viewer, shop, 403)
    assert viewer.post(f"/{shop.property.pk}/notes/{note}/delete/").status_code == 403
    assert Note.objects.count() == 1


def test_of_another_property(shop: Site, owner: Client) -> None:
    other = Property.objects.create(name="Elsewhere")
    note = notes.add(other, date(2026, 11, 20), "Theirs", shop.user)
    assert owner.post(f"/{shop.property.pk}/notes/{note.pk}/delete/").status_code == 404
    assert owner.post(f"/{shop.property.pk}/notes/{10**30}/delete/").status_code == 404
    assert "Theirs" not in page(owner, shop)
    assert (
        api(shop, Token.Scope.CONFIGURE, User.objects.get(username="owner"), "delete", f"{note.pk}/").status_code == 404
    )
    assert Note.objects.count() == 1


def test_forms_of_other_sites(shop: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("owner"))
    write(client, shop, 403)


@pytest.mark.parametrize("query", ["//evil.example/", "\r\nLocation: https://evil.example", "a" * 500, "f=a&f=b"])
def test_it_leads_back_to_the_property(shop: Site, owner: Client, query: str) -> None:
    address = write(owner, shop, query=query)["Location"]
    assert address.startswith(f"/{shop.property.pk}/?")
    assert "\n" not in address


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": " \0\n\u200b"}, "Write what happened"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, f"has {LONGEST_TEXT + 1} characters"),
        ({"day": ""}, "Name the day"),
        ({"day": "<b>"}, "Name the day"),
        ({"day": "1999-12-31"}, "can be on a day from"),
        ({"day": "9999-12-31"}, "can be on a day from"),
    ],
)
def test_what_a_note_cannot_be(shop: Site, owner: Client, fields: dict[str, str], words: str) -> None:
    assert words in write(owner, shop, 400, **fields).content.decode()
    assert not Note.objects.exists()
    assert not AuditEntry.objects.filter(action="note added").exists()


def test_there_are_so_many(shop: Site, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST_NOTES", 1)
    write(owner, shop)
    assert "has 1 notes already" in write(owner, shop, 400).content.decode()


def test_the_api(shop: Site) -> None:
    user = User.objects.create_superuser("program")
    made = api(shop, Token.Scope.CONFIGURE, user, "post", body={"day": DAY, "text": " Release  2 "})
    assert made.status_code == 201
    note = made.json()
    assert (note["day"], note["text"], note["author"]) == (DAY, "Release 2", "program")
    listed = api(shop, Token.Scope.READ, shop.user, "get")
    assert listed.json() == [note]
    assert api(shop, Token.Scope.READ, shop.user, "get", "?from=2026-11-01&to=2026-11-02").json() == []
    assert api(shop, Token.Scope.CONFIGURE, user, "delete", f"{note['id']}/").status_code == 204
    assert api(shop, Token.Scope.CONFIGURE, user, "delete", f"{note['id']}/").status_code == 404
    assert not Note.objects.exists()
    assert AuditEntry.objects.filter(action__startswith="note").count() == 2


def test_who_writes_over_the_api(shop: Site) -> None:
    note, owner = {"day": DAY, "text": "x"}, User.objects.create_superuser("owner")
    stranger = User.objects.create_user("stranger")
    assert api(shop, Token.Scope.READ, owner, "post", body=note).status_code == 403
    assert api(shop, Token.Scope.CONFIGURE, shop.user, "post", body=note).status_code == 403
    assert api(shop, Token.Scope.CONFIGURE, stranger, "post", body=note).status_code == 404
    assert api(shop, Token.Scope.READ, stranger, "get").status_code == 404
    assert Client().get(f"/api/properties/{shop.property.pk}/notes/").status_code == 401
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"day": DAY},
        {"day": "today", "text": "x"},
        {"day": "1999-01-01", "text": "x"},
        {"day": DAY, "text": "\0"},
        {"day": DAY, "text": "\u200b"},
        {"day": DAY, "text": "x" * (LONGEST_TEXT + 1)},
        {"day": DAY, "text": ["x"]},
        [],
    ],
)
def test_what_the_api_refuses(shop: Site, body: Any) -> None:
    owner = User.objects.create_superuser("owner")
    assert api(shop, Token.Scope.CONFIGURE, owner, "post", body=body).status_code == 400
    assert not Note.objects.exists()
