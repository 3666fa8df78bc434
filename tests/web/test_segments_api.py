"""Segments over REST: who may, what is refused, and reports that name them."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from hypothesis import HealthCheck, given, settings

from configuration.access.tokens import issue
from configuration.models import Property, Token
from configuration.rule_models import AuditEntry
from reporting.audiences import saved
from reporting.capacity import elsewhere
from reporting.models import SavedAudience
from tests.support import hostile
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db

SIGNED_UP = {"type": "events", "filter": {"type": "string", "field": "eventName", "value": "sign_up"}}
MEMBERS: dict[str, Any] = {"name": "Members", "description": "Who signed up", "scope": "user", "include": SIGNED_UP}
REPORT: dict[str, Any] = {"date_ranges": [{"start": DAY, "end": DAY}], "metrics": ["totalUsers", "eventCount"]}
FUNNEL: dict[str, Any] = {
    "kind": "funnel",
    "date_range": {"start": DAY, "end": DAY},
    "steps": [
        {"name": name, "filter": {"type": "string", "field": "pagePath", "value": name}} for name in ("/a", "/b")
    ],
}


class Api:
    """One property and the token of a user who may change its rules, unless another is named."""

    def __init__(self, shop: Site) -> None:
        self.shop, self.editor = shop, User.objects.create_user("ann")
        self.editor.user_permissions.add(Permission.objects.get(codename="change_property"))
        shop.property.viewers.add(self.editor)
        self.token = issue(self.editor, "test", Token.Scope.CONFIGURE)
        self.reader = issue(self.editor, "read", Token.Scope.READ)

    def call(self, method: str, path: str = "", body: Any = None, status: int = 200, token: str = "") -> Any:
        reply = Client().generic(
            method,
            f"/api/properties/{self.shop.property.pk}/segments/{path}",
            body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        assert reply.status_code == status, (reply.status_code, reply.content)
        return reply.json() if reply.content else None

    def report(self, body: dict[str, Any], status: int = 200, query: str = "") -> Any:
        address = f"/api/properties/{self.shop.property.pk}/report/{query}"
        reply = Client().post(address, body, "application/json", headers={"Authorization": f"Bearer {self.reader}"})
        assert reply.status_code == status, (reply.status_code, reply.content)
        return reply.content if query else reply.json()


@pytest.fixture
def api(tmp_path: Path, settings: Any) -> Iterator[Api]:
    with site(tmp_path, settings) as made:
        yield Api(made)


def test_it_works(api: Api) -> None:
    made = api.call("POST", "", MEMBERS, 201)
    number, meaning = made["id"], "Users with an event where eventName is “sign_up”."
    whole = {**MEMBERS, "exclude": None, "id": number, "meaning": meaning, "author": "ann"}
    assert {name: made[name] for name in whole} == {**whole, "include": made["include"]}
    assert api.call("GET", token=api.reader) == [made]
    changed = api.call("PUT", f"{number}/", {**MEMBERS, "name": "All members"})
    assert api.call("GET", f"{number}/") == changed
    assert changed["name"] == "All members"
    assert api.call("DELETE", f"{number}/", status=204) is None
    assert api.call("GET") == []
    log = AuditEntry.objects.filter(property_number=api.shop.property.pk, user="ann").order_by("pk")
    assert list(log.values_list("action", "subject")) == [
        ("segment added", "Members"),
        ("segment changed", "All members"),
        ("segment deleted", "All members"),
    ]


def test_reports_name_them(api: Api) -> None:
    api.call("POST", "", MEMBERS, 201)
    assert api.report({**REPORT, "segment": "Members"})["rows"] == [{"dimensions": [], "metrics": [1, 2]}]
    inline = {name: MEMBERS[name] for name in ("scope", "include")}
    assert api.report({**REPORT, "segment": inline}) == api.report({**REPORT, "segment": "Members"})
    assert api.report({**FUNNEL, "segment": "Members"})["steps"][0]["visitors"] == 1
    wrong = api.report({**REPORT, "segment": "Member"}, 400)
    assert wrong["detail"] == "'Member' is not a segment of this property. Did you mean Members?"


def test_reports_compare_them(api: Api) -> None:
    api.call("POST", "", MEMBERS, 201)
    compared = [{"name": "All"}, {"segment": "Members"}]
    answer = api.report({**REPORT, "comparisons": compared})
    assert answer["dimensions"] == ["comparison"]
    assert answer["rows"] == [
        {"dimensions": ["All"], "metrics": [2, 4]},
        {"dimensions": ["Members"], "metrics": [1, 2]},
    ]
    funnels = api.report({**FUNNEL, "comparisons": compared})["comparisons"]
    assert [(each["comparison"], each["steps"][0]["visitors"]) for each in funnels] == [("All", 2), ("Members", 1)]
    file = api.report({**FUNNEL, "comparisons": compared}, query="?file=csv")
    assert io.BytesIO(file).readline().startswith(b"comparison,breakdown,day,step,visitors")


def test_the_example_of_the_manual(api: Api) -> None:
    text = (Path(__file__).parents[2] / "docs" / "manual" / "api.md").read_text().split("### Segments")[1]
    made = api.call("POST", "", text.split("```json")[1].split("```")[0].encode(), 201)
    assert made["meaning"] == "Users with events where eventName is “purchase” whose eventCount is at least 2."


@pytest.mark.parametrize("engine", ["processes://0", pytest.param("processes://", marks=pytest.mark.slow)])
def test_heavy_reports_take_their_definitions_with_them(api: Api, settings: Any, engine: str) -> None:
    """A process of its own does not know the names of segments."""
    api.call("POST", "", MEMBERS, 201)
    asked = {**REPORT, "segment": "Members", "comparisons": [{"name": "All"}, {"segment": "Members"}]}
    small = api.report(asked)
    settings.HEAVY_STEPS, settings.ENGINE_URL = 0, engine
    elsewhere._engine.cache_clear()
    assert api.report(asked) == small


def test_who_may(api: Api) -> None:
    api.call("POST", "", MEMBERS, 403, api.reader)
    viewer = User.objects.create_user("viewer")
    api.shop.property.viewers.add(viewer)
    reads, configures = (issue(viewer, scope, scope) for scope in (Token.Scope.READ, Token.Scope.CONFIGURE))
    number = api.call("POST", "", MEMBERS, 201)["id"]
    assert len(api.call("GET", token=reads)) == len(api.call("GET", token=configures)) == 1
    for method, path in (("POST", ""), ("PUT", f"{number}/"), ("DELETE", f"{number}/")):
        api.call(method, path, MEMBERS, 403, configures)
    stranger = issue(User.objects.create_user("stranger"), "t", Token.Scope.CONFIGURE)
    for method, path in (("GET", ""), ("POST", ""), ("PUT", f"{number}/")):
        api.call(method, path, MEMBERS, 404, stranger)
    assert Client().get(f"/api/properties/{api.shop.property.pk}/segments/").status_code == 401


def test_those_of_another_property_are_not_found(api: Api) -> None:
    other = Property.objects.create(name="Other")
    theirs = saved.save(other, saved.read_form(MEMBERS), "bob")
    for method in ("GET", "PUT", "DELETE"):
        api.call(method, f"{theirs.pk}/", MEMBERS, 404)
    api.report({**REPORT, "segment": "Members"}, 400)
    assert SavedAudience.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Give the segment a name"),
        ({"name": "x" * 101}, "Give the segment a name"),
        ({"name": "a\u0000b"}, "invisible characters"),
        ({"description": "x" * 2001}, "2000 characters"),
        ({"description": "a\u0000b"}, "invisible characters"),
        ({"scope": "users"}, "scope"),
        ({"include": None}, "give it `include` or `exclude`"),
        ({"include": {"type": "thing"}}, "include"),
        ({"include": {**SIGNED_UP, "metric": "nonsense", "value": 1}}, "is not a metric"),
        ({"include": {"type": "events", "filter": {"type": "string", "field": "x", "value": ""}}}, "not a dimension"),
        ({"include": {"type": "events", "filter": {"type": "empty", "field": "country\u0000"}}}, "invisible"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_refused(api: Api, changes: dict[str, Any], words: str) -> None:
    assert words in api.call("POST", "", {**MEMBERS, **changes}, 400)["detail"]
    assert not SavedAudience.objects.exists()


def test_long_definitions_are_refused(api: Api) -> None:
    """The list of 200 segments is read whole, and by each report that names one."""
    fits = {"type": "in_list", "field": "pagePath", "values": ["/" + "a" * 1000] * 99}
    api.call("POST", "", {**MEMBERS, "include": {"type": "events", "filter": fits}}, 201)
    longer = {**fits, "values": ["/" + "a" * 1000] * 100}
    refused = api.call("POST", "", {**MEMBERS, "name": "B", "include": {"type": "events", "filter": longer}}, 400)
    assert "longer than 100,000 bytes" in str(refused)


def test_a_name_is_given_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    first = api.call("POST", "", MEMBERS, 201)["id"]
    assert "another name" in api.call("POST", "", MEMBERS, 409)["detail"]
    second = api.call("POST", "", {**MEMBERS, "name": "B"}, 201)["id"]
    api.call("PUT", f"{second}/", MEMBERS, 409)
    api.call("PUT", f"{first}/", MEMBERS, 200)
    monkeypatch.setattr(saved, "MOST_SAVED", 2)
    assert "at most 2 segments" in api.call("POST", "", {**MEMBERS, "name": "C"}, 400)["detail"]


def test_one_that_is_nested_too_deep(api: Api) -> None:
    for depth in (25, 3000):
        tree = b'{"type":"not","condition":' * depth + b'{"type":"events"}' + b"}" * depth
        body = b'{"name":"x","scope":"user","include":' + tree + b"}"
        assert "nested" in api.call("POST", "", body, 400)["detail"]


def test_hostile_bodies_are_refused_or_saved(api: Api) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(hostile.spoiled_json(MEMBERS))
    def send(body: bytes) -> None:
        address = f"/api/properties/{api.shop.property.pk}/segments/"
        reply = Client(raise_request_exception=False).post(
            address, body, "application/json", headers={"Authorization": f"Bearer {api.token}"}
        )
        assert reply.status_code in (201, 400, 409, 413), (body, reply.content)
        SavedAudience.objects.all().delete()

    send()


def test_the_schema_describes_segments(api: Api) -> None:
    schema = Client().get("/api/schema/?format=json", headers={"Authorization": f"Bearer {api.token}"}).json()
    assert {f"/api/properties/{{number}}/segments/{rest}" for rest in ("", "{segment}/")} <= set(schema["paths"])
    assert set(schema["components"]["schemas"]["SegmentAudienceForm"]["properties"]) == {
        *("name", "description", "scope", "include", "exclude")
    }
