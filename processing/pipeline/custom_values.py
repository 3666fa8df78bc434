"""What owners' rules make of an event beside its own columns: `name=value` joined by `&`, as the columns `custom` and
`groups` hold it.

Names begin with one of the prefixes below and are urlencoded; of values only what would be taken for a separator is,
so that they stay legible. A channel of the owner's own group has the group's bare name.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

import polars as pl

from processing.pipeline.escaping import escape, unescape

EVENT: Final = "e:"  # a custom dimension of the event
USER: Final = "u:"  # a custom dimension of the user
METRIC: Final = "m:"  # a custom metric
GROUP: Final = "c:"  # a content group
LONGEST: Final = 255
MILLIONTHS: Final = 1_000_000
LARGEST: Final = 2**63 - 1024  # the largest number of 64 bits with a sign that a double can hold


def encode(values: Mapping[str, pl.Expr]) -> pl.Expr:
    """The names with their values, cut; null where all values are null or empty."""
    return join(*(pair(name, value) for name, value in values.items()))


def pair(name: str, value: pl.Expr) -> pl.Expr:
    """One name with its value; null where the value is null or empty."""
    cut = value.cast(pl.String).str.slice(0, LONGEST)
    return pl.when(cut.ne("")).then(pl.lit(f"{_quoted(name)}=") + escape(cut))


def join(*pairs: pl.Expr) -> pl.Expr:
    text = pl.concat_str(pairs, separator="&", ignore_nulls=True)
    return pl.when(text.ne("")).then(text)


def extract(column: str, name: str) -> pl.Expr:
    """The value of a name, decoded; null where the column has none. Of categories each is read once."""
    return pl.col(column).map_batches(lambda texts: _extracted(texts, name), return_dtype=pl.String())


def without(column: str, prefix: str) -> pl.Expr:
    """The column but for the names with a prefix."""
    left = pl.col(column).str.replace_all(f"(^|&){prefix}[^&]*", "").str.strip_prefix("&")
    return pl.when(left.ne("")).then(left)


def number(value: pl.Expr) -> pl.Expr:
    """The number that a text says, in millionths, rounded, at most as large as can be; null if it says none."""
    said = value.cast(pl.Float64, strict=False)
    finite = pl.when(said.is_finite()).then(said)
    return (finite * MILLIONTHS).round().clip(-LARGEST, LARGEST).cast(pl.Int64)


def _quoted(name: str) -> str:
    for prefix in (EVENT, USER, METRIC, GROUP):
        if name.startswith(prefix):
            return prefix + quote_plus(name.removeprefix(prefix))
    return quote_plus(name)


def _extracted(texts: pl.Series, name: str) -> pl.Series:
    if texts.dtype == pl.String:
        return _read(texts, name)
    known = texts.unique().drop_nulls()
    read = pl.DataFrame({"text": known, "value": _read(known.cast(pl.String), name)})
    return texts.to_frame("text").join(read, on="text", how="left", maintain_order="left")["value"]


def _read(texts: pl.Series, name: str) -> pl.Series:
    found = texts.str.extract(f"(?:^|&){re.escape(_quoted(name))}=([^&]*)", 1)
    return found.to_frame("value").select(unescape(pl.col("value"))).to_series()
