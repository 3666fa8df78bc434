"""Pages and APIs while the database is unavailable: 503 in the format of the API, without details of the error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client

pytestmark = pytest.mark.django_db

SECRET = "host db.inside, user hitstream"
TOKEN = {"authorization": "Bearer of-somebody"}


@pytest.fixture
def reader() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("reader"))
    return client


@contextmanager
def failing(error: Exception) -> Iterator[None]:
    """Makes every statement raise this error."""

    def fail(*_: Any) -> None:
        raise error

    with connection.execute_wrapper(fail):
        yield


def ask(client: Client, path: str, error: Exception, **headers: str) -> Any:
    with failing(error):
        return client.get(path, headers=headers)


def check(response: Any, kind: str) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Content-Type"].startswith(kind)
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize("error", [OperationalError(SECRET), InterfaceError(SECRET)])
@pytest.mark.parametrize("path", ["/", "/1/", "/1/panels/", "/1/rules/", "/admin/"])
def test_it_works(reader: Client, path: str, error: Exception) -> None:
    response = ask(reader, path, error)
    check(response, "text/html")
    assert "The database does not answer" in response.content.decode()
    assert "default-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/api/properties/", "/api/properties/1/status/", "/api/properties/1/rules/"])
def test_our_own_interface(reader: Client, path: str) -> None:
    response = ask(reader, path, OperationalError(SECRET), **TOKEN)
    check(response, "application/json")
    assert "does not answer" in response.json()["detail"]


def test_the_data_api(reader: Client) -> None:
    response = ask(reader, "/v1beta/properties/1/metadata", OperationalError(SECRET), **TOKEN)
    check(response, "application/json")
    assert response.json()["error"].items() >= {"code": 503, "status": "UNAVAILABLE"}.items()


def test_signing_in(reader: Client) -> None:
    with failing(OperationalError(SECRET)):
        response = reader.post("/sign-in/", {"username": "reader", "password": "a long password"})
    check(response, "text/html")


def test_a_mistake_of_the_program_is_still_one(reader: Client) -> None:
    response = ask(reader, "/", ProgrammingError(SECRET))
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
