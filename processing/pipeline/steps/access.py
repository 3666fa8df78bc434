"""Rejects lines of access logs that are no page views. A successful GET of something other than an asset is one."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.protocols import IS_SERVER_LOG
from processing.pipeline.row_ops import reject

ASSETS: Final = "css|js|mjs|map|png|jpg|jpeg|gif|svg|ico|webp|avif|woff|woff2|ttf|eot|otf"
ASSET: Final = rf"(?i)^[^?#]*\.(?:{ASSETS})(?:[?#]|$)"
NOT_MODIFIED: Final = "304"
PARTIAL_CONTENT: Final = "206"  # one of many ranges of a file that somebody downloads or plays


def access(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Checks in the order malformed (no method or target), method, status, asset. Robots are another step's concern."""
    if not frame.select(IS_SERVER_LOG.any()).item():
        return frame
    unreadable = pl.col("method").is_null() | _target().is_null()
    whole = pl.col("status").str.contains("^2[0-9][0-9]$") & pl.col("status").ne(PARTIAL_CONTENT)
    served = whole | pl.col("status").eq(NOT_MODIFIED)
    return reject(
        frame,
        (IS_SERVER_LOG & unreadable, "malformed"),
        (IS_SERVER_LOG & pl.col("method").ne("GET"), "method"),
        (IS_SERVER_LOG & ~served.fill_null(False), "status"),
        (IS_SERVER_LOG & _target().str.contains(ASSET), "asset"),
    )


def _target() -> pl.Expr:
    return pl.coalesce("target", "dl")
