"""Sorts traffic into the default channel group by Google's published rules: the first rule that matches wins.

Source: Google's help page "Default channel group"; the channel for assistants is that of Google's announcement of
13 May 2026. Case is ignored.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final, NamedTuple

import re2

from processing.pipeline.lookups.domains import HostPatterns
from processing.pipeline.lookups.lists import rows

CACHED: Final = 16_384

PAID: Final = re2.compile("(?s)^(.*cp.*|ppc|retargeting|paid.*)$")
SHOP_NAME: Final = re2.compile("(?s)^(.*(([^a-df-z]|^)shop|shopping).*)$")
MAIL: Final = {"email", "e-mail", "e_mail", "e mail"}
SOCIAL: Final = {"social", "social-network", "social-media", "sm", "social network", "social media"}
DISPLAY: Final = {"display", "banner", "expandable", "interstitial", "cpm"}


class TrafficSource(NamedTuple):
    """Source, medium and campaign in lower case, and the category of the source, "" if it has none."""

    source: str
    medium: str
    campaign: str
    category: str

    @property
    def is_paid(self) -> bool:
        return PAID.search(self.medium) is not None

    @property
    def is_shopping(self) -> bool:
        return self.category == "shopping" or SHOP_NAME.search(self.campaign) is not None


Rule = tuple[str, Callable[[TrafficSource], bool]]

RULES: Final[tuple[Rule, ...]] = (
    ("Direct", lambda t: t.source == "(direct)" and t.medium in {"(none)", "(not set)"}),
    ("Cross-network", lambda t: "cross-network" in t.campaign),
    ("Paid Shopping", lambda t: t.is_shopping and t.is_paid),
    ("Paid Search", lambda t: t.category == "search" and t.is_paid),
    ("Paid Social", lambda t: t.category == "social" and t.is_paid),
    ("Paid Video", lambda t: t.category == "video" and t.is_paid),
    ("Display", lambda t: t.medium in DISPLAY),
    ("Paid Other", lambda t: t.is_paid),
    ("AI Assistant", lambda t: t.category == "assistant" or t.medium == "ai-assistant"),
    ("Organic Shopping", lambda t: t.is_shopping),
    ("Organic Social", lambda t: t.category == "social" or t.medium in SOCIAL),
    ("Organic Video", lambda t: t.category == "video" or "video" in t.medium),
    ("Organic Search", lambda t: t.category == "search" or t.medium == "organic"),
    ("Referral", lambda t: t.medium in {"referral", "app", "link"}),
    ("Email", lambda t: t.source in MAIL or t.medium in MAIL),
    ("Affiliates", lambda t: t.medium == "affiliate"),
    ("Audio", lambda t: t.medium == "audio"),
    ("SMS", lambda t: t.source == "sms" or t.medium == "sms"),
    ("Mobile Push Notifications", lambda t: _is_push_notification(t)),
)
UNASSIGNED: Final = "Unassigned"
CHANNELS: Final = (*(name for name, _ in RULES), UNASSIGNED)


@lru_cache(CACHED)
def default_channel(source: str, medium: str, campaign: str) -> str:
    """Returns one of CHANNELS."""
    lower = source.lower()
    traffic = TrafficSource(lower, medium.lower(), campaign.lower(), source_category(lower))
    return next((name for name, matches in RULES if matches(traffic)), UNASSIGNED)


def source_category(source: str) -> str:
    """Returns search, social, shopping, video, assistant, or ""."""
    return _categories().find(source.removeprefix("www.")) or ""


@cache
def _categories() -> HostPatterns:
    assistants = ([name, "assistant"] for (name,) in rows("ai_assistants"))
    return HostPatterns([*rows("source_categories"), *assistants])


def _is_push_notification(traffic: TrafficSource) -> bool:
    medium = traffic.medium
    return medium.endswith("push") or "mobile" in medium or "notification" in medium or traffic.source == "firebase"
