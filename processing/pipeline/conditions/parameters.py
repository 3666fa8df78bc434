"""Finds parameters among those that have no column of their own: what lies urlencoded in `rest`."""

import re
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import polars as pl

from processing.pipeline.conditions.dictionary_column import DictionaryColumn, dictionary_encode, on_some

# How the names of parameters begin on the wire: as text, as number.
EVENT_PARAMETER: Final = ("ep.", "epn.")
USER_PARAMETER: Final = ("up.", "upn.")


def parameter(rest: pl.Series, kinds: tuple[str, ...], name: str) -> DictionaryColumn:
    """The first value of a parameter, decoded; the empty text where a row has none."""
    spelled = dict.fromkeys((name, quote_plus(name)))  # as it was sent without escapes, and in its shortest encoding
    has = rest.str.contains_any([f".{each}=" for each in spelled]).fill_null(value=False)
    names = "|".join(re.escape(kind + each) for kind in kinds for each in spelled)
    found = on_some(rest, has, lambda some: some.str.extract(f"(?:^|&)(?:{names})=([^&]*)", 1))
    return dictionary_encode(found).each(_decoded)


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="replace") if "%" in text or "+" in text else text
