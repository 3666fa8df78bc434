"""People's rights over HTTP: who may export, erase and delete, by token and on the pages of the set-up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.access.tokens import issue
from configuration.models import Property, Token
from configuration.visitor_secrets import installation_secret
from processing.ingest.visitor_keys import VisitorKeyFactory
from processing.models import Erasure
from reporting.read_access import view_of
from tests.support import installation
from tests.support.reporting_site import Site, site

pytestmark = pytest.mark.django_db

WHO = {"client_id": "1.1"}
FORM = {"what": "client_id", "value": "1.1"}


@pytest.fixture
def shop(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(installation, "keys", _keys)
    with site(tmp_path, settings) as made:
        yield made


def _keys(entries: Any, context: Any) -> VisitorKeyFactory:
    return VisitorKeyFactory(installation_secret(), {}, {each.id: b"salt" for each in context.properties})


def allowed(user: User, *actions: str) -> User:
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{action}_property" for action in actions]))
    return User.objects.get(pk=user.pk)


def send(shop: Site, address: str, body: Any, token: str, method: str = "post") -> Any:
    path, headers = f"/api/properties/{shop.property.id}/{address}", {"Authorization": f"Bearer {token}"}
    return Client().generic(method.upper(), path, json.dumps(body), content_type="application/json", headers=headers)


def accepted(shop: Site) -> int:
    return view_of(shop.property.id).counts().accepted


def test_it_works(shop: Site) -> None:
    token = issue(allowed(shop.user, "change"), "manager", Token.Scope.MANAGE)
    reply = send(shop, "visitors/export/", WHO, token)
    assert reply["Content-Disposition"].startswith("attachment")
    found = json.loads(b"".join(reply))
    assert [event["path"] for event in found["events"]] == ["/a", "/b"]
    reply = send(shop, "visitors/erase/", WHO, token)
    assert (reply.status_code, reply.json()["hits"], reply.json()["done_at"]) == (202, 2, None)
    assert accepted(shop) == 3
    (listed,) = (
        Client()
        .get(f"/api/properties/{shop.property.id}/erasures/", headers={"Authorization": f"Bearer {token}"})
        .json()
    )
    assert (listed["kind"], listed["hits"], listed["asked_by"]) == ("visitors", 2, "reader")
    assert "1.1" not in str(Erasure.objects.values())


@pytest.mark.parametrize("address", ["visitors/export/", "visitors/erase/"])
@pytest.mark.parametrize(
    ("scope", "actions", "status"),
    [("read", ["change"], 403), ("read write", ["change"], 403), ("manage", [], 404), ("manage", ["delete"], 404)],
)
def test_who_may_not(shop: Site, address: str, scope: str, actions: list[str], status: int) -> None:
    token = issue(allowed(shop.user, *actions), "t", scope)
    assert send(shop, address, WHO, token).status_code == status
    assert accepted(shop) == 5


def test_who_is_no_viewer_finds_nothing(shop: Site) -> None:
    other = allowed(User.objects.create_user("other"), "change", "delete")
    token = issue(other, "t", Token.Scope.MANAGE)
    for address, method in (
        ("visitors/export/", "post"),
        ("visitors/erase/", "post"),
        ("", "delete"),
        ("erasures/", "get"),
    ):
        assert send(shop, address, WHO, token, method).status_code == 404
    assert accepted(shop) == 5


def test_nobody_manages_property_0(shop: Site, administrator: User) -> None:
    token = issue(administrator, "t", Token.Scope.MANAGE)
    for path in ("0/visitors/erase/", f"{2**80}/visitors/erase/"):
        headers = {"Authorization": f"Bearer {token}"}
        reply = Client().post(f"/api/properties/{path}", "{}", content_type="application/json", headers=headers)
        assert reply.status_code == 404


@pytest.mark.parametrize("body", [{}, {"client_id": "1", "visitor": "2"}, {"visitor": "x"}, {"user_id": "nobody"}, []])
def test_whom_nobody_knows(shop: Site, administrator: User, body: Any) -> None:
    token = issue(administrator, "t", Token.Scope.MANAGE)
    assert send(shop, "visitors/erase/", body, token).status_code == 400
    assert not Erasure.objects.exists()


def test_deleting_a_property(shop: Site) -> None:
    token = issue(allowed(shop.user, "change"), "t", Token.Scope.MANAGE)
    assert send(shop, "", {}, token, "delete").status_code == 404
    allowed(shop.user, "delete")
    assert send(shop, "", {}, issue(shop.user, "r"), "delete").status_code == 403
    reply = send(shop, "", {}, token, "delete")
    assert (reply.status_code, reply.json()["hits"]) == (202, 5)
    read = {"Authorization": f"Bearer {shop.token}"}
    number = shop.property.id
    assert Client().get("/api/properties/", headers=read).json() == []
    assert Client().get(f"/api/properties/{number}/status/", headers=read).status_code == 404
    report = {"dateRanges": [{"startDate": "today", "endDate": "today"}], "metrics": [{"name": "sessions"}]}
    google = f"/v1beta/properties/{number}:runReport"
    reply = Client().post(google, json.dumps(report), content_type="application/json", headers=read)
    assert reply.status_code == 403
    assert list(shop.user.properties.all()) == []
    assert list(Property.with_deleted.values_list("pk", flat=True)) == [number]


def test_the_page_for_visitors(shop: Site, administrator: User, client: Client) -> None:
    client.force_login(administrator)
    change = client.get(f"/admin/configuration/property/{shop.property.id}/change/").content.decode()
    page = f"/admin/processing/erasure/visitors/{shop.property.id}/"
    assert page in change
    assert client.get(page).status_code == 200
    assert b"2 hits" in client.post(page, {**FORM, "look": "1"}).content
    found = json.loads(b"".join(client.post(page, {**FORM, "export": "1"})))
    assert len(found["hits"]) == 2
    asked = client.post(page, {**FORM, "ask": "1"}).content
    assert b"Erase 2 hits forever" in asked
    assert accepted(shop) == 5
    assert client.post(page, {**FORM, "erase": "1"}).status_code == 302
    assert accepted(shop) == 3
    listed = client.get("/admin/processing/erasure/").content
    assert b"1.1" not in listed
    assert client.get(f"/admin/processing/erasure/{Erasure.objects.get().pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "form", [{"what": "visitor", "value": "x"}, {"what": "user_id", "value": "x"}, {"what": "name"}]
)
def test_a_form_that_names_nobody(shop: Site, administrator: User, client: Client, form: Any) -> None:
    client.force_login(administrator)
    reply = client.post(f"/admin/processing/erasure/visitors/{shop.property.id}/", {**form, "erase": "1"})
    assert (reply.status_code, b"errorlist" in reply.content) == (200, True)
    assert not Erasure.objects.exists()


def test_the_page_that_deletes(shop: Site, administrator: User, client: Client) -> None:
    client.force_login(administrator)
    page = f"/admin/processing/erasure/property/{shop.property.id}/"
    assert b"5 hits" in client.get(page).content
    assert client.post(page).status_code == 302
    assert b"Shop</a>" not in client.get("/admin/configuration/property/").content
    assert client.get(page).status_code == 404
    assert client.get(f"/{shop.property.id}/").status_code == 404


def test_staff_without_the_right(shop: Site, client: Client) -> None:
    shop.user.is_staff = True
    shop.user.save()
    client.force_login(allowed(shop.user, "change"))
    assert client.get(f"/admin/processing/erasure/visitors/{shop.property.id}/").status_code == 200
    assert client.get(f"/admin/processing/erasure/property/{shop.property.id}/").status_code == 404
    client.force_login(allowed(shop.user, "delete"))
    assert client.get(f"/admin/processing/erasure/visitors/{shop.property.id}/").status_code == 404
    shop.property.viewers.clear()
    assert client.post(f"/admin/processing/erasure/property/{shop.property.id}/").status_code == 404
    assert Property.objects.filter(pk=shop.property.id).exists()


def test_pages_over_a_store_that_cannot_be_opened(
    shop: Site, administrator: User, client: Client, tmp_path: Path, settings: Any
) -> None:
    (tmp_path / "file").touch()
    settings.STORE_URL = f"sqlite://{tmp_path}/file/store"
    client.force_login(administrator)
    reply = client.get(f"/admin/processing/erasure/property/{shop.property.id}/")
    assert (reply.status_code, reply["Retry-After"]) == (503, "5")
    assert b"cannot be read at the moment" in reply.content
