import logging

import pytest

from configuration.shared_links import WithoutTokens


def logged(text: str, *arguments: object) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, text, arguments, None)
    assert WithoutTokens().filter(record)
    return record.getMessage()


def test_it_works() -> None:
    assert logged("Not Found: %s", "/shared/abc_DEF-123/panels/") == "Not Found: /shared/…/panels/"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("%s of user %s was refused", "/shared/… of user 7 was refused"),
        ("'%s' of %s", "'/shared/…' of 7"),
    ],
)
def test_a_token_within_a_line(said: str, shown: str) -> None:
    assert logged(said, "/shared/secret", 7) == shown


def test_other_lines_stay() -> None:
    assert logged("Not Found: %s", "/api/shared") == "Not Found: /api/shared"
