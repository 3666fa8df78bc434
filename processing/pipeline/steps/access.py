"""What a line of a server's access log means: a successful GET of something that is not an asset is a page view."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.row_ops import refuse

PROTOCOL: Final = "access_log"
ASSETS: Final = "css|js|mjs|map|png|jpg|jpeg|gif|svg|ico|webp|avif|woff|woff2|ttf|eot|otf"
ASSET: Final = rf"(?i)^[^?#]*\.(?:{ASSETS})(?:[?#]|$)"
NOT_MODIFIED: Final = "304"


def access(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Asks in the order malformed (no method or target), method, status, asset; robots are a step of their own."""
    line = pl.col("protocol").eq(PROTOCOL)
    if not (frame["protocol"] == PROTOCOL).any():
        return frame
    unreadable = pl.col("method").is_null() | _target().is_null()
    served = pl.col("status").str.contains("^2[0-9][0-9]$") | pl.col("status").eq(NOT_MODIFIED)
    return refuse(
        frame,
        (line & unreadable, "malformed"),
        (line & pl.col("method").ne("GET"), "method"),
        (line & ~served.fill_null(False), "status"),
        (line & _target().str.contains(ASSET), "asset"),
    )


def _target() -> pl.Expr:
    return pl.coalesce("target", "dl")
