"""Text between separators: what would be taken for one is escaped, all else is kept legible, and every decoder of
urlencoded text takes it as it is.
"""

from typing import Final

import polars as pl

# Separators and what would break a line.
ESCAPED: Final = {mark: f"%{ord(mark):02X}" for mark in '%&=+;# "<>\\' + "".join(map(chr, range(32))) + "\x7f"}


def escape(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(ESCAPED), list(ESCAPED.values()))


def unescape(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(list(ESCAPED.values()), list(ESCAPED))
