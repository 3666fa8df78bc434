"""Splits URLs of pages. They are hostile text: nothing is decoded, repaired or refused."""

import re
from typing import Final

import polars as pl

LONGEST_HOST: Final = 255
LONGEST_PATH: Final = 2_048
LONGEST_QUERY: Final = 2_048
AFTER_AUTHORITY: Final = re.compile("[/?#]")


def without_query(url: pl.Expr) -> pl.Expr:
    return _before(_before(url, "?"), "#")


def query(url: pl.Expr) -> pl.Expr:
    """Returns the text between the first `?` and the fragment, null if there is no `?`."""
    return _before(url, "#").str.splitn("?", 2).struct[1]


def authority(url: pl.Expr) -> pl.Expr:
    """Returns the text between `://` and the first slash, unchanged; null if there is no `://`."""
    return _before(url.str.splitn("://", 2).struct[1], "/")


def host_of(authority: str) -> str | None:
    """Returns the host in lower case, without port and closing dot, or None: `user@Host.:80?x` -> `host`."""
    host = AFTER_AUTHORITY.split(authority, maxsplit=1)[0].rsplit("@", 1)[-1]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")[:LONGEST_HOST] or None


def split_url(url: str) -> tuple[str | None, str]:
    """Splits a URL without query into host and path. Text without a scheme is a path; an empty path becomes `/`."""
    scheme, mark, rest = url.partition("://")
    if not mark or not scheme or "/" in scheme:
        return None, path_of(url)
    authority, slash, path = rest.partition("/")
    return host_of(authority), path_of(slash + path)


def path_of(text: str) -> str:
    return text[:LONGEST_PATH] or "/"


def _before(text: pl.Expr, mark: str) -> pl.Expr:
    return text.str.splitn(mark, 2).struct[0]
