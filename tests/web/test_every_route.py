"""Hostile values in every route, method, field, header and body: nothing may answer with a server error, except 503
where that is meant.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from configuration.access.tokens import issue
from configuration.drafts.draft import draft, replace_draft
from configuration.drafts.publishing import publish
from configuration.models import Token
from configuration.ruleset.document import to_document
from configuration.ruleset.ruleset import Ruleset
from processing.models import HistoryRun
from reporting.audiences.saved import read_form, save
from reporting.file_formats import FORMATS
from reporting.read_access import view_of
from tests.support import hostile
from tests.support.reporting_site import Site, site
from tests.support.request_bodies import BODIES, LONE, REPORT
from tests.support.routes import Route, routes
from tests.support.rule_examples import EXAMPLES

pytestmark = pytest.mark.django_db

PACKAGES: Final = ("analytics_site", "configuration", "processing", "reporting")
READS_A_FIELD: Final = re.compile(r"""(?:GET|POST|query_params|form|parameters)(?:\.get|\.getlist)?[\[(]"(\w+)["]""")
OF_DJANGO: Final = (
    *("next", "q", "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "term", "app_label",
      "model_name", "field_name"),
    *("action", "select_across", "index", "_selected_action", "post", "_save", "_continue", "_addanother", "format",
      "lang", "scope__exact", "kind__exact"),
    *("id__exact", "user__id__exact", "user__username", "viewers__id", "created__year", "is_staff__exact",
      "groups__id__exact"),
)  # fmt: skip
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
APIS: Final = ("api/", "v1beta/")
NO_SHRINKING: Final = (Phase.explicit, Phase.generate)
EXAMPLES_OF_ALL: Final = 500
EXAMPLES_OF_ONE: Final = 80
ROLES: Final = ("nobody", "viewer", "staff", "owner")


class Request(NamedTuple):
    role: str
    method: str
    address: str
    body: bytes
    kind: str
    headers: dict[str, str]


class World(NamedTuple):
    """A property with hits, rules of every kind, a run, and one person for each of ROLES."""

    site: Site
    people: dict[str, User | None]
    tokens: list[str]
    of_owner: dict[str, str]  # the owner's tokens by their scope
    rows: dict[str, int]
    document: dict[str, Any]
    position: int  # of a received hit
    fields: tuple[str, ...]

    def client(self, role: str) -> Client:
        client = Client(raise_request_exception=False)
        if person := self.people[role]:
            client.force_login(person)
        return client

    def argument(self, kind: str, name: str) -> str:
        of_property = name in ("number", "property_id", "object_id")
        return "filter" if kind == "slug" else str(self.rows.get(name, self.site.property.pk if of_property else 1))

    def token(self, route: Route) -> str:
        """Returns one that may use the route."""
        needed = {
            "/visitors/": Token.Scope.MANAGE,
            "/rules/": Token.Scope.CONFIGURE,
            "/segments/": Token.Scope.CONFIGURE,
            "/history/": Token.Scope.CONFIGURE,
        }
        scopes = [scope for part, scope in needed.items() if part in f"/{route.pattern}"]
        return self.of_owner[[*scopes, Token.Scope.READ][0]]

    def address(self, route: Route) -> str:
        return route.address(self.argument)

    def bodies(self, route: Route) -> list[Any]:
        """Returns valid bodies of a request to this route."""
        received = [{"position": str(self.position), "version": 1}] if route.pattern.endswith("/trace/") else []
        return [*BODIES[next(end for end in BODIES if route.pattern.endswith(end))], *received] or [self.document]


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> Iterator[World]:
    with site(tmp_path, settings) as made:
        shop, viewer = made.property, made.user
        staff = User.objects.create_user("staff", is_staff=True)
        staff.user_permissions.set(Permission.objects.all())
        owner = User.objects.create_superuser("owner")
        shop.viewers.add(staff)
        rules = tuple(rule for rule, _ in EXAMPLES.values())
        replace_draft(shop, Ruleset(shop.pk, 0, shop.draft_settings(), rules), owner)
        publish(shop, owner, "rules")
        run = HistoryRun.objects.create(property=shop.pk, rules=1, author="owner", state=HistoryRun.State.PAUSED)
        of_owner = {scope: issue(owner, "t", scope) for scope in Token.Scope.values}
        tokens = [*(issue(staff, "t", scope) for scope in Token.Scope.values), *of_owner.values()]
        segment = save(shop, read_form(BODIES["/segments/"][0]), owner)
        rows = {
            "segment": segment.pk,
            "run": run.pk,
            "run_id": run.pk,
            "rule": shop.draft_rules.all()[0].pk,
            "id": staff.pk,
        }
        position = view_of(shop.pk).tail.events["position"][0]
        people = {"nobody": None, "viewer": viewer, "staff": staff, "owner": owner}
        fields = (*OF_DJANGO, *sorted(_fields_of_the_code()))
        yield World(made, people, tokens, of_owner, rows, to_document(draft(shop)), position, fields)


@cache
def _fields_of_the_code() -> frozenset[str]:
    """The names of all fields that our code reads from addresses and forms."""
    files = [path for package in PACKAGES for path in (configured.BASE_DIR / package).rglob("*.py")]
    return frozenset(name for path in files for name in READS_A_FIELD.findall(path.read_text(encoding="utf-8")))


@st.composite
def anything(draw: st.DrawFn, world: World, role: str) -> Request:
    """Any method at any route, with hostile arguments, headers, query and body."""
    route, method = draw(st.sampled_from(routes())), draw(st.sampled_from(METHODS))
    address = route.address(lambda kind, name: draw(arguments(world, kind, name)))
    headers = draw(st.sampled_from(hostile.HEADERS)) if draw(st.booleans()) else {}
    if "Authorization" not in headers and draw(st.booleans()):
        headers = {**headers, "Authorization": f"Bearer {draw(st.sampled_from(world.tokens))}"}
    body, kind = draw(st.sampled_from(hostile.BODIES)), draw(st.sampled_from(hostile.TYPES))
    return Request(role, method, f"{address}?{draw(queries(world))}", body, kind, headers)


@st.composite
def arguments(draw: st.DrawFn, world: World, kind: str, name: str) -> str:
    if draw(st.integers(0, 3)):
        return world.argument(kind, name)
    if kind == "int":
        return draw(st.sampled_from(["0", "1", "2", str(2**31), str(2**63), "9" * 25, "9" * 5000, "007", "-1"]))
    return quote(draw(hostile.texts)[:2000], safe="", errors="surrogatepass")


@st.composite
def queries(draw: st.DrawFn, world: World) -> str:
    return encoded(draw(st.lists(st.tuples(st.sampled_from(world.fields), hostile.texts), max_size=3)))


@st.composite
def json_bodies(draw: st.DrawFn, world: World, route: Route) -> Request:
    """A valid body but for one place, or hostile bytes, from somebody who may do everything."""
    valid = draw(st.sampled_from(world.bodies(route)))
    body = draw(st.sampled_from(hostile.BODIES)) if draw(st.integers(0, 9)) == 0 else draw(hostile.spoiled_json(valid))
    method = "PUT" if route.pattern.endswith("number>/rules/") else "POST"
    headers = {"If-Match": "*", "Authorization": f"Bearer {world.token(route)}"}
    query = draw(st.sampled_from(["", *(f"?file={name}" for name in FORMATS)]))
    return Request("nobody", method, f"{world.address(route)}{query}", body, "application/json", headers)


@st.composite
def forms(draw: st.DrawFn, world: World, role: str, route: Route, fields: dict[str, str]) -> Request:
    """A page's form as a browser would send it, but for one to three fields."""
    names = st.sampled_from(sorted(fields) or sorted(world.fields))
    spoiled = {name: draw(hostile.texts) for name in draw(st.lists(names, min_size=1, max_size=3))}
    more = draw(queries(world)) if draw(st.booleans()) else ""
    body = f"{encoded([*({**fields, **spoiled}.items())])}&{more}"
    return Request(role, "POST", world.address(route), body.encode(), "application/x-www-form-urlencoded", {})


def encoded(fields: list[tuple[str, str]]) -> str:
    return urlencode(fields, errors="surrogatepass")


def ask_many(world: World, strategy: st.SearchStrategy[Request], examples: int) -> None:
    """Sends so many requests, and takes back what each did to the database."""

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING, database=None)
    @given(strategy)
    def ask(request: Request) -> None:
        with transaction.atomic():
            response = world.client(request.role).generic(
                request.method, request.address, request.body, content_type=request.kind, headers=request.headers
            )
            transaction.set_rollback(True)
        assert response.status_code < 500 or is_meant(response), request

    ask()


def is_meant(response: Any) -> bool:
    return bool(response.status_code == 503 and response.has_header("Retry-After"))


PAGES: Final = [route for route in routes() if not route.pattern.startswith(APIS)]
WITH_BODY: Final = [
    route for route in routes() if route.pattern.startswith(APIS) and route.pattern.endswith(tuple(BODIES))
]


def named(route: Route) -> str:
    return route.pattern


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
def test_it_works(world: World, route: Route) -> None:
    """The bodies that are spoiled are valid."""
    method = "PUT" if route.pattern.endswith("number>/rules/") else "POST"
    headers = {"If-Match": "*", "Authorization": f"Bearer {world.token(route)}"}
    for valid in world.bodies(route):
        body = hostile.as_json(valid)
        reply = world.client("nobody").generic(
            method, world.address(route), body, content_type="application/json", headers=headers
        )
        assert reply.status_code in (200, 201, 202, 409), reply.content


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", ROLES)
def test_any_request(world: World, role: str) -> None:
    ask_many(world, anything(world, role), EXAMPLES_OF_ALL)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("route", WITH_BODY, ids=named)
def test_bodies(world: World, route: Route) -> None:
    ask_many(world, json_bodies(world, route), EXAMPLES_OF_ONE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("route", PAGES, ids=named)
def test_forms_and_queries(world: World, route: Route) -> None:
    page = world.client("owner").get(world.address(route))
    fields = hostile.Forms(page.content.decode()).fields if not page.streaming else {}
    ask_many(world, forms(world, "owner", route, fields), EXAMPLES_OF_ONE if fields else EXAMPLES_OF_ONE // 4)
    asked = queries(world).map(lambda query: Request("staff", "GET", f"{world.address(route)}?{query}", b"", "", {}))
    ask_many(world, asked, EXAMPLES_OF_ONE // 4)


NAMED: Final = [
    ("owner", "GET", "/admin/configuration/property/abc/delete/", b"", 404),
    ("owner", "GET", "/admin/configuration/property/%D9%A1/history/", b"", 404),
    ("owner", "GET", f"/admin/configuration/property/{'9' * 30}/delete/", b"", 404),
    ("owner", "GET", "/admin/r/1/1/", b"", 404),
    ("owner", "GET", "/admin/autocomplete/?app_label=auth&model_name=group&field_name=user", b"", 404),
    ("owner", "POST", "/properties/{number}/rules/try/", b"hit=https%3A%2F%2F%5Bx%2F", 400),
    ("owner", "POST", "/api/properties/{number}/rules/trace/", b'{"hit": "https://[x/"}', 400),
    ("owner", "POST", "/api/properties/{number}/rules/trace/", b'{"hit": "\\ud800"}', 400),
    ("owner", "POST", "/api/properties/{number}/report/", hostile.as_json({**REPORT, "derived": [LONE]}), 400),
    ("owner", "POST", "/api/properties/{number}/rules/preview/", b'{"from": "9999-12-31", "to": "9999-12-31"}', 400),
    ("owner", "POST", "/api/properties/{number}/history/", b'{"from": "2026-11-20", "to": "9999-12-31"}', 400),
    ("owner", "GET", "/api/properties/{number}/history/{run}/?from=2026-11-20&to=9999-12-31", b"", 400),
]


@pytest.mark.parametrize(("role", "method", "address", "body", "status"), NAMED)
def test_what_was_a_server_error(world: World, role: str, method: str, address: str, body: bytes, status: int) -> None:
    path = address.format(number=world.site.property.pk, run=world.rows["run"])
    kind = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    response = world.client(role).generic(method, path, body, content_type=kind)
    assert response.status_code == status, response.content[:300]
