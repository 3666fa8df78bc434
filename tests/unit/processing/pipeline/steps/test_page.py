from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.context import UNKNOWN
from processing.pipeline.lookups.urls import LONGEST_HOST, LONGEST_PATH, LONGEST_QUERY
from processing.pipeline.steps.page import find_page, page
from tests.support.raw_rows import ga4, line, stepped


def page_of(row: dict[str, Any], **named: Any) -> tuple[str | None, str | None]:
    found = stepped(page, row, **named).row(0, named=True)
    return found["host"], found["path"]


def test_it_works() -> None:
    assert page_of(ga4(dl="https://example.org/a/b?x=1#top")) == ("example.org", "/a/b")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://Example.ORG:8443/A/B", ("example.org", "/A/B")),
        ("http://example.org", ("example.org", "/")),
        ("http://example.org?x=/a", ("example.org", "/")),
        ("http://example.org#/a?b", ("example.org", "/")),
        ("https://me:secret@example.org/a", ("example.org", "/a")),
        ("http://example.org./", ("example.org", "/")),
        ("http://[2001:db8::1]:80/a", ("[2001:db8::1]", "/a")),
        ("https://example.org/caf%C3%A9%2F", ("example.org", "/caf%C3%A9%2F")),
        ("https://example.org//a//", ("example.org", "//a//")),
        ("https://example.org/<script>alert(1)</script>", ("example.org", "/<script>alert(1)</script>")),
        ("https://example.org/go/http://other.example/", ("example.org", "/go/http://other.example/")),
        ("file:///home/x", (None, "/home/x")),
        ("/a?u=http://other.example/", (None, "/a")),
        ("/go/http://other.example/a", (None, "/go/http://other.example/a")),
        ("://x", (None, "://x")),
        ("about:blank", (None, "about:blank")),
        ("?x=1", (None, "/")),
        (None, (None, None)),
    ],
)
def test_addresses(address: str | None, expected: tuple[str | None, str | None]) -> None:
    assert page_of(ga4(dl=address)) == expected


def test_host_and_path_of_their_own_win() -> None:
    assert page_of(ga4(dl="https://a.example/x", dh="B.example:80")) == ("b.example", "/x")
    assert page_of(ga4(dl="https://a.example/x", dp="/y?z=1")) == ("a.example", "/y")
    assert page_of(ga4(dl=None, dh="b.example", dp="/y")) == ("b.example", "/y")
    assert page_of(ga4(dl="https://a.example/x", dh="", dp="")) == ("a.example", "/x")


def test_a_line_of_a_log_is_on_the_first_domain_of_the_property() -> None:
    assert page_of(line(target="/a?b")) == ("example.org", "/a")
    assert page_of(line(target="//wp-login.php")) == ("example.org", "//wp-login.php")
    assert page_of(line(target="http://other.example/a")) == ("other.example", "/a")
    assert page_of(line(), settings=UNKNOWN) == (None, "/")
    assert stepped(page, line(), ga4(dl="/x"))["host"].to_list() == ["example.org", None]


def test_long_text_is_cut() -> None:
    host, path = page_of(ga4(dl=f"https://{'a' * 5000}/{'é' * 5000}"))
    assert (len(host or ""), len(path or "")) == (LONGEST_HOST, LONGEST_PATH)


def test_many_rows_keep_their_order() -> None:
    rows = [ga4(at, dl=f"https://example.org/{at % 70}") for at in range(500)]
    assert stepped(page, *rows)["path"].to_list() == [f"/{at % 70}" for at in range(500)]


TEXT = st.none() | st.text(st.sampled_from("a/:?#@[].%\n\0é "), max_size=20) | st.text(max_size=50)


@settings(deadline=None)
@given(TEXT, TEXT, TEXT)
def test_any_text_gives_a_page_without_query(dl: str | None, dh: str | None, dp: str | None) -> None:
    host, path = page_of(ga4(dl=dl, dh=dh, dp=dp))
    assert not set(host or "x") & set("/?#")
    assert host != ""
    assert not set(path or "x") & set("?#")


def test_nothing_named_is_nothing_known() -> None:
    assert find_page(None, None, None) == (None, None)


def query_of(row: dict[str, Any]) -> str | None:
    found: str | None = stepped(page, row)["query"].item()
    return found


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("a=1&b=2", "a=1&b=2"),
        ("utm_source=x&a=1&utm_medium=y&utm_campaign=z&b=2&utm_x", "a=1&b=2"),
        ("gclid=x", None),
        ("fbclid=x&GCLID=y&_gl=1*a&ScCid=z&q=1", "q=1"),
        ("utm=1&xutm_source=1&gclidx=1&_glx=1", "utm=1&xutm_source=1&gclidx=1&_glx=1"),
        ("a=utm_source=1&gclid", "a=utm_source=1"),
        ("a&&b&gclid=x&&c=?d", "a&&b&&c=?d"),
        ("", None),
    ],
)
def test_the_query_is_that_of_the_page_without_tags(query: str, left: str | None) -> None:
    assert query_of(ga4(dl=f"https://example.org/a?{query}#b?c=1")) == left
    assert query_of(line(target=f"/a?{query}")) == left


def test_what_names_the_path_names_the_query() -> None:
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="/y?b=2")) == "b=2"
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="/y")) is None
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="")) == "a=1"
    assert query_of(ga4(dl="https://a.example/#/x?a=1")) is None
    assert query_of(ga4(dl=None)) is None


def test_a_long_query_is_cut() -> None:
    assert len(query_of(ga4(dl=f"https://a.example/?{'a' * 5000}")) or "") == LONGEST_QUERY


def test_many_queries_keep_their_order() -> None:
    rows = [ga4(n, dl=f"https://a.example/{'?' * (n % 2)}{'utm_source=x&' * (n % 3)}n={n}") for n in range(60)]
    expected = [f"n={n}" if n % 2 else None for n in range(60)]
    assert stepped(page, *rows)["query"].to_list() == expected
