"""The default channel group: Google's published rules, asked in order, the first that holds wins.

Source: Google's help page "Default channel group", as restated in the project's contracts. Case is ignored throughout.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final, NamedTuple

import re2

from processing.pipeline.lookups.lists import rows

REMEMBERED: Final = 16_384

PAID: Final = re2.compile("(?s)^(.*cp.*|ppc|retargeting|paid.*)$")
SHOP_NAME: Final = re2.compile("(?s)^(.*(([^a-df-z]|^)shop|shopping).*)$")
MAIL: Final = {"email", "e-mail", "e_mail", "e mail"}
NETWORK: Final = {"social", "social-network", "social-media", "sm", "social network", "social media"}
DISPLAY: Final = {"display", "banner", "expandable", "interstitial", "cpm"}


class TrafficSource(NamedTuple):
    """Source, medium and campaign in lower case, and the source's category, "" where it has none."""

    source: str
    medium: str
    campaign: str
    category: str

    @property
    def paid(self) -> bool:
        return PAID.search(self.medium) is not None

    @property
    def shop(self) -> bool:
        return self.category == "shopping" or SHOP_NAME.search(self.campaign) is not None


Rule = tuple[str, Callable[[TrafficSource], bool]]

RULES: Final[tuple[Rule, ...]] = (
    ("Direct", lambda t: t.source == "(direct)" and t.medium in {"(none)", "(not set)"}),
    ("Cross-network", lambda t: "cross-network" in t.campaign),
    ("Paid Shopping", lambda t: t.shop and t.paid),
    ("Paid Search", lambda t: t.category == "search" and t.paid),
    ("Paid Social", lambda t: t.category == "social" and t.paid),
    ("Paid Video", lambda t: t.category == "video" and t.paid),
    ("Display", lambda t: t.medium in DISPLAY),
    ("Paid Other", lambda t: t.paid),
    ("Organic Shopping", lambda t: t.shop),
    ("Organic Social", lambda t: t.category == "social" or t.medium in NETWORK),
    ("Organic Video", lambda t: t.category == "video" or "video" in t.medium),
    ("Organic Search", lambda t: t.category == "search" or t.medium == "organic"),
    ("Referral", lambda t: t.medium in {"referral", "app", "link"}),
    ("Email", lambda t: t.source in MAIL or t.medium in MAIL),
    ("Affiliates", lambda t: t.medium == "affiliate"),
    ("Audio", lambda t: t.medium == "audio"),
    ("SMS", lambda t: t.source == "sms" or t.medium == "sms"),
    ("Mobile Push Notifications", lambda t: _pushed(t)),
)
UNASSIGNED: Final = "Unassigned"
CHANNELS: Final = (*(name for name, _ in RULES), UNASSIGNED)


@lru_cache(REMEMBERED)
def channel(source: str, medium: str, campaign: str) -> str:
    """The channel of the default group, one of CHANNELS."""
    name = source.lower()
    traffic = TrafficSource(name, medium.lower(), campaign.lower(), category(name))
    return next((rule for rule, holds in RULES if holds(traffic)), UNASSIGNED)


def category(source: str) -> str:
    """search, social, shopping, video, or "": of the source, or of a host above it whose entry covers those below."""
    known = _categories()
    if source in known:
        return known[source]
    labels = source.split(".")
    above = ("." + ".".join(labels[first:]) for first in range(len(labels)))
    return next((known[host] for host in above if host in known), "")


@cache
def _categories() -> dict[str, str]:
    return dict(rows("source_categories"))


def _pushed(traffic: TrafficSource) -> bool:
    medium = traffic.medium
    return medium.endswith("push") or "mobile" in medium or "notification" in medium or traffic.source == "firebase"
