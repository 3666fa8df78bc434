"""Rates of currencies in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from configuration.models import ExchangeRate

pytestmark = pytest.mark.django_db

LIST = "/admin/configuration/exchangerate/"
UPLOAD = f"{LIST}upload/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin"))
    return client


def upload(client: Client, content: bytes) -> str:
    return client.post(UPLOAD, {"file": SimpleUploadedFile("rates.csv", content)}, follow=True).content.decode()


def test_it_works(admin: Client) -> None:
    assert UPLOAD in admin.get(LIST).content.decode()
    assert "such as 2026-11-27,USD,EUR,0.9234" in admin.get(UPLOAD).content.decode()
    assert "2 rates stored." in upload(admin, b"2026-11-27,USD,EUR,0.9234\n2026-11-27,GBP,EUR,1.2\n")
    assert ExchangeRate.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"2026-11-27,USD,EUR,0.9\n2026-11-28,<b>,EUR,1\n", "Line 2: &#x27;&lt;b&gt;&#x27; is not a currency"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"", "empty"),
        (b"\0", "Line 1:"),
    ],
)
def test_a_wrong_file_is_not_stored(admin: Client, content: bytes, error: str) -> None:
    assert error in upload(admin, content)
    assert not ExchangeRate.objects.exists()


def test_single_rates(admin: Client) -> None:
    form = {"day": "2026-11-27", "currency": "USD", "target": "EUR", "rate": "0.9"}
    for wrong in ({"rate": "0"}, {"rate": "9999999"}, {"target": "USD"}, {"currency": "usd"}):
        assert admin.post(f"{LIST}add/", form | wrong).status_code == 200
    assert admin.post(f"{LIST}add/", form).status_code == 302
    assert admin.post(f"{LIST}add/", form).status_code == 200  # a day has one rate
    assert [f"{rate.rate:f}" for rate in ExchangeRate.objects.all()] == ["0.900000000000"]


def test_only_who_may_change_rates_uploads_them(client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(UPLOAD).status_code == 403
    names = ["add_exchangerate", "change_exchangerate", "view_exchangerate"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    assert client.get(UPLOAD).status_code == 200
