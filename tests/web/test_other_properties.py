"""Staff of one property see nothing of another one, and can do nothing to it: on all pages, lists and choices."""

import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from configuration.access.tokens import issue
from configuration.clock import now
from configuration.drafts.draft import replace_draft
from configuration.drafts.publishing import publish
from configuration.models import Property, Token
from configuration.ruleset.ruleset import Ruleset
from processing.models import Erasure, HistoryRun, TaskFailure
from tests.support.reporting_site import site
from tests.support.routes import Route, routes
from tests.support.rule_examples import EXAMPLES

pytestmark = pytest.mark.django_db

SEARCHED: Final = "zqforeign"  # a page shows what it was asked for
MARK: Final = f"{SEARCHED}qz"
NUMBER: Final = 987_654_321  # of the other property
LINK: Final = re.compile(r'(?:href|action|data-source)="([^"#]+)')
LARGE_PK: Final = 7_000_000


class World(NamedTuple):
    client: Client
    own: Property
    foreign: dict[str, int]  # numbers of rows of the other property, by their model

    def argument(self, kind: str, name: str, numbers: dict[str, int]) -> str:
        return "filter" if kind == "slug" else str(numbers.get(name, numbers["property"]))


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> Iterator[World]:
    with site(tmp_path, settings) as made:
        staff = User.objects.create_user("staff", is_staff=True)
        staff.user_permissions.set(Permission.objects.all())
        made.property.viewers.add(staff)
        client = Client()
        client.force_login(staff)
        yield World(client, made.property, plant())


def plant() -> dict[str, int]:
    """Makes a property of other people, with everything that can belong to one, and returns the numbers of its rows."""
    user = User.objects.create_user(f"{MARK}-user", f"{MARK}@example.org", pk=LARGE_PK, first_name=MARK, is_staff=True)
    other = Property.objects.create(pk=NUMBER, name=f"{MARK}-property", domains=f"{MARK}.example", measurement_id=MARK)
    other.viewers.add(user)
    rules = tuple(rule for rule, _ in EXAMPLES.values())
    replace_draft(other, Ruleset(NUMBER, 0, other.draft_settings(), rules), user)
    publish(other, user, f"{MARK}-note")
    issue(user, f"{MARK}-token", Token.Scope.MANAGE)
    Group.objects.create(pk=LARGE_PK, name=f"{MARK}-group")
    erasure = Erasure.objects.create(pk=LARGE_PK, property=NUMBER, kind="visitors", until_us=1, asked_by=f"{MARK}-user")
    run = HistoryRun.objects.create(pk=LARGE_PK, property=NUMBER, rules=1, author=f"{MARK}-user", state="paused")
    TaskFailure.objects.create(pk=LARGE_PK, task=f"{MARK}-task", property=NUMBER, reason=MARK, seen_at=now())
    token = Token.objects.get(user=user)
    of_tokens = ContentType.objects.get_for_model(Token)
    LogEntry.objects.create(
        user=user,
        content_type=of_tokens,
        object_id=str(token.pk),
        object_repr=MARK,
        action_flag=CHANGE,
        action_time=now(),
    )
    rule = other.draft_rules.first()
    assert rule
    numbers = {"property": NUMBER, "user": user.pk, "group": LARGE_PK, "token": token.pk, "erasure": erasure.pk}
    return {**numbers, "taskfailure": LARGE_PK, "run": run.pk, "run_id": run.pk, "rule": rule.pk}


def check_hidden(reply: Any, address: str) -> None:
    text = b"".join(reply).decode() if reply.streaming else reply.content.decode()
    shown = [text, *(f"{name}: {value}" for name, value in reply.headers.items())]
    assert not [each for each in shown if MARK in each or str(NUMBER) in each], address


def test_it_works(world: World) -> None:
    """The other property is there, and an administrator sees it."""
    administrator = Client()
    administrator.force_login(User.objects.create_superuser("root"))
    for kind in ("token", "property"):
        assert MARK in administrator.get(f"/admin/configuration/{kind}/").content.decode()
    assert MARK in administrator.get("/admin/processing/erasure/").content.decode()
    assert MARK in administrator.get("/admin/auth/user/").content.decode()
    assert MARK in administrator.get(f"/admin/configuration/property/{world.own.pk}/change/").content.decode()


def test_no_page_that_links_lead_to_shows_anything_of_it(world: World) -> None:
    """Follows every link from the dashboard and the admin: lists, filters, orders, searches, forms.

    The dashboard's pages have each of their parameters alone, once: together they make too many addresses.
    """
    waiting, seen = ["/", "/admin/", f"/properties/{world.own.pk}/rules/"], set[str]()
    while waiting and len(seen) < 400:
        address = waiting.pop()
        path, query = urlsplit(address).path, parse_qs(urlsplit(address).query)
        kind = address if path.startswith(("/admin/", "/properties/")) else f"{path}?{'&'.join(query)}"
        if kind in seen or (kind != address and "&" in kind) or path in ("/sign-out/", "/admin/logout/"):
            continue
        seen.add(kind)
        reply = world.client.get(address)
        assert reply.status_code in (200, 302, 400, 403, 404, 405), address
        check_hidden(reply, address)
        if "html" in reply.headers.get("Content-Type", ""):
            links = [urljoin(address, unescape(link)) for link in LINK.findall(reply.content.decode())]
            waiting += [link for link in links if link.startswith("/") and not link.startswith("/static/")]
        waiting += [reply["Location"]] if reply.status_code == 302 else []
    assert len(seen) > 60


def test_no_list_choice_or_interface_shows_anything_of_it(world: World) -> None:
    for address in [*_lists(), *_autocompletes(), *_interfaces(world)]:
        check_hidden(world.client.get(address), address)


def _lists() -> Iterator[str]:
    for model, pages in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield from (base, f"{base}add/", f"{base}?q={SEARCHED}", f"{base}?all=", f"{base}?o=-1", f"{base}?_popup=1")
        yield from (f"{base}?{name}__icontains={SEARCHED}" for name in (*pages.search_fields, "name", "user__username"))
        yield from (f"{base}?viewers__id__exact={LARGE_PK}", f"{base}?user__id__exact={LARGE_PK}")


def _autocompletes() -> Iterator[str]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            of = f"app_label={model._meta.app_label}&model_name={model._meta.model_name}&field_name={field.name}"
            yield from (f"/admin/autocomplete/?{of}&term={term}" for term in ("", SEARCHED))


def _interfaces(world: World) -> Iterator[str]:
    own = {"property": world.own.pk}
    for route in routes():
        if route.pattern.startswith(("api/", "v1beta/")):
            yield route.address(lambda kind, name: world.argument(kind, name, own))


METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_nothing_can_be_done_to_it(world: World) -> None:
    before = _everything()
    for route in routes():
        if "<" not in route.pattern:
            continue
        for method in METHODS:
            address = route.address(partial(_foreign, world, route))
            reply = world.client.generic(method, address, b"{}", content_type="application/json")
            if reply.status_code == 302:
                reply = world.client.generic(method, reply["Location"], b"{}", content_type="application/json")
            assert reply.status_code in (401, 403, 404, 405), (method, address)
            assert MARK not in reply.content.decode(), address
    assert _everything() == before


def _foreign(world: World, route: Route, kind: str, name: str) -> str:
    """A row of the model that the address is about, or a part of the other property."""
    named = next((model for model in world.foreign if f"/{model}/<path:object_id>" in route.pattern), name)
    return world.argument(kind, "user" if name == "id" else named, world.foreign)


def test_rows_of_it_cannot_be_chosen_in_forms(world: World) -> None:
    before = _everything()
    token, user = world.foreign["token"], world.foreign["user"]
    chosen = {"action": "revoke_chosen", "_selected_action": token, "select_across": "0"}
    world.client.post("/admin/configuration/token/", chosen)
    world.client.post("/admin/configuration/token/", {**chosen, "select_across": "1"})
    check_hidden(
        world.client.post("/admin/configuration/token/add/", {"name": "x", "user": user, "scope": "read"}), "token"
    )
    page = f"/admin/configuration/property/{world.own.pk}/change/"
    reply = world.client.post(page, {"name": "Shop", "viewers": [str(user)], "zone": "Etc/UTC", "currency": "EUR"})
    check_hidden(reply, page)
    assert "is not one of the available choices" in reply.content.decode()
    assert not Token.objects.filter(name="x").exists()
    assert _everything() == before


def _everything() -> list[Any]:
    """All rows of the other property, and of its people."""
    foreign = Property.objects.filter(pk=NUMBER)
    rows = [foreign.values(), Token.objects.values(), Erasure.objects.values(), HistoryRun.objects.values()]
    people = [User.objects.values("pk", "username", "password", "is_superuser"), Group.objects.values()]
    return [list(each) for each in (*rows, *people)] + [sorted(foreign.values_list("viewers", flat=True))]


def test_staff_cannot_make_themselves_administrators(world: World) -> None:
    staff = User.objects.get(username="staff")
    colleague = User.objects.create_superuser("colleague")
    world.own.viewers.add(colleague)
    form = {"username": "staff", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    world.client.post(f"/admin/auth/user/{staff.pk}/change/", form)
    assert not User.objects.get(pk=staff.pk).is_superuser
    password = {"password1": "another long password", "password2": "another long password", "usable_password": "true"}
    assert world.client.post(f"/admin/auth/user/{colleague.pk}/password/", password).status_code == 403
    assert world.client.post(f"/admin/auth/user/{colleague.pk}/delete/", {"post": "yes"}).status_code == 403
    assert world.client.post("/admin/auth/user/add/", {"username": "more", **password}).status_code == 403
    assert set(User.objects.values_list("username", flat=True)) >= {"staff", "colleague"}
