"""Reads parameters that have no column of their own out of `rest`, which holds them urlencoded."""

import re
from typing import Final
from urllib.parse import quote_plus, unquote_plus

import polars as pl

from processing.pipeline.conditions.dictionary_column import DictionaryColumn, dictionary_encode, on_some

# Prefixes of parameter names on the wire: of texts, and of numbers.
EVENT_PARAMETER: Final = ("ep.", "epn.")
USER_PARAMETER: Final = ("up.", "upn.")


def parameter(rest: pl.Series, prefixes: tuple[str, ...], name: str) -> DictionaryColumn:
    """Returns the first value of a parameter, decoded; the empty text in rows that have none."""
    spellings = dict.fromkeys((name, quote_plus(name)))  # clients send names as they are, or urlencoded
    has_name = rest.str.contains_any([f".{spelling}=" for spelling in spellings]).fill_null(value=False)
    names = "|".join(re.escape(prefix + spelling) for prefix in prefixes for spelling in spellings)
    encoded = on_some(rest, has_name, lambda some: some.str.extract(f"(?:^|&)(?:{names})=([^&]*)", 1))
    return dictionary_encode(encoded).map_each(_decoded)


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="replace") if "%" in text or "+" in text else text
