"""Where a visit came from, by the host of its referrer."""

from functools import cache, lru_cache
from typing import Final

from tldextract import TLDExtract

from processing.pipeline.lookups.lists import rows

REMEMBERED: Final = 16_384


@lru_cache(REMEMBERED)
def site(host: str) -> str:
    """The registrable domain (`shop.example.co.uk` -> `example.co.uk`); an address or a bare name is its own site."""
    return _suffixes()(host).top_domain_under_public_suffix or host


@lru_cache(REMEMBERED)
def search_engine(host: str) -> str | None:
    """The name that a search engine's visits are reported under, None for another host. `host` is without www."""
    exact, below = _engines()
    if host in exact:
        return exact[host]
    labels = host.split(".")
    above = (below.get(".".join(labels[first:])) for first in range(1, len(labels)))
    return next(filter(None, above), None) or exact.get(_any_suffix(host))


def _any_suffix(host: str) -> str:
    suffix = _suffixes()(host).suffix
    return host.removesuffix(suffix) + "*" if suffix else ""


@cache
def _engines() -> tuple[dict[str, str], dict[str, str]]:
    """Hosts (those with any suffix end in `.*`), and hosts that stand for all below them."""
    named = [(host, name) for host, name in rows("search_engines")]
    below = {host[2:]: name for host, name in named if host.startswith("*.")}
    return {host: name for host, name in named if not host.startswith("*.")}, below


@cache
def _suffixes() -> TLDExtract:
    """The package's own list: nothing is fetched or written. Private suffixes part `a.github.io` from `b.github.io`."""
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
