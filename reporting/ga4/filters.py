"""Filter expressions of the GA4 Data API as filter trees."""

from typing import Final, get_args

from reporting.ga4.json_fields import Fields
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

_MATCHES: Final[dict[int, Match]] = dict(enumerate(get_args(Match), start=1))
_COMPARISONS: Final[dict[int, Comparison]] = dict(enumerate(get_args(Comparison), start=1))
_TREES: Final = ("andGroup", "orGroup", "notExpression", "filter")
_LEAVES: Final = ("stringFilter", "inListFilter", "numericFilter", "betweenFilter", "emptyFilter")


def read_filter(request: Fields, name: str) -> Filter | None:
    """Raises ReportError, which names the place within the tree."""
    return _tree(request.inner(name, *_TREES)) if request.has(name) else None


def _tree(expression: Fields) -> Filter:
    kind = expression.one_of(*_TREES)
    if kind == "notExpression":
        return Not(_tree(expression.inner(kind, *_TREES)))
    if kind == "filter":
        return _leaf(expression.inner(kind, "fieldName", *_LEAVES))
    children = tuple(_tree(each) for each in expression.inner(kind, "expressions").objects("expressions", *_TREES))
    return And(children) if kind == "andGroup" else Or(children)


def _leaf(condition: Fields) -> Leaf:
    readers = {
        "stringFilter": _string,
        "inListFilter": _in_list,
        "numericFilter": _numeric,
        "betweenFilter": _between,
        "emptyFilter": _empty,
    }
    return readers[condition.one_of(*_LEAVES)](condition, condition.text("fieldName"))


def _string(condition: Fields, field: str) -> Leaf:
    asked = condition.inner("stringFilter", "matchType", "value", "caseSensitive")
    match = asked.choice("matchType", _MATCHES, {each: each for each in _MATCHES.values()}, "EXACT")
    return StringFilter(field, asked.text("value"), match, asked.flag("caseSensitive"))


def _in_list(condition: Fields, field: str) -> Leaf:
    asked = condition.inner("inListFilter", "values", "caseSensitive")
    return InListFilter(field, asked.texts("values"), asked.flag("caseSensitive"))


def _numeric(condition: Fields, field: str) -> Leaf:
    asked = condition.inner("numericFilter", "operation", "value")
    operation = asked.choice("operation", _COMPARISONS, {each: each for each in _COMPARISONS.values()})
    return NumericFilter(field, operation, _number(asked, "value"))


def _between(condition: Fields, field: str) -> Leaf:
    asked = condition.inner("betweenFilter", "fromValue", "toValue")
    return BetweenFilter(field, _number(asked, "fromValue"), _number(asked, "toValue"))


def _empty(condition: Fields, field: str) -> Leaf:
    condition.inner("emptyFilter")
    return EmptyFilter(field)


def _number(asked: Fields, name: str) -> float:
    """A missing value is 0: clients leave out what has its default."""
    value = asked.inner(name, "int64Value", "doubleValue")
    if value.has("int64Value") and value.has("doubleValue"):
        value.one_of("int64Value", "doubleValue")
    return float(value.integer("int64Value")) if value.has("int64Value") else value.number("doubleValue")
