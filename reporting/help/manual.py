"""The manual as pages: docs/manual/*.md, rendered once."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.utils.html import strip_tags
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

INDEX: Final = "index"
FOLDER: Final = Path(settings.BASE_DIR) / "docs" / "manual"
NAME: Final = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
LINK: Final = re.compile(r"([a-z0-9-]+)\.md(#.*)?", re.ASCII)
LONGEST_EXCERPT: Final = 200


class Page(NamedTuple):
    name: str
    title: str
    html: str
    text: str


class Found(NamedTuple):
    name: str
    title: str
    excerpt: str


def page_of(name: str) -> Page | None:
    """Returns a page of the manual; None if there is none of this name."""
    path = FOLDER / f"{name}.md"
    return _render(name) if NAME.fullmatch(name) and path.is_file() else None


def names() -> list[str]:
    """The pages in the order in which the index names them."""
    listed = LINK.findall((FOLDER / f"{INDEX}.md").read_text("utf-8"))
    return [INDEX, *dict.fromkeys(name for name, _ in listed if (FOLDER / f"{name}.md").is_file())]


def search(text: str) -> list[Found]:
    """Returns the pages that have all of the words, those with one in their title first, with the first place."""
    words = text.casefold().split()
    found = []
    for page in (_render(name) for name in names()):
        folded = page.text.casefold()
        if words and all(word in folded for word in words):
            found.append((not any(word in page.title.casefold() for word in words), _excerpt(page, words[0])))
    return [each for _, each in sorted(found, key=lambda one: one[0])]


def _excerpt(page: Page, word: str) -> Found:
    start = max(page.text.casefold().find(word) - LONGEST_EXCERPT // 3, 0)
    return Found(page.name, page.title, page.text[start : start + LONGEST_EXCERPT].strip())


@lru_cache(256)
def _render(name: str) -> Page:
    source = (FOLDER / f"{name}.md").read_text("utf-8")
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table"])
    tokens = markdown.parse(source)
    _add_anchors(tokens)
    for token in tokens:
        for child in token.children or ():
            _lead_to_pages(child)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    title = next(line[2:] for line in source.splitlines() if line.startswith("# "))
    return Page(name, title, html, " ".join(strip_tags(html).split()))


def _add_anchors(tokens: list[Token]) -> None:
    """Gives each heading the id by which other pages link to it."""
    for opening, content in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":
            opening.attrSet("id", slugify(content.content))


def _lead_to_pages(token: Token) -> None:
    """`reports.md#filters` -> `/help/reports/#filters`. Files beside the manual are not served: their links go."""
    target: Any = token.attrGet("href")
    if token.type != "link_open" or not isinstance(target, str):
        return
    if page := LINK.fullmatch(target):
        token.attrSet("href", f"/help/{page[1]}/{page[2] or ''}")
    elif not target.startswith(("https://", "http://", "#")):
        token.attrs.pop("href")
