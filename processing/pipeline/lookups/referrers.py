"""Tells sites and search engines by the host of a referrer."""

from functools import cache, lru_cache
from typing import Final

from tldextract import TLDExtract

from processing.pipeline.lookups.domains import HostPatterns
from processing.pipeline.lookups.lists import rows

CACHED: Final = 16_384


@lru_cache(CACHED)
def registrable_domain(host: str) -> str:
    """Returns `example.co.uk` for `shop.example.co.uk`; an IP address or a bare name is its own domain."""
    return _suffix_list()(host).top_domain_under_public_suffix or host


@lru_cache(CACHED)
def search_engine(host: str) -> str | None:
    """Returns the name under which reports show the search engine, None if it is none. `host` is without `www.`."""
    return _engines().find(host) or _engines().find(_with_any_suffix(host))


def _with_any_suffix(host: str) -> str:
    """`google.co.uk` -> `google.*`, but `google.github.io` -> "": anyone may register a name there."""
    suffix = _suffix_list()(host, include_psl_private_domains=False).suffix
    return host.removesuffix(suffix) + "*" if suffix else ""


@cache
def _engines() -> HostPatterns:
    """Hosts may end in `.*`: any suffix."""
    return HostPatterns(rows("search_engines"))


@cache
def _suffix_list() -> TLDExtract:
    """Loads the list that comes with the package: nothing is fetched or written.

    With private suffixes, `a.github.io` and `b.github.io` are two sites.
    """
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
