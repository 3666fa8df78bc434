"""Takes full addresses out of the texts of raw rows, before they are kept."""

from collections.abc import Callable
from typing import Final

import polars as pl

from collection.protocols import REST
from processing.masking import SUSPICIOUS, Bits, mask_content, mask_own, mask_rest, searchable
from processing.schema import PARAMETERS

OWNER: Final = "owner"  # the visitor's full address, where the frame still has it
SENDER: Final = "sender"  # the sender's, where it is another one
TEXTS: Final = ("user_agent", *PARAMETERS, REST)


def without_addresses(frame: pl.DataFrame, bits: Bits) -> pl.DataFrame:
    """Masks content that cannot be read, parameters that carry an address, and the hit's own addresses wherever they stand."""
    rest = pl.col(REST)
    broken = pl.col("error").is_not_null()
    frame = _changed(frame, broken, REST, lambda text, _: mask_content(text, bits))
    frame = _changed(frame, ~broken & rest.str.contains(SUSPICIOUS), REST, lambda text, _: mask_rest(text, bits))
    for own in (OWNER, SENDER):
        frame = _without(frame, own, bits)
    return frame


def _without(frame: pl.DataFrame, own: str, bits: Bits) -> pl.DataFrame:
    """Looks once through all texts of a row; only rows in which the address is found are taken apart."""
    names = frame[own].unique()
    found = names.map_elements(searchable, return_dtype=pl.String(), skip_nulls=True)
    wanted = pl.col(own).replace_strict(names, found, return_dtype=pl.String())
    row = frame.select(pl.concat_str(TEXTS, separator="\n", ignore_nulls=True).alias("text"), wanted.alias("wanted"))
    text = pl.col("text").str.to_lowercase().str.replace_all("%3a", ":", literal=True)
    suspect = row.select(pl.col("wanted").ne("") & text.str.contains(pl.col("wanted"), literal=True)).to_series()
    for name in TEXTS if suspect.any() else ():
        frame = _changed(frame, suspect, name, lambda text, own: mask_own(text, own, bits), own)
    return frame


def _changed(
    frame: pl.DataFrame, where: pl.Expr | pl.Series, name: str, change: Callable[[str, str], str], own: str = OWNER
) -> pl.DataFrame:
    chosen = frame.select(pl.lit(where) if isinstance(where, pl.Series) else where).to_series()
    rows = (chosen & frame[name].is_not_null()).fill_null(False).arg_true()
    if rows.is_empty():
        return frame
    texts = zip(frame[name].gather(rows), frame[own].gather(rows), strict=True)
    return frame.with_columns(frame[name].scatter(rows, [change(text, address) for text, address in texts]))
