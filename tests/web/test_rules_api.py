"""Rules over REST: who may, ETags, versions, and that nothing which makes no sense is kept."""

import json
from typing import Any, Final

import msgspec
import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.access.tokens import issue
from configuration.models import Property, Token
from configuration.rule_models import AuditEntry, DraftRule, RulesVersion
from configuration.ruleset.document import LARGEST_DOCUMENT
from configuration.ruleset.kinds import BY_TAG
from tests.support.rule_examples import EXAMPLES

pytestmark = pytest.mark.django_db

OFFICE: Final = {
    "kind": "filter",
    "name": "Office",
    "action": "exclude",
    "when": {"is": "in network", "networks": ["192.0.2.0/24"]},
}
EMPTY: Final[dict[str, Any]] = {"settings": {}, "rules": []}
ADDED: Final = "Filter “Office” was added: Do not count hits where the address is in 192.0.2.0/24."


class Api:
    """One user's token and one property."""

    def __init__(self, property: Property, user: User) -> None:
        self.property, self.token = property, issue(user, "test", Token.Scope.CONFIGURE)

    def call(self, method: str, path: str = "rules/", body: Any = None, status: int = 200, **headers: str) -> Any:
        reply = Client().generic(
            method,
            f"/api/properties/{self.property.pk}/{path}",
            body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}},
        )
        assert reply.status_code == status, (reply.status_code, reply.content)
        return reply

    def json(self, *args: Any, **options: Any) -> Any:
        return self.call(*args, **options).json()

    def put(self, *rules: Any, **settings: Any) -> Any:
        return self.json("PUT", body={"settings": settings, "rules": rules}, If_Match="*")


@pytest.fixture
def editor() -> User:
    user = User.objects.create_user("ann")
    user.user_permissions.add(Permission.objects.get(codename="change_property"))
    return user


@pytest.fixture
def api(editor: User) -> Api:
    shop = Property.objects.create(name="Shop", zone="Europe/Berlin")
    shop.viewers.add(editor)
    return Api(shop, editor)


def test_it_works(api: Api) -> None:
    read = api.call("GET")
    whole = read.json()
    assert whole == {
        "format": 1,
        "settings": {
            "zone": "Europe/Berlin",
            "currency": "USD",
            "session_timeout_s": 1800,
            "engaged_s": 10,
            "domains": [],
            "bot_lists": True,
            "spam_list": True,
        },
        "rules": [],
    }
    written = api.call("PUT", body={**whole, "rules": [OFFICE]}, If_Match=read["ETag"])
    assert written.json()["rules"][0]["name"] == "Office"
    assert written["ETag"] == api.call("GET")["ETag"] != read["ETag"]
    assert api.json("POST", "rules/check/") == {"publishable": True, "findings": []}
    made = api.json("POST", "rules/publish/", {"note": "no office"}, 201, If_Match=written["ETag"])
    assert (made["number"], made["author"], made["note"]) == (2, "ann", "no office")
    assert [version["number"] for version in api.json("GET", "rules/versions/")] == [2, 1]
    assert api.json("GET", "rules/versions/1/diff/2/") == {"from": 1, "to": 2, "changes": [ADDED]}
    second = api.json("GET", "rules/versions/2/")
    assert (second["changes"], second["rules"][0]["when"]["networks"]) == ([ADDED], ["192.0.2.0/24"])
    assert api.json("POST", "rules/versions/1/publish/", status=201)["number"] == 3
    assert api.json("GET")["rules"] == []
    actions = [entry["action"] for entry in api.json("GET", "audit/")]
    assert actions == ["published again", "draft set to a version", "published", "draft replaced", "published"]


def test_what_was_read_can_be_written_back(api: Api) -> None:
    once = {"kind": "key event", "name": "Buy", "event": "purchase", "once": "session", "slot": 17}
    api.put(OFFICE, once)
    api.call("POST", "rules/publish/", status=201)
    read = api.call("GET")
    assert "slot" not in read.json()["rules"][1]
    assert api.call("PUT", body=read.content, If_Match=read["ETag"])["ETag"] == read["ETag"]
    assert "Nothing changed since version 2" in api.json("POST", "rules/publish/", status=409)["detail"]
    assert api.json("GET", "rules/versions/2/")["rules"] == read.json()["rules"]
    assert RulesVersion.objects.get(number=2).ruleset().rules[1].slot == 0  # type: ignore[union-attr]


def test_two_people_do_not_overwrite_each_other(api: Api) -> None:
    seen = api.call("GET")["ETag"]
    api.put(OFFICE)
    now = api.call("GET")["ETag"]
    body = EMPTY
    assert api.call("PUT", body=body, status=412, If_Match=seen)["ETag"] == now
    assert api.call("POST", "rules/publish/", status=412, If_Match=seen)["ETag"] == now
    assert "If-Match" in api.json("PUT", body=body, status=428)["detail"]
    for header in ("nonsense", "", f"W/{now}"):
        api.call("PUT", body=body, status=412, If_Match=header)
    assert DraftRule.objects.count() == 1
    api.call("PUT", body=body, If_Match=f'"other", {now}')
    assert not DraftRule.objects.exists()


ADDRESSES: Final = [
    ("GET", "rules/"),
    ("PUT", "rules/"),
    ("POST", "rules/check/"),
    ("POST", "rules/publish/"),
    ("GET", "rules/versions/"),
    ("GET", "rules/versions/1/"),
    ("GET", "rules/versions/1/diff/1/"),
    ("POST", "rules/versions/1/publish/"),
    ("GET", "audit/"),
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_who_may(api: Api, method: str, path: str) -> None:
    other, ann = Property.objects.create(name="Somebody else's"), User.objects.get(username="ann")
    for number in (other.pk, 0, 17, 2**80):
        hidden = Api(Property(pk=number), ann)
        assert hidden.json(method, path, status=404)["detail"] == "There is no property " + (
            f"{min(number, 2**63 - 1)} that you may see."
        )
    viewer = User.objects.create_user("viewer")
    api.property.viewers.add(viewer)
    Api(api.property, viewer).call(method, path, status=403)
    for scope in ("read", "write", "read write"):
        api.token = issue(ann, "t", scope)
        assert "scope configure" in api.json(method, path, status=403)["detail"]
    api.token = "nonsense"
    api.call(method, path, status=401)
    assert RulesVersion.objects.count() == 2


def test_a_superuser_needs_no_more(api: Api, administrator: User) -> None:
    assert Api(api.property, administrator).json("GET")["rules"] == []


def test_a_session_needs_the_csrf_token(api: Api, editor: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)
    address = f"/api/properties/{api.property.pk}/rules/"
    assert client.get(address).status_code == 200
    sent: dict[str, Any] = {"data": EMPTY, "content_type": "application/json"}
    assert client.put(address, **sent, headers={"If-Match": "*"}).status_code == 403
    client.get("/admin/login/")
    csrf = client.get("/sign-in/").context["csrf_token"]
    assert client.put(address, **sent, headers={"If-Match": "*", "X-CSRFToken": str(csrf)}).status_code == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "empty"),
        (b"{", "truncated"),
        (b"\xff", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"settings": {}}', "`rules`"),
        (b'{"settings": {}, "rules": 1}', "$.rules"),
        (b'{"rule": []}', "`rule`"),
        (b'{"format": 2, "settings": {}, "rules": []}', "$.format"),
        (b'{"rules": [{"kind": "nope"}]}', "kinds are filter, rewrite"),
        (b'{"rules": [{"kind": "bot", "name": "a", "action": "block", "user_agent": 1}]}', "$.rules[0].user_agent"),
        (b'{"settings": {"zone": null}}', "$.settings.zone"),
        (b'{"rules": [{"kind": "bot", "name": "\\ud800 and more text"}]}', "surrogate"),
        (b'{"rules": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "$.rules[0]"),
        (b'{"rules": [{"kind": "filter", "name": "a", "when": ' + b'{"is": "all", "of": [' * 50_000, "nested too deep"),
    ],
)
def test_json_that_makes_no_sense(api: Api, body: bytes, place: str) -> None:
    assert place in api.json("PUT", body=body, status=400, If_Match="*")["detail"]
    if body:
        assert place in api.json("POST", "rules/check/", body, status=400)["detail"]


def test_rules_that_make_no_sense_say_where(api: Api) -> None:
    buy = {"kind": "key event", "name": "Buy", "event": "purchase"}
    reply = api.json("PUT", body={"rules": [buy, OFFICE, OFFICE], "settings": {}}, status=400, If_Match="*")
    (found,) = reply["findings"]
    assert (found["kind"], found["rule"], found["place"]) == ("filter", "Office", "rules[2].name")
    reply = api.json("PUT", body={**EMPTY, "settings": {"zone": "Mars"}}, status=400, If_Match="*")
    assert "'Mars' is not a time zone" in reply["findings"][0]["message"]
    checked = api.json("POST", "rules/check/", {**EMPTY, "settings": {"zone": "Mars"}})
    assert (checked["publishable"], checked["findings"][0]["place"]) == (False, "settings.zone")


def test_bodies_that_are_too_large_or_no_json(api: Api) -> None:
    api.call("PUT", body=b" " * (LARGEST_DOCUMENT + 1), status=413, If_Match="*")
    reply = Client().put(
        f"/api/properties/{api.property.pk}/rules/",
        "a=b",
        "text/plain",
        headers={"Authorization": f"Bearer {api.token}", "If-Match": "*"},
    )
    assert reply.status_code == 415


@pytest.mark.parametrize("body", [b"[]", b'{"note": 1}', b'{"notes": ""}', b'{"note": "\\u0000"}', b"{" * 100_000])
def test_notes_that_make_no_sense(api: Api, body: bytes) -> None:
    api.put(OFFICE)
    assert api.json("POST", "rules/publish/", body, status=400)["detail"]
    api.call("POST", "rules/publish/", status=201)
    assert api.json("POST", "rules/versions/1/publish/", body, status=400)["detail"]
    assert RulesVersion.objects.count() == 2


@pytest.mark.parametrize("path", ["rules/versions/9/", "rules/versions/1/diff/9/", f"rules/versions/{2**80}/"])
def test_versions_that_are_not(api: Api, path: str) -> None:
    assert "There is no version" in api.json("GET", path, status=404)["detail"]
    api.call("POST", "rules/versions/9/publish/", status=404)


def test_pages_of_versions(api: Api) -> None:
    assert [version["number"] for version in api.json("GET", "rules/versions/?before=2")] == [1]
    assert api.json("GET", "rules/versions/?before=1") == []
    for wrong in ("x", "-1", "1.5", "²", "9" * 30):
        api.call("GET", f"rules/versions/?before={wrong}", status=400)


def test_the_schema_describes_rules(api: Api) -> None:
    schema = Client().get("/api/schema/?format=json", headers={"Authorization": f"Bearer {api.token}"}).json()
    ends = ("", "check/", "publish/", "versions/", "versions/{version}/", "versions/{version}/publish/")
    rules = {f"/api/properties/{{number}}/rules/{end}" for end in (*ends, "versions/{old}/diff/{new}/")}
    assert rules | {"/api/properties/{number}/audit/"} <= set(schema["paths"])
    document = schema["components"]["schemas"]["RulesDocument"]
    assert document["properties"]["settings"]["$ref"] == "#/components/schemas/RulesPropertySettings"
    assert orjson.dumps(schema).count(b'"#/components/schemas/RulesDocument"') >= 3
    assert len(document["properties"]["rules"]["items"]["anyOf"]) == len(BY_TAG)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = [
    "kind",
    "name",
    "note",
    "state",
    "action",
    "when",
    "event",
    "once",
    "value",
    "networks",
    "zone",
    "domains",
    "x",
]
mutations = st.dictionaries(st.sampled_from(names), junk, min_size=1, max_size=3)
plain = [msgspec.to_builtins(rule) for rule, _ in EXAMPLES.values()]
rules = st.builds(lambda rule, changes: {**rule, **changes}, st.sampled_from(plain), mutations)
bodies = st.one_of(
    st.builds(lambda rule: {"settings": {}, "rules": [rule]}, rules),
    st.builds(lambda changes: {"settings": changes, "rules": [OFFICE]}, mutations),
    st.builds(lambda part: {"settings": {}, "rules": part}, junk),
    junk,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
def test_fuzzed_rules_are_kept_whole_or_not_at_all(api: Api, body: Any) -> None:
    before, entries = api.json("GET"), AuditEntry.objects.count()
    reply = Client().put(
        f"/api/properties/{api.property.pk}/rules/",
        json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {api.token}", "If-Match": "*"},
    )
    after = api.json("GET")
    if reply.status_code == 200:
        assert reply.json() == after
    else:
        assert reply.status_code == 400
        assert reply.json()["detail"]
        assert (after, AuditEntry.objects.count()) == (before, entries)
