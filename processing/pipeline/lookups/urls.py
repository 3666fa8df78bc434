"""Takes addresses of pages apart. They are hostile text: nothing is decoded, repaired or refused."""

import re
from typing import Final

import polars as pl

LONGEST_HOST: Final = 255
LONGEST_PATH: Final = 2_048
LONGEST_QUERY: Final = 2_048
AFTER_AUTHORITY: Final = re.compile("[/?#]")


def without_query(address: pl.Expr) -> pl.Expr:
    return _before(_before(address, "?"), "#")


def query(address: pl.Expr) -> pl.Expr:
    """What stands between the first `?` and the fragment, null where there is no `?`."""
    return _before(address, "#").str.splitn("?", 2).struct[1]


def authority(address: pl.Expr) -> pl.Expr:
    """What stands between `://` and the first slash, as it was written; null where there is no `://`."""
    return _before(address.str.splitn("://", 2).struct[1], "/")


def host_of(authority: str) -> str | None:
    """The host of `user@Host.:port?…`: in lower case, without port and closing dot; null where there is none."""
    host = AFTER_AUTHORITY.split(authority, maxsplit=1)[0].rsplit("@", 1)[-1]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")[:LONGEST_HOST] or None


def parts(address: str) -> tuple[str | None, str]:
    """Host and path of an address without query; what names no scheme is a path, and an empty path is `/`."""
    scheme, mark, rest = address.partition("://")
    if not mark or not scheme or "/" in scheme:
        return None, path_of(address)
    authority, slash, path = rest.partition("/")
    return host_of(authority), path_of(slash + path)


def path_of(text: str) -> str:
    return text[:LONGEST_PATH] or "/"


def _before(text: pl.Expr, mark: str) -> pl.Expr:
    return text.str.splitn(mark, 2).struct[0]
