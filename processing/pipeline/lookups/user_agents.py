"""Reads user agents, each distinct one once: what ua-parser and the lists of robots say of it."""

from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import crawleruseragents
import re2
from ua_parser import Parser, load_builtins
from ua_parser.regex import Resolver  # the Rust one: a hundred times faster, and its absence stops the start

from processing.pipeline.lookups.lists import rows

REMEMBERED: Final = 16_384
LONGEST: Final = 1_024  # callers cut at it, so that what is remembered of hostile hits stays bounded
MEMORY: Final = 64 << 20


class UserAgent(NamedTuple):
    """What the user agent says by itself; families are ua-parser's names, "" where it knows none."""

    browser: str
    system: str
    family: str


@lru_cache(REMEMBERED)
def read_agent(text: str) -> UserAgent:
    result = _parser().parse(text)
    names = (part.family if part else "" for part in (result.user_agent, result.os, result.device))
    return UserAgent(*names)


@lru_cache(REMEMBERED)
def is_robot(text: str) -> bool:
    return bool(_robots().search(text)) or read_agent(text).family == "Spider"


@cache
def _parser() -> Parser:
    return Parser(Resolver(load_builtins()))


@cache
def _robots() -> Any:
    """All patterns as one, linear in the agent's length; an RE2 *set* misses matches when it runs out of memory."""
    options = re2.Options()
    options.max_mem = MEMORY
    options.never_capture = True
    published = [entry["pattern"] for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA]
    own = [f"(?i:{pattern})" for pattern, _ in rows("bot_signs")]
    return re2.compile("|".join(f"(?:{pattern})" for pattern in published + own), options)
