"""Parses user agents, and recognises robots. Results are cached, since most hits share few user agents."""

from functools import cache, lru_cache
from itertools import takewhile
from typing import Any, Final, NamedTuple

import crawleruseragents
import re2
from ua_parser import OS as SystemFamily
from ua_parser import Parser, load_builtins
from ua_parser import UserAgent as UserAgentFamily
from ua_parser.regex import Resolver  # the Rust one: a hundred times faster, and its absence stops the start

from processing.pipeline.lookups.lists import rows

CACHED: Final = 16_384
LONGEST: Final = 1_024  # callers cut user agents at it, so that hostile ones cannot fill the memory through the cache
PATTERN_MEMORY: Final = 64 << 20  # bytes


class UserAgent(NamedTuple):
    """What ua-parser reads out of the user agent alone: names of families, versions, brand and model; "" if unknown."""

    browser: str
    system: str
    device_family: str
    browser_version: str
    system_version: str
    brand: str
    model: str


@lru_cache(CACHED)
def parse_user_agent(text: str) -> UserAgent:
    result = _parser().parse(text)
    browser, system, device = result.user_agent, result.os, result.device
    return UserAgent(
        browser=browser.family if browser else "",
        system=system.family if system else "",
        device_family=device.family if device else "",
        browser_version=_version(browser),
        system_version=_version(system),
        brand=(device and device.brand) or "",
        model=(device and device.model) or "",
    )


def _version(part: UserAgentFamily | SystemFamily | None) -> str:
    """Returns the numbers up to the first that is unknown: `17.5`."""
    numbers = (part.major, part.minor, part.patch, part.patch_minor) if part else ()
    return ".".join(takewhile(bool, (number or "" for number in numbers)))


@lru_cache(CACHED)
def is_robot(text: str) -> bool:
    """Tells whether the user agent is on a list of programs."""
    return bool(_robot_pattern().search(text)) or parse_user_agent(text).device_family == "Spider"


@lru_cache(CACHED)
def names_browser(text: str) -> bool:
    """Tells whether the user agent names a browser engine, or a browser of those that do not name theirs."""
    return bool(_browser_pattern().search(text))


@cache
def _parser() -> Parser:
    return Parser(Resolver(load_builtins()))


@cache
def _robot_pattern() -> Any:
    """Joins the patterns of all robots into one. It takes time linear in the length of the user agent.

    It is no RE2 *set*, because a set misses matches when it runs out of memory.
    """
    published = [entry["pattern"] for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA]
    return _any_of(published + _own_patterns("bot_signs"))


@cache
def _browser_pattern() -> Any:
    return _any_of(_own_patterns("browser_signs"))


def _own_patterns(name: str) -> list[str]:
    return [f"(?i:{pattern})" for pattern, _ in rows(name)]


def _any_of(patterns: list[str]) -> Any:
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.never_capture = True
    return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), options)
