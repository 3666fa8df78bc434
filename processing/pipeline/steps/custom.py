"""Keeps the owner's own parameters: texts as dimensions, numbers as metrics."""

import polars as pl

from configuration.ruleset.fields import PARAMETER, USER_PROPERTY
from configuration.ruleset.ruleset import CustomDimensionRule, CustomMetricRule, Ruleset
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.custom_values import EVENT, METRIC, USER, join, number, pair


def custom(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Adds the parameters that the hit has to `custom`. A metric is kept as it was sent, if it is a number."""
    dimensions, metrics = rules.of_kind(CustomDimensionRule), rules.of_kind(CustomMetricRule)
    if not dimensions and not metrics:
        return frame
    matcher = Matcher(frame)
    parameters = dict.fromkeys((rule.scope, rule.parameter) for rule in dimensions)
    encoded = [_dimension(scope, name, matcher) for scope, name in parameters]
    encoded += [_metric(name, matcher) for name in dict.fromkeys(rule.parameter for rule in metrics)]
    return frame.with_columns(custom=join(pl.col("custom"), *map(pl.lit, encoded)))


def _dimension(scope: str, name: str, matcher: Matcher) -> pl.Series:
    field, prefix = (USER_PROPERTY, USER) if scope == "user" else (PARAMETER, EVENT)
    values = matcher.column(f"{field}{name}")
    return values.map(lambda texts: pl.select(pair(prefix + name, pl.lit(texts))).to_series()).rows()


def _metric(name: str, matcher: Matcher) -> pl.Series:
    values = matcher.column(f"{PARAMETER}{name}")
    return values.map(lambda texts: pl.select(_if_number(name, pl.lit(texts))).to_series()).rows()


def _if_number(name: str, value: pl.Expr) -> pl.Expr:
    return pl.when(number(value).is_not_null()).then(pair(METRIC + name, value))
