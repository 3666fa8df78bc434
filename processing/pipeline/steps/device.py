"""Finds device category, browser and system by client hints, or by the user agent if there are none."""

from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import polars as pl
import re2

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.user_agents import CACHED, LONGEST, parse_user_agent
from processing.pipeline.row_ops import look_up

KEYS: Final = tuple(pl.col(name).str.slice(0, LONGEST) for name in ("user_agent", "uamb", "uam", "uap", "uafvl"))
FACTS: Final = {"device": pl.String(), "browser": pl.String(), "system": pl.String()}
LONGEST_NAME: Final = 100

TELEVISION: Final = re2.compile(
    r"(?i)smart[- ]?tv|google ?tv|android tv|apple ?tv|hbbtv|netcast|web0s|webos\.tv|tizen.*tv|bravia|viera|roku|crkey"
    r"|\baft[a-z]{1,4}\b|\btv safari\b|dtv|netflix"
)
TABLET: Final = re2.compile(r"(?i)ipad|tablet|kindle|\bsilk/|playbook|\bnexus (?:7|9|10)\b")
PHONE: Final = re2.compile(r"(?i)mobi|iphone|ipod|windows phone|opera mini|blackberry|bb10|symbian|kaios")

# A browser sends the brands of related browsers as well as its own: the first in the list wins.
BRANDS: Final = {name: browser for kind, name, browser in rows("browsers") if kind == "brand"}
BROWSERS: Final = {name: browser for kind, name, browser in rows("browsers") if kind == "agent"}
PLATFORMS: Final = {name: system for kind, name, system in rows("browsers") if kind == "platform"}
SYSTEMS: Final = {name: system for kind, name, system in rows("browsers") if kind == "system"}


def device(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    return frame.hstack(look_up(frame, KEYS, FACTS, find_device))


@lru_cache(CACHED)
def find_device(
    user_agent: str | None, mobile: str | None, model: str | None, platform: str | None, brands: str | None
) -> tuple[str, str | None, str | None]:
    """Returns device category, browser and operating system by Google's names; None where unknown."""
    text = user_agent or ""
    agent = parse_user_agent(text)
    system = PLATFORMS.get(platform or "") or _known(agent.system, SYSTEMS)
    browser = _brand(brands or "") or _known(agent.browser, BROWSERS)
    return _category(text, mobile, model, system), browser, system


def _known(family: str, names: dict[str, str]) -> str | None:
    return names.get(family, family)[:LONGEST_NAME] or None


def _brand(version_list: str) -> str | None:
    """Finds the browser in a list `brand;version|brand;version…`, each brand percent-encoded."""
    present = {unquote(part.partition(";")[0]) for part in version_list.split("|")}
    return next((browser for brand, browser in BRANDS.items() if brand in present), None)


def _category(text: str, mobile: str | None, model: str | None, system: str | None) -> str:
    if TELEVISION.search(text):
        return "smart tv"
    if TABLET.search(f"{text} {model or ''}"):
        return "tablet"
    if mobile == "1" or PHONE.search(text):
        return "mobile"
    return "tablet" if system == "Android" else "desktop"
