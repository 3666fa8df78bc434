"""What a metric of reports is, and the shapes that many share."""

from typing import Literal, NamedTuple

import polars as pl

from processing.pipeline.custom_values import MILLIONTHS
from reporting.model.expressions import ratio
from reporting.registry.measures import Measure, Sum

MetricType = Literal["INTEGER", "FLOAT", "SECONDS", "MILLISECONDS", "CURRENCY"]


class Metric(NamedTuple):
    """`value` is an expression over columns that have the names of measures; a division by 0 gives 0.

    `flags_show_zero`: the value is 0 in the same rows if a flag, 0 or 1, takes the place of each measure that is
    not a sum. A page leaves out rows of zeros, so it can then be found without counting distinct visitors or sessions.
    It does not hold for bounceRate: 3 sessions, of which 1 is engaged, give 2 / 3, but their flags give (1 - 1) / 1.
    """

    name: str
    label: str
    type: MetricType
    category: str
    definition: str
    example: str  # a value and what it says, "12: twelve sessions"; "" for what a report calculates
    measures: tuple[Measure, ...]
    value: pl.Expr
    expression: str = ""
    flags_show_zero: bool = True

    @property
    def scope(self) -> str:
        """The unit that the metric counts."""
        return {"User": "user", "Session": "session", "Item": "item"}.get(self.category, "event")


def count(*, name: str, label: str, category: str, definition: str, example: str, measure: Measure) -> Metric:
    return Metric(name, label, "INTEGER", category, definition, example, (measure,), pl.col(measure.name))


def rate(
    name: str,
    label: str,
    category: str,
    definition: str,
    part: Measure,
    whole: Measure,
    expression: str = "",
    *,
    example: str,
) -> Metric:
    value = ratio(pl.col(part.name), pl.col(whole.name))
    return Metric(name, label, "FLOAT", category, definition, example, (part, whole), value, expression)


def summed(
    name: str, label: str, type: MetricType, definition: str, *, columns: tuple[str, ...], value: pl.Expr, example: str
) -> Metric:
    """Returns the metric of a sum of millionths."""
    total = ratio(pl.col(name), MILLIONTHS)
    measure = Sum(name, columns, value, wide=True)
    return Metric(name, label, type, "Event", definition, example, (measure,), total)


def seconds(milliseconds: pl.Expr) -> pl.Expr:
    return ratio(milliseconds, 1000)
