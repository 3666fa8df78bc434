"""Reads filter expressions of the GA4 Data API into filter trees."""

from typing import Final, get_args

from reporting.ga4.json_fields import JsonObject, by_name
from reporting.model.report import (
    And,
    BetweenFilter,
    Comparison,
    EmptyFilter,
    Filter,
    InListFilter,
    Leaf,
    Match,
    Not,
    NumericFilter,
    Or,
    StringFilter,
)

# Enums by their numbers, which clients may send instead of the names. Google numbers them in this order.
_MATCH_TYPES: Final[dict[int, Match]] = dict(enumerate(get_args(Match), start=1))
_OPERATIONS: Final[dict[int, Comparison]] = dict(enumerate(get_args(Comparison), start=1))
# A FilterExpression has exactly one of these fields.
_EXPRESSION_FIELDS: Final = (
    "andGroup",  # {"expressions": [FilterExpression, …]}
    "orGroup",  # {"expressions": [FilterExpression, …]}
    "notExpression",  # FilterExpression
    "filter",  # {"fieldName": …, and one of _CONDITION_FIELDS}
)
_CONDITION_FIELDS: Final = (
    "stringFilter",  # {"matchType", "value", "caseSensitive"}
    "inListFilter",  # {"values", "caseSensitive"}
    "numericFilter",  # {"operation", "value": NumericValue}
    "betweenFilter",  # {"fromValue": NumericValue, "toValue": NumericValue}
    "emptyFilter",  # {}
)


def read_filter(request: JsonObject, name: str) -> Filter | None:
    """Reads the FilterExpression in the named field; None without it. Raises ReportError, which names the place."""
    return _tree(request.inner(name, *_EXPRESSION_FIELDS)) if request.has(name) else None


def _tree(expression: JsonObject) -> Filter:
    name = expression.one_of(*_EXPRESSION_FIELDS)
    if name == "notExpression":
        return Not(_tree(expression.inner(name, *_EXPRESSION_FIELDS)))
    if name == "filter":
        return _condition(expression.inner(name, "fieldName", *_CONDITION_FIELDS))
    group = expression.inner(name, "expressions")
    children = tuple(_tree(child) for child in group.objects("expressions", *_EXPRESSION_FIELDS))
    return And(children) if name == "andGroup" else Or(children)


def _condition(filter_: JsonObject) -> Leaf:
    name, field = filter_.one_of(*_CONDITION_FIELDS), filter_.text("fieldName")
    match name:
        case "stringFilter":
            condition = filter_.inner(name, "matchType", "value", "caseSensitive")
            match_type = condition.choice("matchType", _MATCH_TYPES, by_name(_MATCH_TYPES), "EXACT")
            return StringFilter(field, condition.text("value"), match_type, condition.flag("caseSensitive"))
        case "inListFilter":
            condition = filter_.inner(name, "values", "caseSensitive")
            return InListFilter(field, condition.texts("values"), condition.flag("caseSensitive"))
        case "numericFilter":
            condition = filter_.inner(name, "operation", "value")
            operation = condition.choice("operation", _OPERATIONS, by_name(_OPERATIONS))
            return NumericFilter(field, operation, _number(condition, "value"))
        case "betweenFilter":
            condition = filter_.inner(name, "fromValue", "toValue")
            return BetweenFilter(field, _number(condition, "fromValue"), _number(condition, "toValue"))
    filter_.inner("emptyFilter")
    return EmptyFilter(field)


def _number(condition: JsonObject, name: str) -> float:
    """Reads a NumericValue. Without a value it is 0: clients leave out fields that have their default."""
    value = condition.inner(name, "int64Value", "doubleValue")
    if value.has("int64Value") and value.has("doubleValue"):
        value.one_of("int64Value", "doubleValue")
    return float(value.integer("int64Value")) if value.has("int64Value") else value.number("doubleValue")
