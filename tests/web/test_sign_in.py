"""Signing in: limits on every page that takes a password, before its hash is computed; and sessions that end."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from configuration.access import sign_in_limits
from configuration.access.password_hashing import HashesBusy
from configuration.models import Property
from tests.support.clock import now

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"
WRONG = "another password"
PAGES = ("/sign-in/", "/admin/login/")


@pytest.fixture(autouse=True)
def few(settings: Any) -> None:
    settings.SIGN_IN_TRIES = 3


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that a hash was computed of."""
    computed: list[str] = []
    encode = MD5PasswordHasher.encode

    def count(self: MD5PasswordHasher, password: str, salt: str) -> str:
        computed.append(password)
        return str(encode(self, password, salt))

    User.objects.create_superuser("ada", password=PASSWORD)
    monkeypatch.setattr(MD5PasswordHasher, "encode", count)
    return computed


def sign_in(page: str = "/sign-in/", name: str = "ada", address: str = "192.0.2.7", password: str = WRONG) -> Any:
    return Client(REMOTE_ADDR=address).post(page, {"username": name, "password": password})


@pytest.mark.parametrize("page", PAGES)
def test_it_works(page: str, hashes: list[str]) -> None:
    assert [sign_in(page).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert len(hashes) == 3
    refused = sign_in(page, password=PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 61
    assert f"possible in {refused['Retry-After']} second" in refused.content.decode()
    assert len(hashes) == 3
    assert sign_in(page, password=PASSWORD, address="198.51.100.9").status_code == 302


def test_the_pages_share_their_limits(hashes: list[str]) -> None:
    for page in (*PAGES, PAGES[0]):
        assert sign_in(page).status_code == 200
    assert [sign_in(page).status_code for page in PAGES] == [429, 429]


def test_an_unknown_name_costs_as_much_and_is_limited_as_well(hashes: list[str]) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    hashes.clear()
    for name in ("ada", "gone", "nobody"):
        assert [sign_in(name=name, address=f"10.0.0.{len(name)}").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert len(hashes) == 3
        hashes.clear()


def test_right_passwords_are_never_refused(hashes: list[str]) -> None:
    assert {sign_in(password=PASSWORD).status_code for _ in range(20)} == {302}


def test_many_names_of_one_address(hashes: list[str]) -> None:
    answers = [sign_in(name=f"user{number}").status_code for number in range(30)]
    assert answers == [200] * 6 + [429] * 24
    assert len(hashes) == 6


def test_guessing_the_old_password_with_an_open_session(hashes: list[str]) -> None:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(User.objects.get(username="ada"))
    new = {"new_password1": "another long password", "new_password2": "another long password"}
    page = "/admin/password_change/"
    for expected in (200, 200, 200, 429, 429):
        assert client.post(page, {"old_password": "wrong", **new}).status_code == expected
    hashes.clear()
    assert client.post(page, {"old_password": PASSWORD, **new}).status_code == 429
    assert hashes == []
    sign_in_limits.forget_attempts()
    assert client.post(page, {"old_password": PASSWORD, **new}).status_code == 302


def test_the_page_of_the_admin_is_for_staff(client: Client) -> None:
    for user in (None, User.objects.create_user("reader")):
        if user:
            client.force_login(user)
        assert client.get("/admin/password_change/").status_code == 302


def test_busy(hashes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> str:
        raise HashesBusy

    with monkeypatch.context() as patched:
        patched.setattr(MD5PasswordHasher, "encode", busy)
        for _ in range(5):
            reply = sign_in()
            assert (reply.status_code, reply["Retry-After"]) == (503, "2")
            assert "Try again in a few seconds" in reply.content.decode()
    assert sign_in().status_code == 200  # what was not tried was not charged


def opened(address: str, client: Client) -> Any:
    """Asks for a page a while after the last use; returns when the session ends."""
    session = client.session
    session["used"] = (now() - timedelta(minutes=5)).isoformat()
    session.save()
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=1))  # noqa: TID251 - Django's own clock
    client.get(address)
    return Session.objects.get().expire_date - timezone.now()  # noqa: TID251


def test_a_session_ends_when_it_is_idle(administrator: User, client: Client, settings: Any) -> None:
    assert settings.SESSION_COOKIE_AGE == 8 * 3600
    shop = Property.objects.create(name="Shop")
    client.force_login(administrator)
    assert opened("/admin/", client) > timedelta(hours=7)
    assert opened(f"/{shop.pk}/panels/", client) < timedelta(minutes=2)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))  # noqa: TID251
    assert client.get("/admin/").status_code == 302


def test_a_full_disk_does_not_end_a_session(administrator: User, client: Client) -> None:
    client.force_login(administrator)

    def full(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith(("UPDATE", "INSERT")):
            raise OperationalError("database or disk is full")
        return execute(sql, *arguments)

    with connection.execute_wrapper(full):
        assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/api/properties/", "/api/schema/", "/v1beta/x", "/nothing", "/sign-in/", "/help/"]
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_no_cache_keeps_answers(address: str, signed_in: bool, client: Client, administrator: User) -> None:
    if signed_in:
        client.force_login(administrator)
    kept = client.get(address)["Cache-Control"]
    assert "private" in kept
    assert "no-store" in kept or "no-cache" in kept


def test_the_schema_is_for_those_who_may_use_the_interface(client: Client, administrator: User) -> None:
    assert client.get("/api/schema/").status_code == client.get("/api/properties/").status_code == 401
    client.force_login(administrator)
    assert client.get("/api/schema/").status_code == 200
