"""Where the visitor came from: tags of the page's address, else click ids, else the referrer; and the channel of it."""

from functools import lru_cache, partial
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import polars as pl

from configuration.ruleset.ruleset import ReferralRule, Ruleset
from processing.pipeline.lookups.default_channels import channel
from processing.pipeline.lookups.domains import listed
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.referrers import search_engine, site
from processing.pipeline.lookups.urls import authority, host_of, query
from processing.pipeline.row_ops import look_up

REMEMBERED: Final = 16_384
LONGEST_NAME: Final = 255
LONGEST_QUERY: Final = 2_048  # keys are cut, so that what is remembered of hostile hits stays bounded
MOST_PARAMETERS: Final = 100

NOT_SET: Final = "(not set)"
ADVERTISEMENTS: Final = {name: (source, medium) for name, source, medium, when in rows("click_ids") if when == "always"}
LINKS: Final = {name: (source, medium) for name, source, medium, when in rows("click_ids") if when == "alone"}
TAGS: Final = ("utm_source", "utm_medium", "utm_campaign")
TAGGED: Final = [f"{name}=" for name in (*TAGS, *ADVERTISEMENTS, *LINKS)]
IGNORED: Final = ("1", "true")

FOUND: Final = {name: pl.String() for name in ("source", "medium", "campaign", "channel")}


class Origin(NamedTuple):
    source: str
    medium: str
    campaign: str


DIRECT: Final = Origin("(direct)", "(none)", "(direct)")


def source(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`cs`, `cm`, `cn` stand for the tags of the address. The property's and the page's own site are no source, nor
    are the domains of rules and those below them."""
    own = tuple(sorted({site(domain.lower()) for domain in rules.settings.domains}))
    none = _excluded(tuple(rules.of_kind(ReferralRule)))
    return frame.hstack(look_up(frame, KEYS, FOUND, partial(find_source, own, none)))


@lru_cache(256)
def _excluded(rules: tuple[ReferralRule, ...]) -> frozenset[str]:
    """Kept, since what is remembered of sources compares it: the same one is equal at once."""
    return frozenset(domain for rule in rules for domain in rule.domains)


def _tags() -> pl.Expr:
    text = query(pl.col("dl"))
    return pl.when(text.str.contains_any(TAGGED)).then(text.str.slice(0, LONGEST_QUERY))


def _referrer() -> pl.Expr:
    ignored = pl.col("ir").is_in(IGNORED).fill_null(False)
    return pl.when(~ignored).then(authority(pl.col("dr")).str.slice(0, LONGEST_QUERY))


GIVEN: Final = ("cs", "cm", "cn", "gclid", "dclid")
KEYS: Final = (_tags(), *(pl.col(name).str.slice(0, LONGEST_NAME) for name in GIVEN), _referrer(), pl.col("host"))


@lru_cache(REMEMBERED)
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
    """Source, medium, campaign, channel. Written tags win over a click id, which only fills what they leave open, since
    nobody here can ask the advertising network for the name of the campaign."""
    named = _named(tags)
    named |= {name: value for name, value in zip(("gclid", "dclid"), (gclid, dclid), strict=True) if value}
    written = [given or named.get(tag) for tag, given in zip(TAGS, (cs, cm, cn), strict=True)]
    referred = _referred(referrer, {*own, site(host or "")}, none)
    if any(written):
        origin = _written(written, _advertised(named))
    else:
        origin = _advertised(named) or referred or _linked(named) or DIRECT
    found = Origin(*(text[:LONGEST_NAME] for text in origin))
    return (*found, channel(*found))


def _named(tags: str | None) -> dict[str, str]:
    """The parameters of the query that have a value; of several with one name, the first."""
    pairs = parse_qsl("&".join((tags or "").split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]))
    return dict(reversed(pairs))


def _written(written: list[str | None], clicked: Origin | None) -> Origin:
    gaps = clicked or Origin(NOT_SET, NOT_SET, NOT_SET)
    return Origin(*(text or gap for text, gap in zip(written, gaps, strict=True)))


def _advertised(named: dict[str, str]) -> Origin | None:
    return next((Origin(*ADVERTISEMENTS[name], NOT_SET) for name in ADVERTISEMENTS if name in named), None)


def _linked(named: dict[str, str]) -> Origin | None:
    return next((Origin(*LINKS[name], "(referral)") for name in LINKS if name in named), None)


def _referred(referrer: str | None, own: set[str], none: frozenset[str]) -> Origin | None:
    """The host but for `www.`, as Google has it: `m.facebook.com` and `facebook.com` are two sources of one channel."""
    whole = host_of(referrer or "") or ""
    host = whole.removeprefix("www.")
    if not host or site(host) in own or listed(whole, none):
        return None
    if engine := search_engine(host):
        return Origin(engine, "organic", "(organic)")
    return Origin(host, "referral", "(referral)")
