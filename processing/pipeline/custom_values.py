"""Encodes several values in one column, `name=value` joined by `&`: those that owners' rules add to an event, for the
columns `custom` and `groups`, and the parameters of `interaction` and `campaign_details`.

Names are urlencoded; in `custom` they begin with one of the prefixes below. In values only separators are escaped, so
that they stay legible: `e:plan=gold&m:price=1.50`. In `groups` the name is that of the channel group, without prefix.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote_plus

import polars as pl

from processing.pipeline.escaping import escape, escape_text, unescape

EVENT: Final = "e:"  # a custom dimension of the event
USER: Final = "u:"  # a custom dimension of the user
METRIC: Final = "m:"  # a custom metric
GROUP: Final = "c:"  # a content group
LONGEST: Final = 255
MILLIONTHS: Final = 1_000_000
LARGEST: Final = 2**63 - 1024  # the largest number of 64 bits with a sign that a double can hold


def encode(values: Mapping[str, pl.Expr]) -> pl.Expr:
    """Encodes values by name, cut to LONGEST; null where all of them are null or empty."""
    return join(*(pair(name, value) for name, value in values.items()))


def pair(name: str, value: pl.Expr, longest: int = LONGEST) -> pl.Expr:
    """Encodes one name with its value; null where the value is null or empty."""
    cut = value.cast(pl.String).str.slice(0, longest)
    return pl.when(cut.ne("")).then(pl.lit(f"{_quoted(name)}=") + escape(cut))


def encode_texts(values: Iterable[tuple[str, str | None]]) -> str | None:
    """Does the same as `encode` for the values of a single row."""
    pairs = [f"{_quoted(name)}={escape_text(text[:LONGEST])}" for name, text in values if text]
    return "&".join(pairs) or None


def join(*pairs: pl.Expr) -> pl.Expr:
    text = pl.concat_str(pairs, separator="&", ignore_nulls=True)
    return pl.when(text.ne("")).then(text)


def extract(column: str, name: str) -> pl.Expr:
    """Returns the value of a name, decoded; null if there is none."""
    return read_each(column, lambda texts: _read(texts, name))


def read_each(column: str, read: Callable[[pl.Series], pl.Series]) -> pl.Expr:
    """Returns what `read` makes of the column's texts; it gets each category of a categorical column once."""
    return pl.col(column).map_batches(lambda texts: _read_distinct(texts, read), return_dtype=pl.String())


def without(column: str, prefix: str) -> pl.Expr:
    """Returns the column without the names that have the prefix."""
    kept = pl.col(column).str.replace_all(f"(^|&){prefix}[^&]*", "").str.strip_prefix("&")
    return pl.when(kept.ne("")).then(kept)


def number(value: pl.Expr) -> pl.Expr:
    """Reads a number as millionths, rounded and clipped to 64 bits; null if the text is not a number."""
    parsed = value.cast(pl.Float64, strict=False)
    finite = pl.when(parsed.is_finite()).then(parsed)
    return (finite * MILLIONTHS).round().clip(-LARGEST, LARGEST).cast(pl.Int64)


def _quoted(name: str) -> str:
    for prefix in (EVENT, USER, METRIC, GROUP):
        if name.startswith(prefix):
            return prefix + quote_plus(name.removeprefix(prefix))
    return quote_plus(name)


def _read_distinct(texts: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    if texts.dtype == pl.String:
        return read(texts)
    distinct = texts.unique().drop_nulls()
    values = pl.DataFrame({"text": distinct, "value": read(distinct.cast(pl.String))})
    return texts.to_frame("text").join(values, on="text", how="left", maintain_order="left")["value"]


def _read(texts: pl.Series, name: str) -> pl.Series:
    escaped = texts.str.extract(f"(?:^|&){re.escape(_quoted(name))}=([^&]*)", 1)
    return escaped.to_frame("value").select(unescape(pl.col("value"))).to_series()
