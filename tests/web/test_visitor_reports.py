"""Lists of sessions and one visitor's timeline over our own API: who may see them; erased visitors are gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.access.tokens import issue
from configuration.clock import now
from configuration.models import Token
from processing.privacy.erasure_requests import erase_visitors
from reporting.read_access import view_cache
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db
SESSIONS = {"kind": "sessions", "date_range": {"start": DAY, "end": DAY}}


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    with site(tmp_path, settings) as made:
        yield made


def post(shop: Site, body: Any, status: int = 200, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token or shop.token}"}
    address = f"/api/properties/{shop.property.id}/report/"
    reply = Client().post(address, body, content_type="application/json", headers=headers)
    assert reply.status_code == status, reply.content
    return reply.json()


def timeline(shop: Site, visitor: str, status: int = 200, token: str = "") -> Any:
    body = {"kind": "visitor", "visitor": visitor, "date_range": SESSIONS["date_range"]}
    return post(shop, {**body, "dimensions": ["pagePath", "eventName"]}, status, token)


def test_it_works(shop: Site) -> None:
    listed = post(shop, SESSIONS)["sessions"]
    assert [each["page_views"] for each in listed] in ([2, 1], [1, 2])  # both begin at the same moment
    reader = next(each for each in listed if each["page_views"] == 2)
    events = timeline(shop, reader["visitor"])["events"]
    views = [each["dimensions"][0] for each in events if each["dimensions"][1] == "page_view"]
    assert views == ["/a", "/b"]
    assert {each["session"] for each in events} == {reader["session"]}


def test_no_address_is_in_an_answer(shop: Site) -> None:
    listed = post(shop, SESSIONS)
    answers = [listed, *(timeline(shop, each["visitor"]) for each in listed["sessions"])]
    assert "192.0.2" not in str(answers)  # the hits' own, nor cut off


def test_it_needs_the_right_to_read_the_property(shop: Site) -> None:
    visitor = post(shop, SESSIONS)["sessions"][0]["visitor"]
    timeline(shop, visitor, 403, issue(shop.user, "w", Token.Scope.WRITE))
    stranger = User.objects.create_user("stranger")
    timeline(shop, visitor, 404, issue(stranger, "s", Token.Scope.READ))
    post(shop, SESSIONS, 404, issue(stranger, "t", Token.Scope.READ))


def test_an_erased_visitor_is_gone_at_once(shop: Site) -> None:
    listed = post(shop, SESSIONS)["sessions"]
    erased, kept = (each["visitor"] for each in listed)
    erase_visitors(view_cache().store, shop.property, [int(erased)], "ada", now(), 1)
    assert [each["visitor"] for each in post(shop, SESSIONS)["sessions"]] == [kept]
    assert timeline(shop, erased)["events"] == []
    assert timeline(shop, erased) == {**timeline(shop, "12345"), "visitor": erased}  # as if it had never been
    assert timeline(shop, kept)["events"]
