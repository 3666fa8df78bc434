"""Requests that compute: they wait for their turn, may take only so long, and are refused in their own format."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.access.tokens import issue
from configuration.models import Token
from processing.interruption import CLIENT_GONE, interruptible
from reporting.capacity import elsewhere
from reporting.capacity.turns import PAGES, REPORTS, WITHOUT_TURN, ClientGone, kind_of, limits, queues, threads
from tests.support.reporting_site import DAY, RANGE, Site, site

pytestmark = pytest.mark.django_db

BODY = {"dateRanges": [RANGE], "dimensions": [{"name": "pagePath"}], "metrics": [{"name": "totalUsers"}]}
OWN_BODY = {"date_ranges": [{"start": DAY, "end": DAY}], "dimensions": ["pagePath"], "metrics": ["totalUsers"]}


def forget() -> None:
    queues.cache_clear()
    limits.cache_clear()
    elsewhere._engine.cache_clear()


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.WORK_WAIT_S = 0
    forget()
    with site(tmp_path, settings) as made:
        yield made
    forget()


def google(shop: Site, token: str = "", body: Any = BODY, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token or shop.token}"}
    address = f"/v1beta/properties/{shop.property.pk}:runReport"
    return Client(**options).post(address, orjson.dumps(body), "application/json", headers=headers)


def own(shop: Site, **options: Any) -> Any:
    address = f"/api/properties/{shop.property.pk}/report/"
    return Client(**options).post(address, OWN_BODY, "application/json", headers=shop.bearer)


def preview(shop: Site, **options: Any) -> Any:
    """By a token that may see rules."""
    editor = User.objects.create_superuser("editor")
    headers = {"Authorization": f"Bearer {issue(editor, 'preview', Token.Scope.CONFIGURE)}"}
    address, days = f"/api/properties/{shop.property.pk}/rules/preview/", {"from": DAY, "to": DAY}
    return Client(**options).post(address, days, "application/json", headers=headers)


def page(shop: Site, path: str = "", **options: Any) -> Any:
    client = Client(**options)
    client.force_login(shop.user)
    return client.get(path or f"/{shop.property.pk}/")


@contextmanager
def busy(kind: str, *users: int) -> Iterator[None]:
    """These users are at work."""
    queue = queues().reports if kind == REPORTS else queues().pages
    with ExitStack() as turns:
        for user in users:
            turns.enter_context(queue.turn(user, lambda: None))
        yield


def said(response: Any) -> str:
    if not response["Content-Type"].startswith("application/json"):
        return str(response.content.decode())
    reply = response.json()
    return str(reply["error"]["message"] if "error" in reply else reply["detail"])


def test_it_works(shop: Site) -> None:
    with busy(REPORTS, shop.user.pk, shop.user.pk):
        response = google(shop)
        assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert response.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert "Wait until one is answered" in said(response)
        assert response["Retry-After"] == "5"
    assert google(shop).status_code == HTTPStatus.OK


def test_a_second_token_is_no_second_user(shop: Site) -> None:
    with busy(REPORTS, shop.user.pk, shop.user.pk):
        assert google(shop, issue(shop.user, "another")).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_another_user_is_answered_meanwhile(shop: Site) -> None:
    another = User.objects.create_user("another")
    shop.property.viewers.add(another)
    with busy(REPORTS, shop.user.pk, shop.user.pk):
        assert google(shop, issue(another, "test")).status_code == HTTPStatus.OK


@pytest.mark.parametrize(("ask", "kind"), [(own, REPORTS), (google, REPORTS), (page, PAGES)])
def test_all_turns_taken(shop: Site, ask: Callable[[Site], Any], kind: str) -> None:
    with busy(kind, 1001, 1002, 1003, *([1004] if kind == PAGES else [])):
        response = ask(shop)
        assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert "Ask again in a moment" in said(response)
        assert response["Retry-After"] == "5"


@pytest.mark.parametrize("token", ["unknown", "of another"])
def test_a_token_changes_nothing_about_pages(shop: Site, settings: Any, token: str) -> None:
    """They do not look at it, so it must neither free a request of turns nor charge somebody else."""
    text = issue(User.objects.create_user("another"), "test") if token == "of another" else token
    with busy(PAGES, *[shop.user.pk] * settings.PAGES_PER_USER):
        response = page(shop, headers={"Authorization": f"Bearer {text}"})
        assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_an_unknown_token_computes_nothing(shop: Site) -> None:
    """Not even with a session."""
    client = Client(headers={"Authorization": "Bearer unknown"})
    client.force_login(shop.user)
    address = f"/api/properties/{shop.property.pk}/report/"
    assert client.post(address, OWN_BODY, "application/json").status_code == HTTPStatus.UNAUTHORIZED


def test_reports_and_pages_do_not_wait_for_each_other(shop: Site) -> None:
    with busy(REPORTS, 1001, 1002, 1003):
        assert page(shop).status_code == HTTPStatus.OK
        assert page(shop, "/sign-in/").status_code == HTTPStatus.OK
    with busy(PAGES, 1001, 1002, 1003, 1004):
        assert own(shop).status_code == HTTPStatus.OK
        assert page(shop, "/sign-in/").status_code == HTTPStatus.OK


@pytest.mark.parametrize("ask", [google, own, preview])
def test_work_that_takes_too_long_is_stopped(shop: Site, settings: Any, ask: Callable[[Site], Any]) -> None:
    settings.WORK_SECONDS = 0
    response = ask(shop)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Ask for fewer days, dimensions or patterns" in said(response)


def test_a_page_that_takes_too_long_says_so(shop: Site, settings: Any) -> None:
    settings.WORK_SECONDS = 0
    response = page(shop)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Ask for fewer days" in said(response)


@pytest.mark.parametrize("ask", [google, own, preview, page])
def test_nobody_works_for_a_client_that_hung_up(shop: Site, ask: Callable[..., Any]) -> None:
    gone = threading.Event()
    gone.set()
    assert ask(shop, **{CLIENT_GONE: gone}).status_code == 499


def test_a_report_that_costs_too_much_is_not_begun(shop: Site, settings: Any) -> None:
    settings.REPORT_STEPS = 10
    response = google(shop)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Ask for fewer days, date ranges, dimensions" in said(response)


@pytest.mark.parametrize("engine", ["processes://0", pytest.param("processes://", marks=pytest.mark.slow)])
def test_a_heavy_report_has_the_same_answer(shop: Site, settings: Any, engine: str) -> None:
    light, own_light = google(shop).json(), own(shop).json()
    settings.HEAVY_STEPS, settings.ENGINE_URL = 0, engine
    forget()
    assert google(shop).json() == light
    assert own(shop).json() == own_light


@pytest.mark.parametrize("engine", ["processes://0", pytest.param("processes://", marks=pytest.mark.slow)])
def test_a_heavy_report_with_a_mistake_is_told_so(shop: Site, settings: Any, engine: str) -> None:
    settings.HEAVY_STEPS, settings.ENGINE_URL, settings.REPORT_ROWS = 0, engine, 1
    forget()
    response = google(shop)
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "more than 1 rows, on all of its pages" in said(response)


def test_heavy_work_has_a_queue_of_its_own(shop: Site, settings: Any) -> None:
    """It waits there, and gives its turn among reports to others meanwhile."""
    settings.HEAVY_STEPS, settings.ENGINE_URL = 0, "processes://0"
    forget()
    with queues().heavy.turn(shop.user.pk, lambda: None):
        response = google(shop)
        assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert "heavy reports and previews of yours at once: 1 may run" in said(response)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1beta/properties/1:runReport", REPORTS),
        ("/api/properties/1/rejected/", REPORTS),
        ("/7/", PAGES),
        ("/7/panels/", PAGES),
        ("/properties/7/rules/preview/", PAGES),
        ("/admin/configuration/property/7/change/", PAGES),
        ("/sign-in/", WITHOUT_TURN),
        ("/admin/login/", WITHOUT_TURN),
        ("/static/reporting/dashboard.js", WITHOUT_TURN),
        ("/healthz", WITHOUT_TURN),
        ("/", PAGES),
        ("/help/", WITHOUT_TURN),
        ("/shared/token/", PAGES),
    ],
)
def test_which_requests_need_a_turn(path: str, kind: str) -> None:
    assert kind_of(path) == kind
    assert threads()[kind] >= 1


def test_a_process_ends_with_the_wish_for_its_answer(shop: Site, settings: Any) -> None:
    """The work of ten minutes is ended where its check is asked for the third time."""
    settings.ENGINE_URL = "processes://"
    forget()
    asked = list[int]()

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise ClientGone

    with pytest.raises(ClientGone), interruptible(check):
        elsewhere.run_elsewhere(time.sleep, 600)
