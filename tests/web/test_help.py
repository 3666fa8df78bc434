"""The manual at /help/: every page and every link of it leads somewhere, and nothing beside it is served."""

import re
from functools import cache
from typing import Final
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from reporting.dashboard.panel_tabs import PANELS
from reporting.help.manual import FOLDER, names, page_of, search

pytestmark = pytest.mark.django_db

NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.md"))


@cache
def html_of(name: str) -> str:
    page = page_of(name)
    assert page
    return page.html


@cache
def anchors(name: str) -> list[str]:
    return re.findall(r'<h\d id="([^"]*)"', html_of(name))


def test_it_works() -> None:
    response = Client().get("/help/")
    assert response.status_code == 200
    text = response.content.decode()
    for name in names():
        assert f'href="/help/{name}/"' in text
    found = Client().get("/help/?q=Measurement ID").content.decode()
    assert 'href="/help/properties/"' in found


def test_the_index_names_every_page() -> None:
    assert sorted(names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r'<a href="([^"]*)"', html_of(name)):
        address = urlsplit(urljoin(f"/help/{name}/", target))
        if address.scheme:
            assert address.scheme in ("http", "https")
            continue
        page = re.fullmatch(r"/help/([a-z0-9-]+)/", address.path)
        assert page, target
        assert page[1] in NAMES, target
        assert not address.fragment or address.fragment in anchors(page[1]), f"{name}: {target}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_each_heading_once(name: str) -> None:
    found = anchors(name)
    assert all(found)
    assert len(found) == len(set(found)), sorted({each for each in found if found.count(each) > 1})


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_safe(name: str) -> None:
    """It has no script, no style and no picture: the policy of pages forbids them."""
    assert not re.search(r"<(script|style|img|iframe)|\son\w+=|style=|javascript:", html_of(name))


def test_panels_lead_to_pages() -> None:
    for panel in PANELS:
        assert panel.help in NAMES


@pytest.mark.parametrize(
    "path",
    [
        "nothing/",
        "..%2F..%2FREADME/",
        "../README/",
        "index.md/",
        "INDEX/",
        "-/",
        f"{'a' * 300}/",
        "%00/",
        "adr%2F0001/",
    ],
)
def test_nothing_else_is_served(path: str) -> None:
    assert Client().get(f"/help/{path}").status_code == 404


@pytest.mark.parametrize("name", ["../README", "..", "", "index\n", "/etc/passwd", "INDEX", "index\0"])
def test_no_name_leaves_the_folder(name: str) -> None:
    assert page_of(name) is None


@pytest.mark.parametrize("query", ["", "zzzzqq", "<script>alert(1)</script>", "a" * 500, "\0", "(", " "])
def test_any_search_is_answered(query: str) -> None:
    response = Client().get("/help/", {"q": query})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_a_page_with_the_word_in_its_title_comes_first() -> None:
    assert search("segments")[0].name == "segments"
    assert search("SEGMENTS cookie nothing-has-this") == []
