"""Tells sites and search engines by the host of a referrer."""

from functools import cache, lru_cache
from typing import Final

from tldextract import TLDExtract

from processing.pipeline.lookups.lists import rows

CACHED: Final = 16_384


@lru_cache(CACHED)
def registrable_domain(host: str) -> str:
    """Returns `example.co.uk` for `shop.example.co.uk`; an IP address or a bare name is its own domain."""
    return _suffix_list()(host).top_domain_under_public_suffix or host


@lru_cache(CACHED)
def search_engine(host: str) -> str | None:
    """Returns the name under which reports show the search engine, None if it is none. `host` is without `www.`."""
    exact, covering = _engines()
    if host in exact:
        return exact[host]
    labels = host.split(".")
    names = (covering.get(".".join(labels[first:])) for first in range(1, len(labels)))
    return next(filter(None, names), None) or exact.get(_with_any_suffix(host))


def _with_any_suffix(host: str) -> str:
    """`google.co.uk` -> `google.*`."""
    suffix = _suffix_list()(host).suffix
    return host.removesuffix(suffix) + "*" if suffix else ""


@cache
def _engines() -> tuple[dict[str, str], dict[str, str]]:
    """Returns names by host, and names by domain that covers all hosts below it. Hosts may end in `.*`: any suffix."""
    named = [(host, name) for host, name in rows("search_engines")]
    covering = {host[2:]: name for host, name in named if host.startswith("*.")}
    return {host: name for host, name in named if not host.startswith("*.")}, covering


@cache
def _suffix_list() -> TLDExtract:
    """Loads the list that comes with the package: nothing is fetched or written.

    With private suffixes, `a.github.io` and `b.github.io` are two sites.
    """
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
