"""Finds where the visitor came from: by tags of the page's URL, else click ids, else the referrer; and the channel."""

from functools import lru_cache, partial
from typing import Final, NamedTuple

import polars as pl

from configuration.ruleset.domain_names import comparable_domain
from configuration.ruleset.ruleset import ReferralRule, Ruleset
from processing.pipeline.lookups.default_channels import default_channel
from processing.pipeline.lookups.domains import find_listed_domain
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.referrers import registrable_domain, search_engine
from processing.pipeline.lookups.tags import CAMPAIGN_TAGS, LONGEST_TAGS, named_tags
from processing.pipeline.lookups.urls import authority, host_of
from processing.pipeline.row_ops import look_up

CACHED: Final = 16_384
LONGEST_NAME: Final = 255

NOT_SET: Final = "(not set)"
ADVERTISEMENTS: Final = {
    name.lower(): (source, medium) for name, source, medium, when in rows("click_ids") if when == "always"
}
LINKS: Final = {name.lower(): (source, medium) for name, source, medium, when in rows("click_ids") if when == "alone"}
IGNORED: Final = ("1", "true")

FACTS: Final = {name: pl.String() for name in ("source", "medium", "campaign", "channel")}


class Origin(NamedTuple):
    source: str
    medium: str
    campaign: str


DIRECT: Final = Origin("(direct)", "(none)", "(direct)")


def source(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`cs`, `cm` and `cn` replace the tags of the URL. Referrers on the property's and the page's own site do not count
    as sources, nor do those on the domains of rules."""
    own = tuple(sorted({registrable_domain(comparable_domain(domain)) for domain in rules.settings.domains}))
    none = _excluded(tuple(rules.of_kind(ReferralRule)))
    return frame.hstack(look_up(frame, KEYS, FACTS, partial(find_source, own, none)))


@lru_cache(256)
def _excluded(rules: tuple[ReferralRule, ...]) -> frozenset[str]:
    """Cached, because the cache of find_source compares it: the same object is equal at once."""
    return frozenset(comparable_domain(domain) for rule in rules for domain in rule.domains)


def _referrer() -> pl.Expr:
    ignored = pl.col("ir").is_in(IGNORED).fill_null(False)
    return pl.when(~ignored).then(authority(pl.col("dr")).str.slice(0, LONGEST_TAGS))


TAGS: Final = pl.col("tags").str.slice(0, LONGEST_TAGS)  # of the page step
GIVEN: Final = ("cs", "cm", "cn", "gclid", "dclid")
KEYS: Final = (TAGS, *(pl.col(name).str.slice(0, LONGEST_NAME) for name in GIVEN), _referrer(), pl.col("host"))


@lru_cache(CACHED)
def find_source(
    own: tuple[str, ...],
    none: frozenset[str],
    tags: str | None,
    cs: str | None,
    cm: str | None,
    cn: str | None,
    gclid: str | None,
    dclid: str | None,
    referrer: str | None,
    host: str | None,
) -> tuple[str, str, str, str]:
    """Returns source, medium, campaign and channel.

    Tags win over a click id, which only fills the gaps that they leave: it does not say the name of the campaign.
    """
    named = named_tags(tags)
    named |= {name: value for name, value in zip(("gclid", "dclid"), (gclid, dclid), strict=True) if value}
    written = [given or named.get(tag) for tag, given in zip(CAMPAIGN_TAGS, (cs, cm, cn), strict=True)]
    referred = _referred(referrer, {*own, registrable_domain(host or "")}, none)
    if any(written):
        origin = _written(written, _advertised(named))
    else:
        origin = _advertised(named) or referred or _linked(named) or DIRECT
    cut = Origin(*(text[:LONGEST_NAME] for text in origin))
    return (*cut, default_channel(*cut))


def _written(written: list[str | None], clicked: Origin | None) -> Origin:
    gaps = clicked or Origin(NOT_SET, NOT_SET, NOT_SET)
    return Origin(*(text or gap for text, gap in zip(written, gaps, strict=True)))


def _advertised(named: dict[str, str]) -> Origin | None:
    return next((Origin(*ADVERTISEMENTS[name], NOT_SET) for name in ADVERTISEMENTS if name in named), None)


def _linked(named: dict[str, str]) -> Origin | None:
    return next((Origin(*LINKS[name], "(referral)") for name in LINKS if name in named), None)


def _referred(referrer: str | None, own: set[str], none: frozenset[str]) -> Origin | None:
    """Returns the referrer's host without `www.`, like Google: `m.facebook.com` and `facebook.com` are two sources."""
    whole = host_of(referrer or "") or ""
    host = whole.removeprefix("www.")
    if not host or registrable_domain(host) in own or find_listed_domain(whole, none):
        return None
    if engine := search_engine(host):
        return Origin(engine, "organic", "(organic)")
    return Origin(host, "referral", "(referral)")
