"""Comparisons over the GA4 Data API: by filter, or by the name of a saved segment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from reporting.audiences.saved import read_form, save
from reporting.models import SavedAudience
from tests.support.reporting_site import RANGE, Site, site

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def members(shop: Site) -> SavedAudience:
    condition = {"type": "events", "filter": {"type": "string", "field": "eventName", "value": "sign_up"}}
    return save(shop.property, read_form({"name": "Members", "scope": "user", "include": condition}), "ann")


def ask(shop: Site, *comparisons: Any, status: int = 200) -> Any:
    body = {
        "dateRanges": [RANGE],
        "dimensions": [{"name": "pagePath"}],
        "metrics": [{"name": "totalUsers"}],
        "comparisons": comparisons,
    }
    address = f"/v1beta/properties/{shop.property.id}:runReport"
    reply = Client().post(address, orjson.dumps(body), "application/json", headers=shop.bearer)
    assert reply.status_code == status, reply.content
    return reply.json()


def values(reply: Any) -> list[list[str]]:
    return [[cell["value"] for cell in row["dimensionValues"] + row["metricValues"]] for row in reply["rows"]]


def on(path: str) -> dict[str, Any]:
    return {"filter": {"fieldName": "pagePath", "stringFilter": {"value": path}}}


def test_it_works(shop: Site) -> None:
    reply = ask(shop, {"name": "on b", "dimensionFilter": on("/b")}, {"name": "all"})
    assert reply["dimensionHeaders"] == [{"name": "pagePath"}, {"name": "comparison"}]
    assert values(reply) == [["/a", "all", "2"], ["/b", "on b", "1"], ["/b", "all", "1"]]


def test_saved_ones(shop: Site, members: SavedAudience) -> None:
    reply = ask(shop, {"comparison": f"comparisons/{members.pk}"}, {"name": "mine", "comparison": "Members"})
    assert values(reply) == [["/a", "Members", "1"], ["/a", "mine", "1"]]


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        ({}, "a name of its own"),
        ({"name": "x", "comparison": "comparisons/99999999"}, "is not a segment of this property"),
        ({"name": "x", "comparison": "comparisons/1", "dimensionFilter": on("/a")}, "exactly one of"),
        ({"name": "x", "dimensionFilter": {}}, "exactly one of"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "dimensionFilter": {"filter": {"fieldName": "sessions", "emptyFilter": {}}}}, "is a metric"),
    ],
)
def test_what_is_refused(shop: Site, comparison: dict[str, Any], words: str) -> None:
    assert words in ask(shop, comparison, status=400)["error"]["message"]
