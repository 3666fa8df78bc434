from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.context import UNKNOWN
from processing.pipeline.lookups.urls import LONGEST_HOST, LONGEST_PATH, LONGEST_QUERY
from processing.pipeline.steps.page import LONGEST_REFERRER, LONGEST_TITLE, find_page, page
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
        ("http://example.org#a?b", ("example.org", "/")),
        ("http://example.org#/a?b", ("example.org", "/#/a")),
        ("https://example.org/c/#/home", ("example.org", "/c/#/home")),
        ("https://example.org/c/?lang=de#/about", ("example.org", "/c/#/about")),
        ("https://example.org/c#!about", ("example.org", "/c#!about")),
        ("https://example.org/c#/a%7Eb/%63?x=1#y", ("example.org", "/c#/a~b/c")),
        ("https://example.org/c#/a&b=1&UTM_Source=x", ("example.org", "/c#/a&b=1")),
        ("https://example.org/c#/a#part", ("example.org", "/c#/a#part")),
        ("https://example.org/c#/a#utm_source=x", ("example.org", "/c#/a")),
        ("a#/b://c", (None, "a#/b://c")),
        ("https://me:secret@example.org/a", ("example.org", "/a")),
        ("http://example.org./", ("example.org", "/")),
        ("http://[2001:db8::1]:80/a", ("[2001:db8::1]", "/a")),
        ("https://example.org/caf%C3%A9%2F", ("example.org", "/café%2F")),
        ("https://example.org/caf%c3%a9%2f", ("example.org", "/café%2F")),
        ("https://example.org/caf\u00e9%2F", ("example.org", "/café%2F")),
        ("https://example.org/%7Eme/a%5fb%2Dc", ("example.org", "/~me/a_b-c")),
        ("https://xn--mller-kva.example/", ("müller.example", "/")),
        ("https://M\u00dcLLER.example:8080/", ("müller.example", "/")),
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
    assert page_of(line(target="/a", dh="shop.example.net")) == ("shop.example.net", "/a")  # of vhost_combined
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
    assert "?" not in (path or "")
    _, mark, route = (path or "").partition("#")
    assert not mark or route[:1] in ("/", "!")


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
        ("UTM_SOURCE=x&a=1&Utm_Medium=y&FBCLID=z&SCCID=c&_GL=d", "a=1"),
        ("a=1&amp;utm_source=x&amp;b=2&amp;amp;GCLID=y", "a=1&b=2"),
        ("amp;utm_source=x&b=2", "b=2"),
        ("utm%5fsource=x&utm%5Fmedium=y&%67clid=z&a=%7e%2f%c3%a9", "a=~%2Fé"),
    ],
)
def test_the_query_is_that_of_the_page_without_tags(query: str, left: str | None) -> None:
    assert query_of(ga4(dl=f"https://example.org/a?{query}#b?c=1")) == left
    assert query_of(line(target=f"/a?{query}")) == left


def test_what_names_the_path_names_the_query() -> None:
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="/y?b=2")) == "b=2"
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="/y")) is None
    assert query_of(ga4(dl="https://a.example/x?a=1", dp="")) == "a=1"
    assert query_of(ga4(dl="https://a.example/#x?a=1")) is None
    assert query_of(ga4(dl=None)) is None


@pytest.mark.parametrize(
    ("address", "query", "tags"),
    [
        ("/c/?lang=de#/home", "lang=de", None),
        ("/c/#/home?size=9&UTM_SOURCE=x", "#size=9", "utm_source=x"),
        ("/c/?lang=de&gclid=x#!/home?size=9#part", "lang=de#size=9", "gclid=x"),
        ("/c/?lang=de#utm_source=x&utm_medium=y", "lang=de", "utm_source=x&utm_medium=y"),
        ("/c/#top?utm_source=x", None, "utm_source=x"),
        ("/c/#/signup&utm_source=x&a=1", "#a=1", "utm_source=x"),
        ("/c/#/signup#utm_source=x", None, "utm_source=x"),
        ("/c/#/signup?#utm_source=x", None, "utm_source=x"),
        ("/c/?utm_source=a&utm_term=b&utm_x&gclid=&_gl=1#utm_source=c", None, "utm_source=a&utm_term=b&utm_source=c"),
        ("/c/#", None, None),
    ],
)
def test_parameters_and_tags_of_routes_and_fragments(address: str, query: str | None, tags: str | None) -> None:
    for row in (ga4(dl=f"https://a.example{address}"), ga4(dp=address), line(target=address)):
        found = stepped(page, row).row(0, named=True)
        assert (found["query"], found["tags"]) == (query, tags)


def test_tags_are_read_wherever_they_are_cut() -> None:
    row = ga4(dl="https://a.example/x?utm_source=a&a=1", dp="/y?utm_medium=b&b=2")
    found = stepped(page, row, ga4()).select("query", "tags").rows()
    assert found == [("b=2", "utm_source=a&utm_medium=b"), (None, None)]


def test_a_long_query_is_cut() -> None:
    assert len(query_of(ga4(dl=f"https://a.example/?{'a' * 5000}")) or "") == LONGEST_QUERY


def test_many_queries_keep_their_order() -> None:
    rows = [ga4(n, dl=f"https://a.example/{'?' * (n % 2)}{'utm_source=x&' * (n % 3)}n={n}") for n in range(60)]
    expected = [f"n={n}" if n % 2 else None for n in range(60)]
    assert stepped(page, *rows)["query"].to_list() == expected


def test_title_referrer_and_scheme() -> None:
    row = ga4(dt=" Our shoes\n", dr="https://blog.example/review?a=1#b", dl="HTTPS://example.org/")
    found = stepped(page, row).select("title", "referrer", "scheme").row(0)
    assert found == ("Our shoes", "https://blog.example/review?a=1#b", "https")


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("https://example.org/", "https"),
        ("http://x", "http"),
        ("http://", "http"),
        *((text, None) for text in ("", "/a", "https:/a", "ftp://x", "xhttps://a", None)),
    ],
)
def test_schemes(address: str | None, scheme: str | None) -> None:
    assert stepped(page, ga4(dl=address))["scheme"].to_list() == [scheme]


def test_long_texts_are_cut_and_empty_ones_are_none() -> None:
    rows = [ga4(dt="é" * 999, dr="r" * 9999), ga4(dt=" ", dr=""), ga4(dt=None, dr=None)]
    found = stepped(page, *rows)
    assert found["title"].to_list() == ["é" * LONGEST_TITLE, None, None]
    assert found["referrer"].to_list() == ["r" * LONGEST_REFERRER, None, None]
    assert stepped(page, ga4(dt="é" * LONGEST_TITLE))["title"].item() == "é" * LONGEST_TITLE
