"""Splits URLs of pages. They are hostile text: nothing is repaired or refused.

A fragment that begins with `/` or `!` is a route: a page of its own, with parameters of its own.
`https://example.org/shop?lang=de#/shoes?size=9` has the path `/shop#/shoes` and the query `lang=de#size=9`.
"""

import re
from typing import Final, NamedTuple

import polars as pl

from configuration.ruleset.domain_names import show_host
from processing.pipeline.lookups.percent_encoding import LONGEST_ESCAPED, canonical
from processing.pipeline.lookups.tags import SEPARATOR, SIGNS, split_tags

LONGEST_HOST: Final = 255
LONGEST_PATH: Final = 2_048
LONGEST_QUERY: Final = 2_048
AFTER_AUTHORITY: Final = re.compile("[/?#]")
ROUTE: Final = "[/!]"
ROUTE_BEGIN: Final = re.compile(ROUTE)
# Where the parameters of a route begin; some are written with `&` from the first on: `#/shoes&utm_source=x`.
ROUTE_END: Final = re.compile(rf"\?|(?:{SEPARATOR}|#)(?=(?:{'|'.join(SIGNS)})[^=&?/]*=)", re.IGNORECASE)
FRAGMENT_SEPARATOR: Final = re.compile("[?;]")


class Parameters(NamedTuple):
    """`query`: of the page, without tags. `tags`: joined by `&`. None where there are none."""

    query: str | None
    tags: str | None


def without_query(url: pl.Expr) -> pl.Expr:
    """Returns the URL without queries; of fragments, routes stay: `/a?x#/b?y` -> `/a#/b`, `/a?x#top` -> `/a`."""
    base, route = _before(_before(url, "#"), "?"), _before(_after(url, "#"), "?")
    return pl.when(route.str.contains(f"^{ROUTE}")).then(base + "#" + route).otherwise(base)


def authority(url: pl.Expr) -> pl.Expr:
    """Returns the text between `://` and the first slash, unchanged; null if there is no `://`."""
    return _before(_after(url, "://"), "/")


def host_of(authority: str) -> str | None:
    """Returns the host in lower case, without port and closing dot, or None: `user@Host.:80?x` -> `host`.

    Punycode is shown in Unicode.
    """
    host = AFTER_AUTHORITY.split(authority, maxsplit=1)[0].rsplit("@", 1)[-1]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return show_host(name.lower().rstrip(".")[:LONGEST_HOST])[:LONGEST_HOST] or None


def split_url(url: str) -> tuple[str | None, str]:
    """Splits a URL without query into host and path. Text without a scheme is a path; an empty path becomes `/`."""
    scheme, mark, rest = url.partition("://")
    if not mark or not scheme or AFTER_AUTHORITY.search(scheme):
        return None, path_of(url)
    authority, slash, path = rest.partition("/")
    if "#" in authority:
        authority, slash, path = rest.partition("#")
    return host_of(authority), path_of(slash + path)


def path_of(text: str) -> str:
    """Returns the path in its one spelling, with the route behind it: `/%7Eme#/b&utm_source=x` -> `/~me#/b`."""
    path, mark, route = text[: LONGEST_PATH * LONGEST_ESCAPED].partition("#")
    if mark:
        route = ROUTE_END.split(route, maxsplit=1)[0]
    return (canonical(path or "/") + mark + canonical(route))[:LONGEST_PATH]


def parameters_of(url: str) -> Parameters:
    """Reads the parameters before the fragment, those of a route, and tags in any fragment."""
    base, _, fragment = url.partition("#")
    query, tags = _split(base.partition("?")[2])
    more = list[str]()
    if ROUTE_BEGIN.match(fragment):
        inner, _, below = "".join(ROUTE_END.split(fragment, maxsplit=1)[1:]).partition("#")
        of_route, more = _split(inner)
        more += _split(below)[1]
        query += "#" + of_route if of_route else ""
    elif fragment:
        _, more = _split(FRAGMENT_SEPARATOR.sub("&", fragment))
    return Parameters(query[:LONGEST_QUERY] or None, "&".join(tags + more) or None)


def _split(parameters: str) -> tuple[str, list[str]]:
    return split_tags(canonical(parameters[: LONGEST_QUERY * LONGEST_ESCAPED]))


def _before(text: pl.Expr, mark: str) -> pl.Expr:
    return text.str.splitn(mark, 2).struct[0]


def _after(text: pl.Expr, mark: str) -> pl.Expr:
    return text.str.splitn(mark, 2).struct[1]
