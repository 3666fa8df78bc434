"""Requests that Django's parsers fail at are answered 4xx in a line of the log, whoever sends them."""

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import RequestFactory

from analytics_site.requests import Pages
from configuration.outages import LONGEST_BAD_REQUEST, BadRequests

pytestmark = pytest.mark.django_db(transaction=True)  # a request closes its connection

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
TOKEN = "a" * 32
BODY = f"csrfmiddlewaretoken={TOKEN}&username=a&password=b".encode()
MIXED = b"--x\r\nContent-Disposition: form-data; name*0=a; name*=b\r\n\r\nc\r\n--x--\r\n"
UNKNOWN = "text/plain; x*=nope''%41"
CONTINUED = "text/plain; x*=a; x*0=b"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the server's output gets."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(BadRequests())
    found = list[str]()
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)
    found += stream.getvalue().splitlines()
    assert len(found) <= 1
    assert all(len(line) <= LONGEST_BAD_REQUEST for line in found)


def ask(method: str, path: str, body: bytes = b"", **headers: str) -> int:
    environ = RequestFactory().generic(method, path, body, content_type=FORM).environ
    statuses = list[int]()

    def start(line: str, *_: Any) -> Callable[[bytes], object]:
        statuses.append(int(line.partition(" ")[0]))
        return bytes

    b"".join(Pages()({**environ, "HTTP_COOKIE": f"{settings.CSRF_COOKIE_NAME}={TOKEN}", **headers}, start))
    return statuses[0]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/sign-in/", {"CONTENT_TYPE": f"{FORM}; charset=utf-16"}, 200),
        ("POST", "/sign-in/", {"CONTENT_TYPE": f"{FORM}; charset=hex"}, 200),
        ("POST", "/no/such/page/", {"CONTENT_TYPE": f"{FORM}; charset=utf-16"}, 404),
        ("POST", "/sign-in/", {"CONTENT_TYPE": "multipart/form-data"}, 400),
        ("POST", "/no/such/page/", {"CONTENT_TYPE": "multipart/form-data"}, 404),
        ("POST", "/sign-in/", {"CONTENT_TYPE": f"{PARTS}; charset=hex"}, 403),
        ("POST", "/sign-in/", {"CONTENT_TYPE": UNKNOWN}, 403),
        ("GET", "/sign-in/?next=/", {"CONTENT_TYPE": "text/plain; charset=hex"}, 200),
        ("GET", "/sign-in/", {"CONTENT_TYPE": UNKNOWN}, 200),
        ("GET", "/sign-in/", {"CONTENT_TYPE": CONTINUED}, 200),
        ("GET", "/sign-in/", {"HTTP_HOST": "\xff\xfe"}, 400),
        ("GET", "/sign-in/", {"HTTP_HOST": "[::1"}, 400),
        ("GET", "/sign-in/", {"HTTP_HOST": "x" * 9000}, 400),
        ("GET", "/api/properties/", {"HTTP_ACCEPT": UNKNOWN}, 406),
        ("GET", "/api/properties/", {"HTTP_ACCEPT": f"text/html, {CONTINUED}"}, 406),
        ("POST", "/api/properties/1/report/", {"CONTENT_TYPE": UNKNOWN}, 401),
    ],
)
def test_it_works(lines: list[str], method: str, path: str, headers: dict[str, str], status: int) -> None:
    assert ask(method, path, BODY if method == "POST" else b"", **headers) == status


def test_a_part_whose_header_cannot_be_read(lines: list[str]) -> None:
    assert ask("POST", "/sign-in/", MIXED, CONTENT_TYPE=PARTS) == 400


def test_more_fields_than_are_read(lines: list[str]) -> None:
    assert ask("POST", "/sign-in/", b"&".join([b"a=1"] * 20_000)) == 400


def test_the_server_has_these_lines() -> None:
    assert "bad requests" in repr(settings.LOGGING["handlers"])


def test_errors_of_the_program_keep_their_traceback() -> None:
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 1, "%s", ("words",), (ValueError, ValueError(), None)
    )
    record.status_code = 500
    assert BadRequests().filter(record)
    assert record.exc_info
