"""The GA4 Data API over HTTP: shapes, enums in both spellings, errors in Google's form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configuration.access.tokens import authenticate, issue, revoke
from configuration.models import Token
from processing.store.port import LiveChange, ManifestChange
from reporting.ga4.requests import read_report
from reporting.ga4.responses import as_text
from reporting.model.report import Report, ReportError
from reporting.read_access import view_cache
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.support.reporting_site import RANGE, Site, site

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


def call(shop: Site, body: Any, method: str = ":runReport", token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or shop.token}"}
    address = f"/v1beta/properties/{shop.property.id}{method}?%24alt=json%3Benum-encoding%3Dint"
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Client().post(address, content, content_type="application/json", headers=headers)


def report(shop: Site, **body: Any) -> Any:
    reply = call(shop, {"dateRanges": [RANGE], **body})
    assert reply.status_code == 200, reply.content
    return reply.json()


def values(reply: Any) -> list[list[str]]:
    return [[cell["value"] for cell in row.get("dimensionValues", []) + row["metricValues"]] for row in reply["rows"]]


def names(*all_names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in all_names]


def test_it_works(shop: Site) -> None:
    body = {"dimensions": names("pagePath"), "metrics": names("screenPageViews", "engagementRate")}
    assert report(shop, **body, metricAggregations=["TOTAL"]) == {
        "dimensionHeaders": [{"name": "pagePath"}],
        "metricHeaders": [
            {"name": "screenPageViews", "type": "TYPE_INTEGER"},
            {"name": "engagementRate", "type": "TYPE_FLOAT"},
        ],
        "rows": [
            {"dimensionValues": [{"value": "/a"}], "metricValues": [{"value": "2"}, {"value": "0.5"}]},
            {"dimensionValues": [{"value": "/b"}], "metricValues": [{"value": "1"}, {"value": "1"}]},
        ],
        "totals": [
            {"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": [{"value": "3"}, {"value": "0.5"}]}
        ],
        "rowCount": 2,
        "metadata": {"currencyCode": "EUR", "timeZone": "Europe/Berlin"},
        "kind": "analyticsData#runReport",
    }


@pytest.mark.parametrize("match", [4, "CONTAINS"])
@pytest.mark.parametrize("limit", [1, "1"])
def test_enums_and_integers_in_both_spellings(shop: Site, match: object, limit: object) -> None:
    condition = {"filter": {"fieldName": "pagePath", "stringFilter": {"matchType": match, "value": "B"}}}
    body = {"dimensions": names("pagePath"), "metrics": names("eventCount"), "limit": limit}
    assert values(report(shop, **body, dimensionFilter=condition)) == [["/b", "1"]]


@pytest.mark.parametrize("operation", [4, "GREATER_THAN"])
def test_a_metric_filter(shop: Site, operation: object) -> None:
    condition = {"fieldName": "eventCount", "numericFilter": {"operation": operation, "value": {"int64Value": "2"}}}
    body = {"dimensions": names("pagePath"), "metrics": names("eventCount")}
    assert values(report(shop, **body, metricFilter={"filter": condition})) == [["/a", "3"]]


def test_every_part_of_a_request(shop: Site) -> None:
    name = {"fieldName": "eventName", "inListFilter": {"values": ["PAGE_VIEW"]}}
    hour = {"fieldName": "hour", "betweenFilter": {"fromValue": {"int64Value": "13"}, "toValue": {"doubleValue": 13.0}}}
    nothing = {"notExpression": {"filter": {"fieldName": "hostName", "emptyFilter": {}}}}
    parts = [{"filter": name}, nothing, {"orGroup": {"expressions": [{"filter": hour}]}}]
    upper = {"name": "upper", "dimensionExpression": {"upperCase": {"dimensionName": "pagePath"}}}
    both = {"concatenate": {"dimensionNames": ["hour", "pagePath"], "delimiter": "-"}}
    reply = report(
        shop,
        property=f"properties/{shop.property.id}",
        dateRanges=[RANGE, {"startDate": "2026-11-19", "endDate": "2026-11-19", "name": "before"}],
        dimensions=[upper, {"name": "both", "dimensionExpression": both}],
        metrics=[{"name": "each", "expression": "eventCount/totalUsers"}, {"name": "sessions", "invisible": True}],
        dimensionFilter={"andGroup": {"expressions": parts}},
        orderBys=[
            {"desc": True, "dimension": {"dimensionName": "upper", "orderType": 2}},
            {"metric": {"metricName": "each"}},
        ],
        metricAggregations=[1, 4, "MINIMUM", 6],
        keepEmptyRows=True,
        returnPropertyQuota=False,
    )
    assert [header["name"] for header in reply["dimensionHeaders"]] == ["upper", "both", "dateRange"]
    assert values(reply) == [["/B", "13-/b", "date_range_0", "1"], ["/A", "13-/a", "date_range_0", "1"]]
    assert {"totals", "minimums", "maximums"} <= set(reply)


def test_snake_case_names_are_read_too(shop: Site) -> None:
    body = {"date_ranges": [{"start_date": "2026-11-20", "end_date": "2026-11-20"}], "metrics": names("eventCount")}
    assert values(call(shop, body).json()) == [["4"]]


def test_a_batch(shop: Site) -> None:
    one = {"dateRanges": [RANGE], "metrics": names("eventCount")}
    reply = call(shop, {"requests": [one, {**one, "metrics": names("totalUsers")}]}, ":batchRunReports").json()
    assert [values(answer) for answer in reply["reports"]] == [[["4"]], [["2"]]]
    assert reply["kind"] == "analyticsData#batchRunReports"
    wrong = call(shop, {"requests": [one, {**one, "metrics": names("x")}]}, ":batchRunReports")
    assert wrong.status_code == 400


def test_metadata_lists_every_registry_entry(shop: Site, client: Client) -> None:
    for number in (shop.property.id, 0):
        reply = client.get(f"/v1beta/properties/{number}/metadata", headers=shop.bearer).json()
        assert reply["name"] == f"properties/{number}/metadata"
        assert {field["apiName"] for field in reply["dimensions"]} == set(DIMENSIONS)
        assert {field["apiName"]: field["type"] for field in reply["metrics"]}[
            "averageSessionDuration"
        ] == "TYPE_SECONDS"
        assert len(reply["metrics"]) == len(METRICS)


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"dateRanges": [{"startDate": "\\ud800"}]}', "not valid JSON"),
        ({"dimension": []}, "Did you mean dimensions"),
        ({"dateRanges": [{"startDate": "soon", "endDate": "today"}]}, "Write YYYY-MM-DD"),
        ({"dateRanges": [RANGE], "metrics": names("session")}, "Did you mean sessions"),
        ({"dateRanges": [RANGE], "metrics": [{"name": 5}]}, r"metrics\[0\].name must be a text"),
        ({"limit": "many"}, "limit must be an integer"),
        ({"limit": True}, "limit must be an integer"),
        ({"limit": -1}, "limit"),
        ({"limit": 1e300}, "limit must be an integer"),
        ({"keepEmptyRows": "yes"}, "keepEmptyRows must be true or false"),
        ({"metricAggregations": ["SUM"]}, "must be one of TOTAL, COUNT, MINIMUM, MAXIMUM"),
        ({"metricAggregations": [[]]}, "must be one of TOTAL"),
        ({"orderBys": [{}]}, "exactly one of metric, dimension"),
        ({"dimensionFilter": {"filter": {"fieldName": "date"}}}, "exactly one of stringFilter"),
        ({"dimensionFilter": {"andGroup": {}, "orGroup": {}}}, "exactly one of andGroup"),
        ({"cohortSpec": {}}, "not offered"),
        ({"property": "properties/1"}, "the address says"),
    ],
)
def test_a_bad_request_is_answered_with_advice(shop: Site, body: Any, advice: str) -> None:
    base = {"metrics": names("sessions"), "dateRanges": [RANGE]}
    reply = call(shop, body if isinstance(body, bytes) else {**base, **body})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    with pytest.raises(ReportError, match=advice):
        raise ReportError(error["message"])


@pytest.mark.parametrize("depth", [900, 1_000, 100_000])
def test_a_deeply_nested_request_is_refused(shop: Site, depth: int) -> None:
    assert call(shop, b'{"dimensionFilter":' + b'{"notExpression":' * depth + b"}" * (depth + 1)).status_code == 400


def test_damaged_data_is_an_error_in_googles_shape(shop: Site) -> None:
    store = view_cache().store
    manifest = store.manifest(shop.property.id)
    version = manifest.version if manifest else 0
    store.commit(shop.property.id, {1: ManifestChange(version, b"no book")})
    if manifest is None:
        store.commit(shop.property.id, {}, LiveChange(None, 1))
    reply = call(shop, {"dateRanges": [{"startDate": "today", "endDate": "today"}], "metrics": [{"name": "sessions"}]})
    assert (reply.status_code, reply.json()["error"]["status"]) == (500, "INTERNAL")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer \xff"])
def test_a_missing_or_invalid_token(shop: Site, client: Client, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    reply = client.get(f"/v1beta/properties/{shop.property.id}/metadata", headers=headers)
    assert (reply.status_code, reply.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_revoked_token(shop: Site) -> None:
    token = authenticate(shop.token)
    assert token is not None
    revoke(token)
    assert call(shop, {}).status_code == 401


def test_a_token_for_writing_or_of_another_user(shop: Site) -> None:
    stranger = User.objects.create_user("stranger")
    for token in (issue(shop.user, "w", Token.Scope.WRITE), issue(stranger, "r")):
        reply = call(shop, {}, token=token)
        assert (reply.status_code, reply.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_properties_that_may_not_be_seen_look_like_missing_ones(shop: Site, client: Client) -> None:
    for number in (0, 1, 2**70):
        reply = client.post(f"/v1beta/properties/{number}:runReport", b"{}", "application/json", headers=shop.bearer)
        assert (reply.status_code, reply.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("address", ["properties/x:runReport", "properties/1:runPivotReport", "nothing"])
def test_unknown_methods(client: Client, address: str) -> None:
    reply = client.post(f"/v1beta/{address}")
    assert (reply.status_code, reply.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_a_report_cannot_be_requested_with_get(shop: Site, client: Client) -> None:
    assert client.get(f"/v1beta/properties/{shop.property.id}:runReport", headers=shop.bearer).status_code == 404


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (2.0, "2"), (0.5, "0.5"), (2 / 3, "0.6666666666666666")])
def test_values_are_texts(value: float, text: str) -> None:
    assert as_text(value) == text


KEYS = st.sampled_from(["dateRanges", "dimensions", "metrics", "dimensionFilter", "limit", "name", "orderBys", "x"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_a_report_or_a_report_error(body: Any) -> None:
    try:
        read = read_report(body, 1)
    except ReportError:
        return
    assert isinstance(read, Report)
