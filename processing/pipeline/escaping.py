"""Escapes separators in text, so that the rest stays legible and every decoder of urlencoded text can read it."""

from typing import Final

import polars as pl

# Separators, and characters that would break a line.
ESCAPED: Final = {mark: f"%{ord(mark):02X}" for mark in '%&=+;# "<>\\' + "".join(map(chr, range(32))) + "\x7f"}
_TABLE: Final = str.maketrans(ESCAPED)


def escape(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(ESCAPED), list(ESCAPED.values()))


def escape_text(text: str) -> str:
    """Does the same for a single text."""
    return text.translate(_TABLE)


def unescape(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(ESCAPED.values()), list(ESCAPED))
