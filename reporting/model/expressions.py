"""Arithmetic on metrics: the only division, and the expressions of callers, such as "eventCount / (sessions + 1)", as
polars expressions.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import polars as pl

from reporting.model.report import ReportError

LONGEST: Final = 300
_DEEPEST: Final = 20
_TOKEN: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*(?::\w+)?|[0-9]{1,15}(?:\.[0-9]{1,15})?|[-+*/()])\s*")

Operand = Callable[[str], pl.Expr]


def ratio(part: pl.Expr, whole: pl.Expr | int) -> pl.Expr:
    """Divides row by row: part / whole rounded to the nearest double (Float64), and 0.0 where `whole` is 0.

    Every division of a metric must use it. Polars divides a column by a number by multiplying with the inverse, unless
    the column has one row: 1001 / 1000 would be 1.0010000000000001 in a row and 1.001 in its total. NumPy always
    divides.
    """
    whole = pl.lit(whole) if isinstance(whole, int) else whole
    return pl.map_batches([part, whole, pl.len()], _divide, return_dtype=pl.Float64)


def _divide(operands: Sequence[pl.Series]) -> pl.Series:
    """Divides two columns. The third operand, the height of the table, is needed for the quotient of two numbers, such
    as 1 / 3: each of them comes as one value, and the quotient must be a column.
    """
    part, whole = (operand.to_numpy() for operand in operands[:2])
    quotient = np.zeros(operands[2].item(), dtype=np.float64)
    with np.errstate(all="ignore"):  # the caller replaces values that are not finite
        return pl.Series(np.divide(part, whole, out=quotient, where=whole != 0))


def read(expression: str, operand: Operand) -> pl.Expr:
    """Reads an expression; `operand` gives the value of a metric's name. Raises ReportError, which names the place."""
    return _Parser(_tokens(expression), operand).parse()


def _tokens(expression: str) -> list[str]:
    """Splits "-(a+1.5)" into "-", "(", "a", "+", "1.5", ")". Raises ReportError."""
    if len(expression) > LONGEST:
        raise ReportError(f"The metric expression has {len(expression)} characters; at most {LONGEST} are allowed.")
    tokens, at = [], 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if not token:
            raise ReportError(
                f"The metric expression cannot be read at {expression[at:][:20]!r}; "
                "use metric names, numbers, + - * / and parentheses."
            )
        tokens.append(token[1])
        at = token.end()
    return tokens


class _Parser:
    """Descends by precedence: a sum is of products, a product of factors, a factor may be a sum in parentheses."""

    def __init__(self, tokens: list[str], operand: Operand) -> None:
        self._tokens = tokens[::-1]  # the next one is the last
        self._operand = operand
        self._depth = 0

    def parse(self) -> pl.Expr:
        value = self._sum()
        if self._tokens:
            raise ReportError(
                f"The metric expression does not go on with {self._tokens[-1]!r}; "
                "an operator is missing or a parenthesis is too many."
            )
        return value

    def _sum(self) -> pl.Expr:
        value = self._product()
        while self._next() in ("+", "-"):
            value = value + self._product() if self._tokens.pop() == "+" else value - self._product()
        return value

    def _product(self) -> pl.Expr:
        value = self._factor()
        while self._next() in ("*", "/"):
            value = value * self._factor() if self._tokens.pop() == "*" else ratio(value, self._factor())
        return value

    def _factor(self) -> pl.Expr:
        word = self._tokens.pop() if self._tokens else ""
        if word == "-":
            return -self._nested(self._factor)
        if word == "(":
            value = self._nested(self._sum)
            if self._next() != ")":
                raise ReportError("The metric expression lacks a closing parenthesis.")
            self._tokens.pop()
            return value
        if word[:1].isdigit():
            return pl.lit(float(word))
        if word[:1].isalpha() or word[:1] == "_":
            return self._operand(word)
        raise ReportError(
            f"The metric expression lacks a metric or a number {f'before {word!r}' if word else 'at its end'}."
        )

    def _nested(self, parse: Callable[[], pl.Expr]) -> pl.Expr:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ReportError(f"The metric expression is nested deeper than {_DEEPEST}.")
        value = parse()
        self._depth -= 1
        return value

    def _next(self) -> str:
        return self._tokens[-1] if self._tokens else ""
