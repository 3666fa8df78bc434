"""Rules and the past over REST: a hit test, previews, runs over history; who may, and what is refused."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.access.tokens import issue
from configuration.drafts.draft import draft, replace_draft
from configuration.drafts.publishing import publish
from configuration.models import AuditEntry, Property, Token
from configuration.ruleset.ruleset import ContentGroupRule, FilterRule, KeyEventRule, NamedGroup, Rule, State, Text
from processing.engine import open_engine
from processing.maintenance.compaction import Retention, run_maintenance
from processing.models import HistoryRun
from processing.reprocessing.run_requests import RequestedAction
from processing.reprocessing.runs import HistoryRunner
from processing.schema import DAY_MS
from processing.segments.column_cache import ColumnCache
from reporting.rules import before_after as past
from tests.support import clock
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

DAYS = {"from": DAY, "to": DAY}
HOSTILE = "<script>alert(1)</script>"


class Api:
    """An editor's token for the property of a site."""

    def __init__(self, shop: Site) -> None:
        self.site, self.property = shop, shop.property
        self.editor = User.objects.create_user("ann")
        self.editor.user_permissions.add(Permission.objects.get(codename="change_property"))
        shop.property.viewers.add(self.editor)
        self.token = issue(self.editor, "test", Token.Scope.CONFIGURE)

    def call(self, method: str, path: str, body: Any = None, status: int = 200, token: str | None = None) -> Any:
        reply = Client().generic(
            method,
            f"/api/properties/{self.property.pk}/{path}",
            b"" if body is None else msgspec.json.encode(body),
            "application/json",
            headers={"Authorization": f"Bearer {token or self.token}", "User-Agent": "Mozilla/5.0 Firefox/130.0"},
        )
        assert reply.status_code == status, (reply.status_code, reply.content)
        return reply.json()

    def post(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        return self.call("POST", path, body, status, **more)

    def run(self, name: str = "") -> Any:
        return self.call("GET", f"history/{HistoryRun.objects.latest('pk').pk}/{name}")

    def set_draft(self, **settings: Any) -> None:
        rules = draft(self.property)
        wanted = msgspec.structs.replace(rules, settings=msgspec.structs.replace(rules.settings, **settings))
        replace_draft(self.property, wanted, self.editor)

    def write(self, *rules: Rule) -> None:
        replace_draft(self.property, msgspec.structs.replace(draft(self.property), rules=rules), self.editor)

    def publish(self, **settings: Any) -> None:
        self.set_draft(**settings)
        publish(self.property, self.editor, "another zone")

    def carry_out(self) -> None:
        self.site.installation.history.work(lambda: False)


@pytest.fixture
def api(tmp_path: Path, settings: Any) -> Iterator[Api]:
    with site(tmp_path, settings) as made:
        yield Api(made)


def total(comparison: Any, metric: str = "screenPageViews") -> tuple[float, float]:
    found = next(each for each in comparison["totals"] if each["metric"] == metric)
    return found["before"], found["after"]


def test_it_works(api: Api) -> None:
    found = api.post("rules/trace/", {"hit": "https://shop.example/cart?x=1"})
    assert (found["counted"], found["version"]) == (True, "draft")
    assert found["verdict"] == "This hit is counted: page_view on shop.example/cart."
    (event,) = found["events"]
    page = next(step for step in event["steps"] if step["step"] == "page")
    assert {"column": "path", "before": None, "after": "/cart"} in page["changes"]


def test_a_draft_with_a_key_event_that_counts_once_a_session_can_be_tried(api: Api) -> None:
    api.write(KeyEventRule(name="Buy", event="page_view", once="session"))
    found = api.post("rules/preview/", DAYS)
    assert "processing error" not in str(found)
    assert (total(found), total(found, "keyEvents")) == ((3, 3), (0, 2))


def test_a_hit_that_is_refused(api: Api) -> None:
    found = api.post("rules/trace/", {"hit": "https://shop.example/", "user_agent": "Googlebot/2.1"})
    assert not found["counted"]
    assert found["verdict"].startswith("This hit is not counted: bot. ")
    assert found["events"][0]["refused"] == "bot"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "either"),
        ({"hit": "/a", "position": 1}, "either"),
        ({"hit": "hello"}, "This is not a hit"),
        ({"hit": "v=2&tid=G-OTHER00001&en=x"}, "another property's"),
        ({"position": "-1"}, "not the position"),
        ({"position": 2**64}, "not the position"),
        ({"hit": "/a", "version": "newest"}, "version"),
        ({"hits": "/a"}, "hits"),
        ([], "object"),
    ],
)
def test_what_is_no_question(api: Api, body: Any, message: str) -> None:
    assert message in api.post("rules/trace/", body, 400)["detail"]


def test_a_version_or_a_hit_that_is_none(api: Api) -> None:
    assert "no version 7" in api.post("rules/trace/", {"hit": "https://a.example/", "version": 7}, 404)["detail"]
    api.post("rules/trace/", {"hit": "https://a.example/", "version": 2**80}, 404)
    assert "no longer kept" in api.post("rules/trace/", {"position": 12}, 404)["detail"]


@pytest.mark.parametrize("sealed", [False, True])
def test_a_received_hit(api: Api, *, sealed: bool) -> None:
    if sealed:
        api.site.installation.worker.seal(everything=True)
    view = api.site.installation.view(api.property.pk)
    row = view.events(date(2026, 11, 20), date(2026, 11, 20), ["position", "event", "path"]).filter(event="sign_up")
    found = api.post("rules/trace/", {"position": str(row["position"].item()), "version": 1})
    assert found["verdict"] == "This hit is counted: sign_up on shop.example/a."
    (refused,) = view.rejected(date(2026, 11, 20), date(2026, 11, 20))["position"]
    assert "malformed" in api.post("rules/trace/", {"position": refused})["verdict"]


def test_text_of_a_hit_stays_text(api: Api) -> None:
    hit = f"https://shop.example/{HOSTILE}"
    assert HOSTILE in api.post("rules/trace/", {"hit": hit})["events"][0]["facts"]["path"]


def test_a_preview(api: Api) -> None:
    assert api.post("rules/preview/", DAYS)["same"]
    api.set_draft(zone="Pacific/Kiritimati")
    found = api.post("rules/preview/", DAYS)
    assert total(found) == (3, 0)
    pages = next(table for table in found["tables"] if table["dimension"] == "pagePath")
    assert pages["changes"] == [{"value": "/a", "before": 2, "after": 0}, {"value": "/b", "before": 1, "after": 0}]
    assert (found["rejected"], found["rescued"]) == ([], [])
    assert total(api.post("rules/preview/", {"from": DAY, "to": "2026-11-21"})) == (3, 3)


def without(path: str, state: State = "on") -> FilterRule:
    return FilterRule(name=f"no {path}", action="exclude", when=Text("path", "equals", path), state=state)


def test_a_filter_in_trace_and_preview(api: Api) -> None:
    api.write(without("/a"))
    found = api.post("rules/trace/", {"hit": "https://shop.example/a"})
    assert found["verdict"].startswith("This hit is not counted: filter by the rule “no /a”.")
    (rule,) = found["events"][0]["steps"][-1]["rules"]
    assert (rule["name"], rule["kind"], rule["refused"], rule["acts"]) == ("no /a", "filter", True, True)
    assert api.post("rules/trace/", {"hit": "https://shop.example/a", "version": 1})["counted"]
    preview = api.post("rules/preview/", DAYS)
    assert (total(preview), total(preview, "sessions")) == ((3, 1), (2, 1))
    (group,) = preview["rejected"]
    assert (group["reason"], group["rule"], group["hits"], len(group["examples"])) == ("filter", "no /a", 3, 3)
    position = group["examples"][0]["position"]
    assert not api.post("rules/trace/", {"position": position})["counted"]


def test_a_rule_in_testing_says_what_it_would_do(api: Api) -> None:
    api.write(without("/a", "testing"))
    found = api.post("rules/trace/", {"hit": "https://shop.example/a"})
    assert found["counted"]
    acting = [rule for step in found["events"][0]["steps"] for rule in step["rules"]]
    assert [(rule["state"], rule["refused"]) for rule in acting] == [("testing", True)]
    assert api.post("rules/preview/", DAYS)["same"]
    assert total(api.post("rules/preview/", {**DAYS, "testing": True})) == (3, 1)


def test_the_dimensions_that_the_draft_defines(api: Api) -> None:
    group = ContentGroupRule(name="Section", groups=(NamedGroup("A", Text("path", "begins", "/a")),), otherwise="Rest")
    api.write(group)
    tables = api.post("rules/preview/", DAYS)["tables"]
    (own,) = [table for table in tables if table["dimension"] == "contentGroup:Section"]
    assert (own["title"], own["metric"]) == ("Section", "screenPageViews")
    assert own["changes"] == [
        {"value": "(not set)", "before": 3, "after": 0},
        {"value": "A", "before": 0, "after": 2},
        {"value": "Rest", "before": 0, "after": 1},
    ]


def test_rescued(api: Api) -> None:
    api.write(without("/a"))
    publish(api.property, api.editor)
    api.post("history/", {}, 201)
    api.carry_out()
    assert total(api.run()["comparison"]) == (3, 1)
    api.write()
    preview = api.post("rules/preview/", DAYS)
    assert total(preview) == (1, 3)
    assert [(group["reason"], group["rule"], group["hits"]) for group in preview["rescued"]] == [("filter", "no /a", 3)]


def test_a_preview_is_made_anew_when_a_hit_arrives(api: Api) -> None:
    api.post("rules/preview/", DAYS)
    api.site.installation.send(ga4(9, client="9.9", property=api.property.receive_settings()))
    api.site.installation.receive()
    assert total(api.post("rules/preview/", DAYS)) == (4, 4)


@pytest.mark.parametrize(
    ("body", "message"), [({"from": "soon"}, "not a date"), ({"from": "today", "to": "yesterday"}, "before that")]
)
def test_days_that_are_none(api: Api, body: Any, message: str) -> None:
    assert message in api.post("rules/preview/", body, 400)["detail"]


def test_a_preview_of_too_much(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_ROWS", 4)
    assert "Choose fewer days" in api.post("rules/preview/", DAYS, 413)["detail"]


def test_two_previews_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "WAIT_S", 0.01)
    with past._only_preview():
        assert "Another preview" in api.post("rules/preview/", DAYS, 429)["detail"]


def test_days_whose_raw_hits_have_expired(api: Api) -> None:
    """They would look as if the draft left them out."""
    here = api.site.installation
    here.worker.seal(everything=True)
    (position,) = here.view(api.property.pk).rejected(date(2026, 11, 20), date(2026, 11, 20))["position"]
    while run_maintenance(here.store, ColumnCache(here.store), api.property.pk, NOON + 30 * DAY_MS, Retention(4, None)):
        pass
    assert "Choose days from 2026-11-21 on" in api.post("rules/preview/", DAYS, 409)["detail"]
    assert api.post("rules/preview/", {"from": "2026-11-21", "to": "2026-11-21"})["same"]
    assert "no longer kept" in api.post("rules/trace/", {"position": position}, 404)["detail"]


def test_a_run_whose_numbers_from_before_are_gone(api: Api) -> None:
    api.post("history/", {}, 201)
    api.carry_out()
    here = api.site.installation
    later = HistoryRunner(here.store, "", lambda: open_engine("processes://0"), lambda: clock.now() + timedelta(days=8))
    later.expire_generations()
    assert (api.run()["state"], api.run()["can"], api.run()["comparison"]) == ("done", [], None)


def test_a_run_and_what_it_changed(api: Api) -> None:
    api.publish(zone="Pacific/Kiritimati")
    asked = api.post("history/", {"rules": 2}, 201)
    assert (asked["state"], asked["rules"], asked["author"], asked["can"]) == ("waiting", 2, "ann", ["pause", "cancel"])
    assert api.run()["comparison"] is None
    api.carry_out()
    done = api.run()
    assert (done["state"], done["share"], done["can"]) == ("done", 1, ["undo"])
    assert total(api.call("GET", f"history/{done['id']}/?from={DAY}&to={DAY}")["comparison"]) == (3, 0)
    assert done["comparison"]["to"] == "2026-11-21"
    assert total(done["comparison"]) == (3, 3)
    assert [run["id"] for run in api.call("GET", "history/")] == [done["id"]]
    assert AuditEntry.objects.filter(action="history: apply", user="ann").count() == 1


def test_hits_that_come_later_are_in_neither_side(api: Api) -> None:
    api.publish(zone="Pacific/Kiritimati")
    api.post("history/", {}, 201)
    api.carry_out()
    api.site.installation.send(ga4(9, client="9.9", at=NOON + 60_000, property=api.property.receive_settings()))
    api.site.installation.receive()
    api.site.installation.worker.seal(everything=True)
    assert total(api.run()["comparison"]) == (3, 3)


def test_rolled_back(api: Api) -> None:
    api.publish(zone="Pacific/Kiritimati")
    api.post("history/", DAYS, 201)
    api.carry_out()
    number = HistoryRun.objects.get().pk
    asked = api.post(f"history/{number}/undo/")
    assert (asked["wish"], asked["can"]) == (RequestedAction.UNDO, [])
    api.carry_out()
    assert (api.run()["state"], api.run()["can"]) == ("undone", [])
    assert "nothing to roll back" in api.post(f"history/{number}/undo/", status=409)["detail"]


def test_paused_resumed_cancelled(api: Api) -> None:
    api.post("history/", {}, 201)
    number = HistoryRun.objects.get().pk
    assert api.post(f"history/{number}/pause/")["can"] == []
    api.carry_out()
    assert (api.run()["state"], api.run()["can"]) == ("paused", ["resume", "cancel"])
    assert api.post(f"history/{number}/resume/")["state"] == "waiting"
    api.post(f"history/{number}/cancel/")
    api.carry_out()
    assert api.run()["state"] == "cancelled"
    assert "over" in api.post(f"history/{number}/pause/", status=409)["detail"]


def test_runs_that_cannot_be(api: Api) -> None:
    assert "both ends" in api.post("history/", {"from": DAY}, 400)["detail"]
    assert "publish it again" in api.post("history/", {"rules": 7}, 409)["detail"].replace("publish\n", "publish ")
    api.post("history/", {}, 201)
    assert "already" in api.post("history/", {}, 409)["detail"]


def test_others_runs(api: Api) -> None:
    other = Property.objects.create(name="Other")
    run = HistoryRun.objects.create(property=other.pk, rules=1)
    for number in (run.pk, 2**70):
        api.call("GET", f"history/{number}/", status=404)
        api.post(f"history/{number}/cancel/", status=404)


ADDRESSES = (
    ("POST", "rules/trace/"),
    ("POST", "rules/preview/"),
    ("GET", "history/"),
    ("POST", "history/"),
    ("GET", "history/1/"),
    ("POST", "history/1/pause/"),
)


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_who_may(api: Api, method: str, path: str) -> None:
    stranger = issue(User.objects.create_user("eve"), "test", Token.Scope.CONFIGURE)
    api.call(method, path, status=404, token=stranger)
    viewer = issue(api.site.user, "test", Token.Scope.CONFIGURE)
    api.call(method, path, status=403, token=viewer)
    api.call(method, path, status=403, token=issue(api.editor, "test", Token.Scope.WRITE))
    api.call(method, path, status=401, token="nonsense")


def test_reading_needs_the_scope_read_and_changing_configure(api: Api) -> None:
    token = issue(api.editor, "test", Token.Scope.READ)
    api.post("rules/trace/", {"hit": "https://a.example/"}, token=token)
    api.post("rules/preview/", DAYS, token=token)
    assert api.call("GET", "history/", token=token) == []
    api.post("history/", {}, 403, token=token)


def test_the_schema_names_every_address(api: Api) -> None:
    schema = Client().get("/api/schema/?format=json", headers={"Authorization": f"Bearer {api.token}"}).json()
    ours = ("rules/trace", "rules/preview", "history", "history/{run}", "history/{run}/pause", "history/{run}/undo")
    assert {f"/api/properties/{{number}}/{what}/" for what in ours} <= set(schema["paths"])
