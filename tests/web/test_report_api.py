"""Our own API: access, counts that add up, rejected hits with their content, reports."""

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import polars as pl
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from collection.log import LogUnavailable
from configuration.access.tokens import issue
from configuration.clock import now
from configuration.models import Property, Token
from configuration.ruleset.context import Context
from processing.models import Range, TaskFailure
from processing.segments import tail
from processing.segments.tail import Weight
from processing.store.port import LiveChange, ManifestChange
from reporting import read_access
from reporting.api import downloads
from reporting.api.report_examples import EXAMPLES
from reporting.kinds import KINDS
from reporting.read_access import status_of, view_cache, view_of
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


def get(shop: Site, address: str, status: int = 200, token: str | None = None) -> Any:
    reply = Client().get(f"/api/properties/{address}", headers={"Authorization": f"Bearer {token or shop.token}"})
    assert reply.status_code == status, reply.content
    return reply.json()


def test_it_works(shop: Site) -> None:
    Property.objects.create(name="Somebody else's")
    assert get(shop, "") == [
        {
            "id": shop.property.id,
            "measurement_id": shop.property.measurement_id,
            "name": "Shop",
            "zone": "Europe/Berlin",
            "currency": "EUR",
        }
    ]


def test_status_adds_up(shop: Site) -> None:
    status = get(shop, f"{shop.property.id}/status/")
    sums = {"accepted": 5, "counted": 4, "rejected": 1, "pending": 0, "lost": 0}
    assert abs(now() - datetime.fromisoformat(status.pop("as_of"))) < timedelta(minutes=1)
    assert status == {**sums, "reasons": {"malformed": 1}, "cleaned": 0, "unconverted": [], "failures": []}


def test_only_administrators_are_told_why_a_task_of_all_properties_fails(shop: Site) -> None:
    """Its words may name hosts and folders of the installation."""
    words = "OSError: /srv/hitstream/log on db.inside"
    for task, number in [("of all", None), ("of the shop", shop.property.pk)]:
        TaskFailure.objects.create(task=task, property=number, reason=words, tries=1, seen_at=Now())

    def reasons() -> dict[str, str]:
        return {each["task"]: each["reason"] for each in get(shop, f"{shop.property.pk}/status/")["failures"]}

    assert reasons() == {"of all": "an administrator can see the reason", "of the shop": words}
    User.objects.filter(pk=shop.user.pk).update(is_superuser=True)
    assert reasons() == {"of all": words, "of the shop": words}


@pytest.mark.parametrize("age_s", [40, 3600, 200_000])
def test_hits_that_came_after_an_old_view_are_pending(shop: Site, age_s: float) -> None:
    """They were received since the view was pinned, so the ledger's newest ranges say nothing about them."""
    old = view_of(shop.property.pk).as_of(monotonic() - age_s)
    for number in range(3):
        shop.installation.send(ga4(90 + number, client="9.9", property=shop.property.receive_settings()))
        shop.installation.receive()
    Range.objects.filter(first__gte=5).update(done_at=Now() - timedelta(seconds=age_s - 5))
    status = status_of(old, shop.property.measurement_id)
    assert (status.accepted, status.counted, status.pending) == (8, 4, 3)
    assert timedelta(seconds=age_s) <= now() - status.as_of < timedelta(seconds=age_s + 60)


def test_hits_of_a_long_tail_are_pending_until_they_are_sealed(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "VIEW", Weight(2, 2**30))
    for number in range(4):
        shop.installation.send(ga4(90 + number, client="9.9", property=shop.property.receive_settings()))
        shop.installation.receive()
    status = get(shop, f"{shop.property.id}/status/")
    assert status["pending"] > 0
    assert status["accepted"] == status["counted"] + status["rejected"] + status["pending"] == 9
    shop.installation.worker.seal(everything=True)
    status = get(shop, f"{shop.property.id}/status/")
    assert (status["accepted"], status["counted"], status["pending"]) == (9, 8, 0)


def test_every_answer_says_which_moment_it_shows(shop: Site) -> None:
    before = now()
    google = {"dateRanges": [{"startDate": DAY, "endDate": DAY}], "metrics": [{"name": "sessions"}]}
    own = {"date_ranges": [{"start": DAY, "end": DAY}], "metrics": ["sessions"]}
    moments = [get(shop, f"{shop.property.id}/{part}/")["as_of"] for part in ("status", "rejected")]
    for address, body in (
        (f"/api/properties/{shop.property.id}/report/", own),
        (f"/v1beta/properties/{shop.property.id}:runReport", google),
        (f"/v1beta/properties/{shop.property.id}:batchRunReports", {"requests": [google]}),
    ):
        reply = Client().post(address, body, content_type="application/json", headers=shop.bearer)
        moments.append(reply["Hitstream-As-Of"])
    client = Client()
    client.force_login(shop.user)
    moments.append(client.get(f"/{shop.property.id}/panels/")["Hitstream-As-Of"])
    assert all(before <= datetime.fromisoformat(moment) <= now() for moment in moments)
    assert re.search(
        r"numbers of <time data-as-of>\d\d:\d\d:\d\d<", client.get(f"/{shop.property.id}/").content.decode()
    )


def test_status_counts_the_hits_that_personal_data_was_removed_from(shop: Site) -> None:
    here = shop.installation
    settings = shop.property.receive_settings()
    here.context = Context((settings,))
    for number, page in enumerate(("/?email=jane@shop.example", "/?email=bob@shop.example&token=x", "/")):
        here.send(ga4(90 + number, at=NOON, client="9.9", page=f"https://shop.example{page}", property=settings))
    here.receive()
    assert get(shop, f"{shop.property.id}/status/")["cleaned"] == 2
    Property.objects.filter(pk=shop.property.pk).update(remove_personal_data=False)
    here.context = Context((Property.objects.get(pk=shop.property.pk).receive_settings(),))
    here.send(ga4(95, at=NOON, client="9.9", page="https://shop.example/?email=x", property=settings))
    here.receive()
    assert get(shop, f"{shop.property.id}/status/")["cleaned"] == 2


def test_reports_are_shown_while_the_log_is_unavailable(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def unavailable() -> dict[int, int]:
        calls.append(1)
        raise LogUnavailable("no broker")

    monkeypatch.setattr(read_access.log(), "ends", unavailable)
    for _ in range(3):
        status = get(shop, f"{shop.property.id}/status/")
        assert (status["accepted"], status["counted"], status["pending"]) == (5, 4, None)
    assert len(calls) == 1  # a log that does not answer takes long, so it is not tried again at once
    client = Client()
    client.force_login(shop.user)
    page = client.get(f"/{shop.property.id}/?period=custom&from={DAY}&to={DAY}")
    assert page.status_code == 200
    assert "an unknown number pending" in page.content.decode()


def test_rejected_hits_with_their_content(shop: Site) -> None:
    reply = get(shop, f"{shop.property.id}/rejected/?from={DAY}&to={DAY}")
    assert (reply["first"], reply["last"], reply["count"]) == (DAY, DAY, 1)
    (reason,) = reply["reasons"]
    assert (reason["reason"], reason["count"]) == ("malformed", 1)
    assert reason["meaning"]
    (sample,) = reason["samples"]
    assert "not" in sample["content"]
    assert sample["occurred_at"] == sample["received_at"] == "2026-11-20T12:00:00Z"


def test_rejected_hits_of_other_days(shop: Site) -> None:
    assert get(shop, f"{shop.property.id}/rejected/?from=2026-11-01&to=2026-11-19")["reasons"] == []


@pytest.mark.parametrize("period", ["from=soon", "from=today&to=yesterday", "to=2026-02-30"])
def test_a_bad_period(shop: Site, period: str) -> None:
    assert get(shop, f"{shop.property.id}/rejected/?{period}", 400)["detail"]


@pytest.mark.parametrize("what", ["status/", "rejected/"])
def test_properties_that_the_user_may_not_see_are_not_found(shop: Site, what: str) -> None:
    other = Property.objects.create(name="Somebody else's")
    for number in (other.id, 0, 17, 2**80):
        get(shop, f"{number}/{what}", 404)


def test_property_0_is_for_administrators(shop: Site, administrator: User) -> None:
    assert get(shop, "0/status/", token=issue(administrator, "all"))["accepted"] == 0


def test_scope_and_sign_in(shop: Site, client: Client) -> None:
    get(shop, "", 403, token=issue(shop.user, "w", Token.Scope.WRITE))
    get(shop, "", 401, token="nonsense")
    assert client.get("/api/properties/").status_code == 401
    client.force_login(shop.user)
    assert len(client.get("/api/properties/").json()) == 1


def post_report(shop: Site, body: Any) -> Any:
    address = f"/api/properties/{shop.property.id}/report/"
    return Client().post(address, body, content_type="application/json", headers=shop.bearer)


def test_a_report(shop: Site) -> None:
    condition = {"type": "string", "field": "pagePath", "value": "/A"}
    body = {"date_ranges": [{"start": DAY, "end": DAY}], "dimensions": ["pagePath"], "metrics": ["totalUsers"]}
    answer = post_report(shop, {**body, "dimension_filter": {"type": "and", "filters": [condition]}}).json()
    assert answer["rows"] == [{"dimensions": ["/a"], "metrics": [2]}]
    assert (answer["row_count"], answer["zone"]) == (1, "Europe/Berlin")


def test_a_report_names_its_kind(shop: Site) -> None:
    body = {"date_ranges": [{"start": DAY, "end": DAY}], "metrics": ["totalUsers"]}
    assert post_report(shop, {**body, "kind": "table"}).json() == post_report(shop, body).json()
    assert "The kinds are: table, " in post_report(shop, {**body, "kind": "xyz"}).json()["detail"]


def test_reports_of_the_other_kinds(shop: Site) -> None:
    day = {"start": DAY, "end": DAY}
    view = {"type": "string", "field": "eventName", "value": "page_view"}
    steps = [{"name": name, "filter": view} for name in ("first", "second")]
    funnel = post_report(shop, {"kind": "funnel", "date_range": day, "steps": steps}).json()
    assert [step["visitors"] for step in funnel["steps"]] == [2, 1]  # one visitor has two views
    paths = post_report(shop, {"kind": "paths", "date_range": day, "events": view, "steps": 2}).json()
    assert [node["value"] for node in paths["steps"][0]["nodes"]] == ["/a"]
    pivots = [{"dimensions": ["pagePath"]}, {"dimensions": ["eventName"]}]
    asked = {"kind": "pivot", "date_ranges": [day], "pivots": pivots, "metrics": ["eventCount"]}
    assert {"dimensions": ["/a", "page_view"], "metrics": [2]} in post_report(shop, asked).json()["rows"]
    retention = post_report(shop, {"kind": "retention", "date_range": day, "granularity": "day", "periods": 1}).json()
    assert [(each["start"], each["returned"]) for each in retention["cohorts"]] == [(DAY, [2])]


def test_rejected_hits_as_the_manual_asks_for_them(shop: Site) -> None:
    """Which AI crawlers read which pages, and the same numbers by reason as the list of rejected hits."""
    manual = (settings.BASE_DIR / "docs" / "manual" / "rejected-hits.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", manual, re.DOTALL)
    agent = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
    for number in range(2):
        hit = ga4(90 + number, agent=agent, page="https://shop.example/a", property=shop.property.receive_settings())
        shop.installation.send(hit)
    shop.installation.receive()
    body = {**json.loads(example), "date_ranges": [{"start": DAY, "end": DAY}]}
    answer = post_report(shop, body).json()
    assert answer["rows"] == [{"dimensions": ["GPTBot", "/a"], "metrics": [2]}]
    assert answer["totals"] == [{"dimensions": ["RESERVED_TOTAL"] * 2, "metrics": [2]}]
    by_reason = post_report(shop, {"kind": "rejected", "date_ranges": body["date_ranges"]}).json()["rows"]
    listed = get(shop, f"{shop.property.id}/rejected/?from={DAY}&to={DAY}")["reasons"]
    assert by_reason == [{"dimensions": [each["reason"]], "metrics": [each["count"]]} for each in listed]


def test_a_hit_that_has_just_arrived_is_in_a_realtime_report(shop: Site, settings: Any) -> None:
    settings.CLOCK = lambda: datetime.fromtimestamp(NOON / 1000 + 150, tz=UTC)
    asked = {"kind": "realtime", "dimensions": ["minutesAgo"], "metrics": ["eventCount"]}

    def by_minute() -> dict[str, int]:
        rows = post_report(shop, asked).json()["rows"]
        return {row["dimensions"][0]: row["metrics"][0] for row in rows}

    before = by_minute()
    assert set(before) == {"01", "02"}
    page: dict[str, Any] = {
        "client": "3.3",
        "page": "https://shop.example/new",
        "property": shop.property.receive_settings(),
    }
    shop.installation.send(ga4(9, at=NOON + 140_000, **page))
    shop.installation.receive()
    assert by_minute() == {**before, "00": 1}


def test_the_examples_of_the_schema_are_answered(shop: Site) -> None:
    assert set(EXAMPLES) == set(KINDS)
    schema = Client().get("/api/schema/?format=json", headers=shop.bearer).json()
    operation = schema["paths"]["/api/properties/{number}/report/"]["post"]
    described = operation["requestBody"]["content"]["application/json"]["examples"]
    bodies = [each["value"] for each in described.values()]
    assert {body["kind"] for body in bodies} == set(KINDS)
    for body in bodies:
        reply = post_report(shop, body)
        assert reply.status_code == 200, (body, reply.content)


def test_a_report_as_a_file(shop: Site) -> None:
    body = {"date_ranges": [{"start": DAY, "end": DAY}], "dimensions": ["pagePath"], "metrics": ["totalUsers"]}
    address = f"/api/properties/{shop.property.id}/report/"

    def post(file: str) -> Any:
        return Client().post(f"{address}?file={file}", body, content_type="application/json", headers=shop.bearer)

    reply = post("csv")
    assert reply.content == b"pagePath,totalUsers\r\n/a,2\r\n/b,1\r\n"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="report-{shop.property.id}.csv"'
    assert json.loads(post("jsonl").content.splitlines()[0]) == {"pagePath": "/a", "totalUsers": 2}
    assert pl.read_parquet(io.BytesIO(post("parquet").content)).rows() == [("/a", 2), ("/b", 1)]
    assert post("xlsx").content.startswith(b"PK")
    assert "The formats are: csv, jsonl, xlsx, parquet." in post("pdf").json()["detail"]


def test_raw_events_as_a_file(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(query: str, status: int = 200, token: str = "") -> bytes:
        headers = {"Authorization": f"Bearer {token}"} if token else shop.bearer
        reply: Any = Client().get(f"/api/properties/{shop.property.id}/events/?{query}", headers=headers)
        assert reply.status_code == status
        return b"".join(reply.streaming_content) if reply.streaming else reply.content

    rows = [json.loads(line) for line in ask(f"file=jsonl&from={DAY}&to={DAY}").splitlines()]
    assert sorted(row["eventName"] for row in rows if row["pagePath"] == "/a") == ["page_view", "page_view", "sign_up"]
    assert len({row["visitor"] for row in rows}) == 2
    assert ask(f"from={DAY}&to={DAY}").count(b"\r\n") == len(rows) + 1
    assert ask("from=2001-01-01&to=2001-01-02").startswith(b"time,visitor,session,")
    assert b"The formats are" in ask("file=pdf", 400)
    assert b"is not a date" in ask("from=x", 400)
    assert ask("from=9999-12-31&to=9999-12-31").count(b"\r\n") == 1
    monkeypatch.setattr(downloads, "MOST_BYTES", 10)
    assert b"ask for fewer days" in ask(f"from={DAY}&to={DAY}", 400)
    ask("", 403, issue(shop.user, "w", Token.Scope.WRITE))


@pytest.mark.parametrize("body", [{}, [], {"date_ranges": 1}, {"date_ranges": [], "metric": []}, {"date_ranges": [{}]}])
def test_a_bad_report(shop: Site, body: Any) -> None:
    reply = post_report(shop, body)
    assert reply.status_code == 400
    assert reply.json()["detail"]


@pytest.mark.parametrize("depth", [900, 1_100, 100_000])
def test_a_deeply_nested_report_is_refused(shop: Site, depth: int) -> None:
    tree = '{"type":"not","filter":' * depth + '{"type":"empty","field":"pagePath"}' + "}" * depth
    ranges = f'[{{"start":"{DAY}","end":"{DAY}"}}]'
    reply = post_report(shop, f'{{"date_ranges":{ranges},"metrics":["sessions"],"dimension_filter":{tree}}}')
    assert (reply.status_code, "nested" in reply.json()["detail"]) == (400, True)


def test_a_session_needs_the_csrf_token_for_a_report(shop: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(shop.user)
    assert client.post(f"/api/properties/{shop.property.id}/report/", {}, "application/json").status_code == 403


def test_the_schema_names_every_address(shop: Site, client: Client) -> None:
    schema = client.get("/api/schema/?format=json", headers=shop.bearer).json()
    ours = {f"/api/properties/{{number}}/{what}/" for what in ("status", "rejected", "report")}
    assert ours | {"/api/properties/"} <= set(schema["paths"])
    assert "/admin/" not in schema["paths"]


def test_damaged_data_is_an_error_in_json(shop: Site) -> None:
    store = view_cache().store
    manifest = store.manifest(shop.property.id)
    store.commit(shop.property.id, {1: ManifestChange(manifest.version if manifest else 0, b"no book")})
    if manifest is None:
        store.commit(shop.property.id, {}, LiveChange(None, 1))
    assert "damaged" in get(shop, f"{shop.property.id}/status/", status=503)["detail"]


def test_unpublished_settings_are_not_shown(shop: Site) -> None:
    shop.property.zone = "Asia/Tokyo"
    shop.property.save()
    assert get(shop, "")[0]["zone"] == "Europe/Berlin"
