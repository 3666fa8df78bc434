import pytest

from processing.pipeline.steps.access import access
from tests.support.raw_rows import ga4, line, processed, reasons


def test_it_works() -> None:
    rows = [line(), line(method="POST"), line(status="404"), line(target="/logo.png")]
    assert reasons(access, *rows) == [None, "method", "status", "asset"]


@pytest.mark.parametrize("status", ["200", "204", "205", "207", "299", "304"])
def test_success_and_not_modified_are_served(status: str) -> None:
    assert reasons(access, line(status=status)) == [None]


@pytest.mark.parametrize(
    "status", ["199", "206", "300", "301", "302", "303", "305", "400", "500", "20", "2000", "", None]
)
def test_every_other_status_is_refused(status: str | None) -> None:
    assert reasons(access, line(status=status)) == ["status"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "get", "GETT", "", "\x16\x03"])
def test_only_get_opens_a_page(method: str) -> None:
    assert reasons(access, line(method=method)) == ["method"]


ENDINGS = ["css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "avif"]
ENDINGS += ["woff", "woff2", "ttf", "eot", "otf"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_assets(ending: str) -> None:
    rows = [line(target=f"/a/b.{ending}"), line(target=f"/b.{ending.upper()}?v=1"), line(target=f"/b.{ending}#top")]
    assert reasons(access, *rows) == ["asset"] * 3


@pytest.mark.parametrize(
    "target", ["/css", "/a.css/", "/a.cssx", "/?file=a.css", "/page#a.css", "/a.html", "/.js.html"]
)
def test_pages_that_look_like_assets(target: str) -> None:
    assert reasons(access, line(target=target)) == [None]


def test_the_order_in_which_is_asked() -> None:
    everything = {"method": "POST", "status": "500", "target": "/a.css", "user_agent": "Googlebot/2.1"}
    rows = [
        line(1, error="malformed", **everything),
        line(2, **everything),
        line(3, **everything | {"method": "GET"}),
        line(4, **everything | {"method": "GET", "status": "200"}),
        line(5, **everything | {"method": "GET", "status": "200", "target": "/"}),
    ]
    rejected = processed(*rows).rejected.sort("position")
    assert rejected["reason"].to_list() == ["malformed", "method", "status", "asset", "bot"]


def test_a_line_without_method_or_target_is_malformed() -> None:
    assert reasons(access, line(method=None), line(target=None)) == ["malformed", "malformed"]


def test_hits_of_the_tracker_are_none_of_its_business() -> None:
    odd = ga4(method="POST", status="404", target="/a.css")
    assert reasons(access, odd, line(status="404")) == [None, "status"]
    assert reasons(access, odd) == [None]
