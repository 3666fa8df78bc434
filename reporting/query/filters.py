"""Applies filter trees: to rows by the distinct values of dimensions, and to metrics after counting."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any, Final, TypeGuard

import polars as pl

from processing.interruption import checkpoint
from reporting.model.limits import Limits
from reporting.model.report import (
    And,
    BetweenFilter,
    EmptyFilter,
    Filter,
    InListFilter,
    Leaf,
    Not,
    NumericFilter,
    Or,
    ReportError,
    StringFilter,
)
from reporting.query.patterns import compiled, match_any
from reporting.registry.dimensions.model import NOT_SET, Dimension
from reporting.registry.metrics import METRICS

LONGEST_VALUE: Final = 4096
DEEPEST: Final = 20

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "EQUAL": operator.eq,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
}


def leaves(tree: Filter | None, depth: int = 0) -> list[Leaf]:
    """Returns the conditions of a tree. Raises ReportError if a group is empty, or the tree too deep."""
    if tree is None:
        return []
    if depth > DEEPEST:
        raise ReportError(f"The filter is nested deeper than {DEEPEST}; flatten it.")
    if not isinstance(tree, And | Or | Not):
        return [tree]
    children = (tree.filter,) if isinstance(tree, Not) else tree.filters
    if not children:
        raise ReportError("A filter group has no expressions; give it at least one.")
    return [condition for child in children for condition in leaves(child, depth + 1)]


def check_size(conditions: Sequence[Leaf], limits: Limits) -> None:
    """Raises ReportError if the conditions of a report are too many or too large."""
    patterns = [leaf for leaf in conditions if is_pattern(leaf)]
    values = sum(len(leaf.values) for leaf in conditions if isinstance(leaf, InListFilter))
    _at_most("conditions", len(conditions), limits.conditions)
    _at_most("regular expressions", len(patterns), limits.patterns)
    _at_most("values in lists", values, limits.values)
    if any(len(leaf.value) > limits.pattern_characters for leaf in patterns):
        raise ReportError(f"A regular expression has more than {limits.pattern_characters} characters.")


def checked_conditions(trees: Iterable[Filter | None], limits: Limits) -> list[Leaf]:
    """Returns the conditions of all dimension filters of a report. Raises ReportError, for too many of them before any
    pattern is compiled: each takes milliseconds.
    """
    trees = list(trees)
    check_size([leaf for tree in trees for leaf in leaves(tree)], limits)
    return [leaf for tree in trees for leaf in dimension_conditions(tree)]


def _at_most(what: str, count: int, most: int) -> None:
    if count > most:
        raise ReportError(f"The filters of the report have {count:,} {what}; at most {most:,} are allowed.")


def dimension_conditions(tree: Filter | None) -> list[Leaf]:
    """Returns the conditions of a dimension filter. Raises ReportError for conditions on metrics and bad patterns."""
    conditions = leaves(tree)
    for condition in conditions:
        if condition.field in METRICS:
            raise ReportError(f"{condition.field!r} is a metric; put it into the metric filter.")
        if is_pattern(condition):
            compiled(condition)
    return conditions


def looking_cost(conditions: Iterable[Leaf]) -> int:
    """Returns how many steps (see Limits) conditions take for each event; patterns only see the different values."""
    return sum(3 if is_pattern(leaf) else 1 for leaf in conditions)


class Values:
    """The different values of a dimension in some frames: `keys`, and as texts (String, none null)."""

    def __init__(self, frames: Sequence[pl.DataFrame], dimension: Dimension, zone: str) -> None:
        self._key = dimension.key(zone)
        keys = pl.concat([frame.select(self._key.alias("key")).unique() for frame in frames]).unique()
        self.keys, self.texts = keys["key"], keys.select(dimension.text(pl.col("key"))).to_series()

    @cached_property
    def folded(self) -> pl.Series:
        return self.texts.str.to_lowercase()

    def rows(self, accepted: pl.Series) -> pl.Expr:
        """Returns which rows have one of the accepted values (Boolean)."""
        return self._key.is_in(self.keys.filter(accepted).implode())


def row_filter(
    tree: Filter | None, frames: Sequence[pl.DataFrame], dimensions: Mapping[str, Dimension], zone: str
) -> pl.Expr | None:
    """Returns which rows of the frames a dimension filter accepts, None for all. `dimensions` has those of
    its conditions, by name.

    Conditions are tried on the different values of all frames: of a million page views of 50 paths, a pattern reads 50
    texts. All conditions on one dimension that stand together are tried on its values, and then looked up in the rows
    as one.
    """
    if tree is None:
        return None
    fields = dict.fromkeys(leaf.field for leaf in leaves(tree))
    values = {name: Values(frames, dimensions[name], zone) for name in fields}
    return _rows_accepted(tree, values)


def accepted(rows: pl.DataFrame, tree: Filter | None, dimensions: Mapping[str, Dimension], zone: str) -> pl.Series:
    """Returns which rows a dimension filter accepts (Boolean, none null)."""
    condition = row_filter(tree, [rows], dimensions, zone)
    if condition is None:
        return pl.repeat(value=True, n=rows.height, dtype=pl.Boolean(), eager=True)
    return rows.select(condition.alias("accepted")).to_series()


def _rows_accepted(tree: Filter, values: Mapping[str, Values]) -> pl.Expr:
    if field := _only_field(tree):
        return values[field].rows(accepted_values(tree, values[field]))
    if isinstance(tree, Not):
        return ~_rows_accepted(tree.filter, values)
    assert isinstance(tree, And | Or)  # noqa: S101 - a condition has one field
    together: dict[str, list[Filter]] = {}
    parts = list[pl.Expr]()
    for child in tree.filters:
        if field := _only_field(child):
            together.setdefault(field, []).append(child)
        else:
            parts.append(_rows_accepted(child, values))
    parts += [_rows_accepted(type(tree)(tuple(children)), values) for children in together.values()]
    return pl.all_horizontal(parts) if isinstance(tree, And) else pl.any_horizontal(parts)


def _only_field(tree: Filter) -> str | None:
    fields = {leaf.field for leaf in leaves(tree)}
    return fields.pop() if len(fields) == 1 else None


def accepted_values(tree: Filter, values: Values) -> pl.Series:
    """Returns which of a dimension's values a filter on this dimension alone accepts (Boolean)."""
    match tree:
        case And(filters):
            return reduce(operator.and_, (accepted_values(child, values) for child in filters))
        case Or(filters):
            patterns = [child for child in filters if is_pattern(child)]
            others = [accepted_values(child, values) for child in filters if child not in patterns]
            return reduce(operator.or_, others, match_any(patterns, values.texts))
        case Not(child):
            return ~accepted_values(child, values)
    checkpoint()
    return _matches(tree, values)


def combine(tree: Filter, accepts: Callable[[Leaf], pl.Expr]) -> pl.Expr:
    """Makes one Boolean expression of a tree; `accepts` makes that of a single condition."""
    match tree:
        case And(filters):
            return pl.all_horizontal(combine(child, accepts) for child in filters)
        case Or(filters):
            return pl.any_horizontal(combine(child, accepts) for child in filters)
        case Not(child):
            return ~combine(child, accepts)
    return accepts(tree)


def _matches(leaf: Leaf, values: Values) -> pl.Series:
    match leaf:
        case StringFilter():
            return match_any([leaf], values.texts) if is_pattern(leaf) else _matches_string(leaf, values)
        case InListFilter(values=wanted, case_sensitive=case_sensitive):
            return _spelled(values, case_sensitive).is_in(_filter_values(wanted, case_sensitive).implode())
        case EmptyFilter():
            return values.texts.is_in([NOT_SET, ""])
    number = pl.col("text").cast(pl.Float64, strict=False)
    mask = values.texts.to_frame("text").select(numeric(leaf, number)).to_series()
    return mask.fill_null(value=False)  # texts that are not numbers


def numeric(leaf: Leaf, number: pl.Expr) -> pl.Expr:
    """Returns whether the condition accepts the number (Boolean). Raises ReportError for conditions on text."""
    match leaf:
        case NumericFilter(operation=operation, value=value):
            return pl.Expr.and_(_COMPARE[operation](number, value), number.is_not_nan())
        case BetweenFilter(low=low, high=high):
            return number.is_between(low, high)
    raise ReportError(f"The filter on the metric {leaf.field!r} compares text; use a numeric or a between filter.")


def is_pattern(leaf: Filter) -> TypeGuard[StringFilter]:
    return isinstance(leaf, StringFilter) and leaf.match in ("FULL_REGEXP", "PARTIAL_REGEXP")


def _matches_string(leaf: StringFilter, values: Values) -> pl.Series:
    texts = _spelled(values, leaf.case_sensitive)
    value: str = _filter_values((leaf.value,), leaf.case_sensitive)[0]
    match leaf.match:
        case "BEGINS_WITH":
            return texts.str.starts_with(value)
        case "ENDS_WITH":
            return texts.str.ends_with(value)
        case "CONTAINS":
            return texts.str.contains(value, literal=True)
    return texts == value


def _spelled(values: Values, case_sensitive: bool) -> pl.Series:
    return values.texts if case_sensitive else values.folded


def _filter_values(values: tuple[str, ...], case_sensitive: bool) -> pl.Series:
    """Returns the values in the spelling to compare. Raises ReportError without values, and for a value too long."""
    if not values or any(len(value) > LONGEST_VALUE for value in values):
        raise ReportError(f"A filter takes one value or more, of at most {LONGEST_VALUE} characters.")
    # JSON may carry lone surrogates, which UTF-8 and polars cannot.
    encodable = [value.encode("utf-8", "replace").decode() for value in values]
    series = pl.Series(encodable, dtype=pl.String)
    return series if case_sensitive else series.str.to_lowercase()
