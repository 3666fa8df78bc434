"""Finds device category, browser and system, their versions and the device's maker and model: by client hints, or by
the user agent if there are none.
"""

from functools import lru_cache
from typing import Final
from urllib.parse import unquote

import polars as pl
import re2

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.makes import make_and_model
from processing.pipeline.lookups.user_agents import CACHED, LONGEST, UserAgent, parse_user_agent
from processing.pipeline.lookups.versions import plain_version, system_version, system_version_of_hint, version_behind
from processing.pipeline.row_ops import look_up

KEYS: Final = tuple(
    pl.col(name).str.slice(0, LONGEST) for name in ("user_agent", "uamb", "uam", "uap", "uapv", "uafvl")
)
FACTS: Final = {"device": pl.String(), "browser": pl.String(), "system": pl.String()}
DETAILS: Final = dict.fromkeys(("browser_version", "system_version", "brand", "model"), pl.String())
LONGEST_NAME: Final = 100

CHROMIUM: Final = "Chrome/"
WEBVIEW: Final = "; wv)"
PLAIN: Final = {"Chrome", "Android Webview", None}  # what a user agent says that names no browser of its own

DEVICE_PART: Final = re2.compile(r"\(([^)]*)\)")
WINDOWS_TABLET_PC: Final = re2.compile(r"(?i)tablet ?pc[ 0-9.]*")  # a part of Windows, which desktops have too

# A browser sends the brands of related browsers as well as its own: the first in the list wins.
BRANDS: Final = {name: browser for kind, name, browser in rows("browsers") if kind == "brand"}
COMMON_BRANDS: Final = {name: browser for kind, name, browser in rows("browsers") if kind == "common brand"}
BROWSERS: Final = {name: browser for kind, name, browser in rows("browsers") if kind == "agent"}
TOKENS: Final = {token: browser for kind, token, browser in rows("browsers") if kind == "token"}
PLATFORMS: Final = {name: system for kind, name, system in rows("browsers") if kind == "platform"}
SYSTEMS: Final = {name: system for kind, name, system in rows("browsers") if kind == "system"}
BUILT_ON_LINUX: Final = ("webOS", "Tizen", "KaiOS")  # the platform of their client hints is only "Linux"

SIGNS: Final = {
    kind: [(place, re2.compile(pattern)) for each, place, pattern in rows("device_signs") if each == kind]
    for kind in ("television", "tablet", "phone")
}


def device(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    return frame.hstack(look_up(frame, KEYS, {**FACTS, **DETAILS}, find_device))


@lru_cache(CACHED)
def find_device(
    user_agent: str | None,
    mobile: str | None,
    model: str | None,
    platform: str | None,
    platform_version: str | None,
    brands: str | None,
) -> tuple[str | None, ...]:
    """Returns device category, browser and operating system by Google's names, and DETAILS; None where unknown."""
    text = user_agent or ""
    agent = parse_user_agent(text)
    by_agent, by_hint = _known(agent.system, SYSTEMS), PLATFORMS.get(platform or "")
    system = _system(by_agent, platform or "")
    browser = _browser(text, agent.browser, brands or "")
    hinted = system_version_of_hint(system, platform_version or "") if system == by_hint else None
    return (
        _category(text, mobile, model or "", system),
        browser,
        system,
        _browser_version(text, agent, browser, brands or ""),
        hinted or (system_version(agent.system_version) if system == by_agent else None),
        *make_and_model(agent, model or ""),
    )


def _known(family: str, names: dict[str, str]) -> str | None:
    return names.get(family, family)[:LONGEST_NAME] or None


def _system(by_agent: str | None, platform: str) -> str | None:
    by_hint = PLATFORMS.get(platform)
    return by_agent if by_hint == "Linux" and by_agent in BUILT_ON_LINUX else by_hint or by_agent


def _browser(text: str, family: str, version_list: str) -> str | None:
    """Chooses between the user agent and a list `brand;version|brand;version…`, its brands percent-encoded.

    A brand that many browsers send, such as Chromium, says less than a user agent that names a browser built on it.
    """
    present = {unquote(part.partition(";")[0]) for part in version_list.split("|")}
    own, common = (_first(present, names) for names in (BRANDS, COMMON_BRANDS))
    named = _first_token(text) or _built_on_chromium(text, family) or _known(family, BROWSERS)
    if own or not common:
        return own or named
    return named if CHROMIUM in text and named not in PLAIN else common


def _first(present: set[str], names: dict[str, str]) -> str | None:
    return next((browser for brand, browser in names.items() if brand in present), None)


def _first_token(text: str) -> str | None:
    return next((browser for token, browser in TOKENS.items() if token in text), None)


def _browser_version(text: str, agent: UserAgent, browser: str | None, version_list: str) -> str | None:
    """Reads the version where the browser's name was found."""
    for part in version_list.split("|"):
        brand, _, version = part.partition(";")
        name = unquote(brand)
        if browser and browser in (BRANDS.get(name), COMMON_BRANDS.get(name)) and (found := plain_version(version)):
            return found
    signs = [token for token, name in TOKENS.items() if name == browser]
    if _built_on_chromium(text, agent.browser) == browser:
        signs += ["OPR/", CHROMIUM]
    behind = (version_behind(sign, text) for sign in signs if sign in text)
    return next(filter(None, behind), None) or plain_version(agent.browser_version)


def _built_on_chromium(text: str, family: str) -> str | None:
    """Corrects what ua-parser takes for the browsers of Apple and of old Androids: `Version/4.0 Chrome/121.0 …`."""
    if CHROMIUM not in text:
        return None
    if "OPR/" in text and WEBVIEW in text:
        return "Opera Mini"
    names = {"Android": "Android Webview", "Safari": "Chrome", "Mobile Safari": "Chrome"}
    return names.get(family)


def _category(text: str, mobile: str | None, model: str, system: str | None) -> str:
    part = DEVICE_PART.search(text)
    places = {"agent": f"{text} {model}", "device": f"{part[1] if part else ''} {model}"}
    if system == "Windows":
        places["agent"] = WINDOWS_TABLET_PC.sub("", places["agent"])
    kind = next((kind for kind in SIGNS if any(sign.search(places[place]) for place, sign in SIGNS[kind])), None)
    if kind == "television":
        return "smart tv"
    if kind == "tablet":
        return "tablet"
    if mobile == "1" or kind == "phone":
        return "mobile"
    return "tablet" if system == "Android" else "desktop"
