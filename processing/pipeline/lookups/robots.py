"""Names programs by their user agents, and sorts them into categories. Results are cached, as for user agents."""

from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import crawleruseragents
import re2

from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.user_agents import CACHED, is_robot, names_browser, parse_user_agent

OTHER: Final = "other"
CATEGORIES: Final = (
    "search engine", "AI crawler", "AI assistant", "monitor", "SEO tool", "feed reader", "social preview", "archiver",
    "library", "security scanner", "headless browser", OTHER,
)  # fmt: skip
# The words of the package crawler-user-agents -> ours.
OF_TAG: Final = {
    "ai-crawler": "AI crawler",
    "search-engine": "search engine",
    "seo": "SEO tool",
    "monitoring": "monitor",
    "feed-reader": "feed reader",
    "social-preview": "social preview",
    "archiver": "archiver",
    "http-library": "library",
    "scanner": "security scanner",
    "browser-automation": "headless browser",
}
LONGEST_NAME: Final = 60
# What names itself: "FooBot/1.0" anywhere, else "(compatible; Foo/1.0", else the product that the user agent begins
# with. No address of mail has such a form.
_SAYS_SO: Final = re2.compile(r"(?i)\b([a-z0-9][a-z0-9_.!-]{0,40}?(?:bot|crawler|spider|fetcher|scraper|reader))\b")
_COMPATIBLE: Final = re2.compile(r"\(compatible; ([A-Za-z][A-Za-z0-9_.! -]{0,40})/[0-9]")
_NO_NAMES: Final = ("", "other", "mozilla", "bot", "robot", "crawler", "webcrawler", "spider")
_PRODUCT: Final = re2.compile(r"^([A-Za-z][A-Za-z0-9_.!-]{0,40})(?:[/\s;(]|$)")
_PLAIN: Final = re2.compile(r"(?:[^\\[\](){}|*+?^$.]|\\[^A-Za-z0-9])*")  # a pattern that stands for one text


class Robot(NamedTuple):
    """`name` is None if the user agent holds none."""

    name: str | None
    category: str


@lru_cache(CACHED)
def find_program(user_agent: str) -> Robot | None:
    """Returns the program that a user agent, cut to LONGEST, belongs to; None for a browser."""
    if not is_robot(user_agent) and names_browser(user_agent):
        return None
    lower = user_agent.lower()
    for sign, name, category in _known():
        if sign in lower:
            return Robot(name, category)
    return _published(user_agent) or Robot(_own_name(user_agent), OTHER)


@cache
def _known() -> list[tuple[str, str, str]]:
    return [(sign, name, category) for sign, name, category in rows("robots")]


def _published(user_agent: str) -> Robot | None:
    """Finds the longest sign of the package's list that the user agent has."""
    literals, patterns = _published_signs()
    found = [(literal, category) for literal, category in literals if literal in user_agent]
    found += [(match[0], category) for pattern, category in patterns if (match := pattern.search(user_agent))]
    if not found:
        return None
    sign, category = max(found, key=lambda pair: (len(pair[0]), pair))
    return Robot(_tidy(sign) or _own_name(user_agent), category)


@cache
def _published_signs() -> tuple[list[tuple[str, str]], list[tuple[Any, str]]]:
    r"""Returns the list's plain texts, of which most patterns consist (`Exabot\/`), and its other patterns."""
    literals, patterns = list[tuple[str, str]](), list[tuple[Any, str]]()
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        category = next((OF_TAG[tag] for tag in entry.get("tags", ()) if tag in OF_TAG), OTHER)
        pattern: str = entry["pattern"]
        if _PLAIN.fullmatch(pattern):
            literals.append((pattern.replace("\\", ""), category))
        else:
            patterns.append((re2.compile(pattern), category))
    return literals, patterns


def _own_name(user_agent: str) -> str | None:
    parsed = parse_user_agent(user_agent)
    family = parsed.browser if parsed.device_family == "Spider" else ""
    matches = [pattern.search(user_agent) for pattern in (_SAYS_SO, _COMPATIBLE, _PRODUCT)]
    names = [family, *(match[1] for match in matches if match)]
    return next((_tidy(name) for name in names if name.lower() not in _NO_NAMES), None)


def _tidy(name: str) -> str | None:
    return name.strip(" /;:,+-()[]^")[:LONGEST_NAME] or None
